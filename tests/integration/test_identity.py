"""Who may be a device: by its certificate and by nothing that it says."""

import asyncio
import shutil
import ssl
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import grpc
import pytest
from cluster import (
    PATIENCE_S,
    SMALL,
    Server,
    devices,
    read_rounds,
    run_summary,
    serving,
    write_experiment_file,
)
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import ExtendedKeyUsageOID
from stranger import Stranger, open_channel, request

from comlad_deploy.keys import make_keys
from comlad_deploy.keys._certificates import load_certificate, load_key, to_pem
from comlad_device._client import Client
from comlad_device.connection import NoServerError, ServerRefusedError

pytestmark = pytest.mark.integration

DAY = timedelta(days=1)
HOUR_AGO = datetime.now(UTC) - timedelta(hours=1)
TWO: dict[str, Any] = SMALL | {"rounds": 2, "devices": {"count": 2, "deadline_s": PATIENCE_S}}


@pytest.fixture(scope="module")
def waiting(keys: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with keys that waits for devices, of which one never comes."""
    with serving(SMALL, tmp_path_factory.mktemp("waiting"), keys=keys) as server:
        yield server


def refusal(server: Server, keys: Path | None, *devices: int) -> str:
    """Why a device process gives up a server."""
    client = Client(server.address, devices, keys=keys)
    with pytest.raises(ServerRefusedError) as caught:
        asyncio.run(asyncio.wait_for(client.run(), PATIENCE_S))
    return str(caught.value)


def uri(name: str) -> x509.GeneralName:
    return x509.UniformResourceIdentifier(name)


def another(
    keys: Path, directory: Path, names: Sequence[x509.GeneralName], begin: datetime
) -> Path:
    """Keys with a certificate for a day that the same authority would not have made."""
    shutil.copytree(keys / "device-0", directory)
    builder = (
        x509.CertificateBuilder()
        .issuer_name(load_certificate(keys / "ca.pem").subject)
        .subject_name(x509.Name([]))
        .public_key(load_key(directory / "key.pem").public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + DAY)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    certificate = builder.sign(load_key(keys / "ca.key"), hashes.SHA256())
    (directory / "cert.pem").write_bytes(to_pem(certificate))
    return directory


def served(server: Server) -> int:
    """The serial number of the certificate that a server shows now."""
    host, _, port = server.address.rpartition(":")
    pem = ssl.get_server_certificate((host, int(port)), timeout=PATIENCE_S)
    return x509.load_pem_x509_certificate(pem.encode()).serial_number


class TestARun:
    def test_with_keys_comes_to_the_model_of_one_process(self, tmp_path: Path, keys: Path) -> None:
        make_keys(tmp_path / "keys", 4, ["1-2"])
        here = run_summary(
            write_experiment_file(tmp_path, SMALL), tmp_path / "here", "--engine", "inprocess"
        )

        with (
            serving(SMALL, tmp_path, listen="[::1]:0", keys=tmp_path / "keys") as server,
            devices(server.address, 0, keys=tmp_path / "keys"),
            devices(server.address, None, keys=tmp_path / "keys" / "devices-1-2"),
            devices(server.address, None, keys=tmp_path / "keys" / "device-3"),
        ):
            summary = server.finish()

        assert summary["transport"] == "mtls"
        assert summary["model_sha256"] == here["model_sha256"]
        assert not summary["faults"]["by_device"]
        for record in read_rounds(server.out):
            for way in ("up", "down"):
                counted = record["bytes"][way]
                assert counted["payload"] <= counted["message"] < counted["tcp"]

    def test_without_keys_where_others_connect_says_so(self, tmp_path: Path) -> None:
        with serving(SMALL, tmp_path, "--insecure", listen="0.0.0.0:0") as server:
            with devices(f"127.0.0.1:{server.address.rpartition(':')[2]}", "0-3"):
                summary = server.finish()

        assert summary["transport"] == "insecure"
        assert server.says("whoever reaches 0.0.0.0:0 can be any device")


class TestADevice:
    def test_without_a_certificate_is_refused(self, waiting: Server) -> None:
        reason = "UNAUTHENTICATED: it speaks TLS and wants a certificate: must be given --keys DIR"

        assert refusal(waiting, None, 0) == reason

    def test_ends_with_one_line_that_says_why(self, waiting: Server) -> None:
        with devices(waiting.address, 0) as (process,):
            _, errors = process.communicate(timeout=PATIENCE_S)

        (line,) = errors.splitlines()
        assert process.returncode == 1
        assert line.startswith(
            f"comlad-device: the server at {waiting.address} refused: UNAUTHENTICATED: it speaks"
        )

    def test_of_another_authority_is_refused(self, waiting: Server, tmp_path: Path) -> None:
        make_keys(tmp_path, 1)

        reason = refusal(waiting, tmp_path / "device-0")

        assert "UNAUTHENTICATED: its certificate is of another CA than ours" in reason

    def test_that_trusts_the_server_and_not_the_other_way_is_refused(
        self, waiting: Server, keys: Path, tmp_path: Path
    ) -> None:
        make_keys(tmp_path, 1)
        shutil.copy(keys / "ca.pem", tmp_path / "device-0")

        reason = refusal(waiting, tmp_path / "device-0")

        assert f"UNAUTHENTICATED: it does not accept {tmp_path}/device-0/cert.pem, valid" in reason

    @pytest.mark.parametrize("begin", [-2 * DAY, 2 * DAY], ids=["over", "yet to come"])
    def test_is_refused_with_a_key_whose_time_is(
        self, waiting: Server, keys: Path, tmp_path: Path, begin: timedelta
    ) -> None:
        first = datetime.now(UTC) + begin
        names = [uri("urn:comlad:devices:0")]

        reason = refusal(waiting, another(keys, tmp_path / "own", names, first))

        last = first + DAY
        dates = f"from {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC"
        assert (
            f"UNAUTHENTICATED: it does not accept {tmp_path}/own/cert.pem, valid {dates}" in reason
        )

    def test_of_another_name_is_refused(self, waiting: Server, keys: Path) -> None:
        assert refusal(waiting, keys / "device-0", 1) == (
            "PERMISSION_DENIED: join of device 1 with the certificate of device 0: "
            "must be of a device that the certificate names"
        )

    def test_whose_key_is_for_devices_that_are_not_there_is_refused(
        self, waiting: Server, keys: Path
    ) -> None:
        reason = "NOT_FOUND: join of device 7: must be one of 0 to 3"

        assert refusal(waiting, keys / "device-7") == reason

    @pytest.mark.parametrize("role", ["watcher", "server"])
    def test_has_no_other_role(self, waiting: Server, keys: Path, role: str) -> None:
        reason = {
            "watcher": "PERMISSION_DENIED: a call with the certificate of the watcher: must be a",
            "server": "UNAUTHENTICATED: it does not accept",
        }

        assert refusal(waiting, keys / role).startswith(reason[role])

    def test_with_a_key_finds_out_a_server_without(self, tmp_path: Path, keys: Path) -> None:
        with serving(SMALL, tmp_path) as server:
            reason = refusal(server, keys / "device-0")

        assert reason.startswith("UNAUTHENTICATED: it does not speak TLS (WRONG_VERSION_NUMBER)")

    def test_gives_up_when_it_is_told_to(self) -> None:
        client = Client("127.0.0.1:1", (0,), give_up_s=0.3)

        with pytest.raises(NoServerError, match=r"^no server at 127.0.0.1:1 for 0.3 seconds$"):
            asyncio.run(asyncio.wait_for(client.run(), PATIENCE_S))


class TestACall:
    @pytest.mark.parametrize(
        ("names", "found"),
        [
            ([], "no name"),
            ([uri("urn:comlad:device:0")], "urn:comlad:device:0"),
            (
                [uri("urn:comlad:devices:0"), uri("urn:comlad:watcher")],
                "urn:comlad:devices:0, urn:",
            ),
            ([x509.DNSName("urn:comlad:devices:0")], "no name"),
        ],
        ids=["none", "another", "two", "of another kind"],
    )
    def test_needs_a_name_of_ours(
        self,
        waiting: Server,
        keys: Path,
        tmp_path: Path,
        names: list[x509.GeneralName],
        found: str,
    ) -> None:
        with Stranger(
            waiting.address, keys=another(keys, tmp_path / "own", names, HOUR_AGO)
        ) as nobody:
            code, details = nobody.call.code(), nobody.call.details()

        assert code == grpc.StatusCode.UNAUTHENTICATED
        assert details.startswith(f"a certificate for {found}")
        assert "must have one name such as urn:comlad:devices:0" in details

    def test_joins_as_all_that_its_certificate_names(
        self, waiting: Server, keys: Path, tmp_path: Path
    ) -> None:
        own = another(keys, tmp_path / "own", [uri("urn:comlad:devices:0-1,3")], HOUR_AGO)

        with Stranger(waiting.address, [], own) as several:
            welcome = several.welcome

        assert list(welcome.device_ids) == [0, 1, 3]
        assert len(welcome.device_keys) == 3

    def test_for_the_data_is_for_devices(self, waiting: Server, keys: Path) -> None:
        with open_channel(waiting.address, keys / "watcher") as channel:
            fetch: Any = channel.unary_stream("/comlad.v1.TrainingService/FetchDataset")
            with pytest.raises(grpc.RpcError) as error:
                next(fetch(b"", wait_for_ready=True))

        assert error.value.code() == grpc.StatusCode.PERMISSION_DENIED

    def test_is_one_of_a_few_with_the_same_key(self, waiting: Server, keys: Path) -> None:
        ended: SimpleQueue[Any] = SimpleQueue()
        with ExitStack() as stack:
            silent = [
                stack.enter_context(Stranger(waiting.address, keys=keys / "device-9"))
                for _ in range(5)
            ]
            for stranger in silent:
                stranger.call.add_done_callback(ended.put)
            refused = ended.get(timeout=PATIENCE_S)
            open_still = [stranger for stranger in silent if not stranger.call.done()]

        assert refused.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
        assert refused.details() == "4 calls with the key of device 9 are open: must be no more"
        assert len(open_still) == 4


class TestOneVote:
    def test_of_a_device_however_often_it_connects(self, tmp_path: Path, keys: Path) -> None:
        def vote(asked: Any) -> Any:
            part = {"slot": 0, "dense": {"float64": bytes(8 * 20)}}
            return request(reply={"round": asked.round, "plan": asked.plan, "parts": [part]})

        with serving(TWO, tmp_path, keys=keys) as server:
            with (
                Stranger(server.address, [0], keys / "device-0") as older,
                Stranger(server.address, [1], keys / "device-1") as other,
            ):
                asked = older.read_round()
                older.send(vote(asked))
                with Stranger(server.address, [0], keys / "device-0") as newer:
                    with pytest.raises(grpc.RpcError) as ended:
                        older.read()
                    newer.send(vote(asked))
                    second = newer.read().refusal
                    other.send(vote(other.read_round()))
                    for device in (newer, other):
                        device.send(vote(device.read_round()))
                    summary = server.finish()

        assert ended.value.code() == grpc.StatusCode.ABORTED
        assert ended.value.details() == "a newer connection with the same key took its place"
        assert second.status == grpc.StatusCode.ALREADY_EXISTS.value[0]
        assert [record["missing"] for record in read_rounds(server.out)] == [[], []]
        assert summary["faults"]["by_device"] == {"0": {"missing": 0, "refused": 1}}

    def test_goes_to_the_newer_of_two_processes(self, waiting: Server, keys: Path) -> None:
        async def both() -> None:
            clients = [Client(waiting.address, keys=keys / "device-0") for _ in range(2)]
            runs = []
            async with asyncio.timeout(PATIENCE_S):
                for client in clients:
                    runs.append(asyncio.create_task(client.run()))
                    while not client.devices:  # until it is welcome
                        await asyncio.sleep(0.01)
                try:
                    await runs[0]
                finally:
                    assert not runs[1].done()
                    runs[1].cancel()

        with pytest.raises(ServerRefusedError, match=r"^ABORTED: a newer connection with the same"):
            asyncio.run(both())

    def test_is_none_for_one_that_comes_back_at_once_again_and_again(
        self, waiting: Server, keys: Path
    ) -> None:
        with open_channel(waiting.address, keys / "device-2") as channel:
            train: Any = channel.stream_stream("/comlad.v1.TrainingService/Train")
            codes = []
            for _ in range(100):
                call = train(iter([request(join={}).SerializeToString()]), timeout=PATIENCE_S)
                with suppress(grpc.RpcError):
                    list(call)
                codes.append(call.code())
                if codes[-1] == grpc.StatusCode.UNAVAILABLE:
                    break

        assert grpc.StatusCode.RESOURCE_EXHAUSTED in codes
        assert codes[-1] == grpc.StatusCode.UNAVAILABLE
        assert "suspended" in call.details()


class TestRenewal:
    def test_needs_no_restart_of_the_server(self, tmp_path: Path) -> None:
        keys = tmp_path / "keys"
        make_keys(keys, 4)
        with serving(SMALL, tmp_path, keys=keys) as server:
            with Stranger(server.address, [0], keys / "device-0") as early:
                shutil.copytree(keys / "device-1", tmp_path / "not renewed")
                before = served(server)
                make_keys(keys, 4, renew=True)
                with (
                    Stranger(server.address, [1], tmp_path / "not renewed"),
                    Stranger(server.address, [2], keys / "device-2"),
                    Stranger(server.address, [3], keys / "device-3"),
                ):
                    after = served(server)
                    asked = early.read_round()

        assert asked.round == 0
        assert before != after == load_certificate(keys / "server" / "cert.pem").serial_number
