import logging
import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from comlad.config import SERVER, read_keys
from comlad.errors import ConfigError
from comlad_deploy.keys import make_keys
from comlad_server._credentials import Renewal, choose_transport, server_credentials
from comlad_server.certificates import check_keys

DAY = timedelta(days=1)


@pytest.fixture
def own(keys: Path, tmp_path: Path) -> Path:
    """A copy of the server's keys, to be spoilt."""
    return Path(shutil.copytree(keys / "server", tmp_path / "server"))


def refusal(directory: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        server_credentials(directory)
    return str(caught.value)


class TestCredentials:
    @pytest.mark.parametrize("place", ["", "server"])
    def test_take_the_servers_directory_or_all(self, keys: Path, place: str) -> None:
        server_credentials(keys / place)

    @pytest.mark.parametrize("name", ["ca.pem", "cert.pem", "key.pem"])
    def test_name_a_file_that_is_broken(self, own: Path, name: str) -> None:
        (own / name).write_text("-----BEGIN NOTHING-----\n")

        assert f"{own / name} must be a" in refusal(own)

    def test_are_of_one_authority(self, own: Path, tmp_path: Path) -> None:
        make_keys(tmp_path / "other", 1)
        shutil.copy(tmp_path / "other" / "ca.pem", own)

        assert refusal(own) == f"--keys: {own}/cert.pem must be issued by the ca.pem beside it"

    def test_belong_together(self, own: Path, keys: Path) -> None:
        shutil.copy(keys / "device-0" / "key.pem", own)

        assert refusal(own) == f"--keys: {own}/key.pem must be the key of the cert.pem beside it"

    def test_are_the_servers(self, keys: Path) -> None:
        own = keys / "device-0"

        assert refusal(own) == (
            f"--keys: {own}/cert.pem is for urn:comlad:devices:0: "
            "must be for urn:comlad:server, comlad-server"
        )

    @pytest.mark.parametrize("begin", [-3 * DAY, 2 * DAY], ids=["over", "yet to come"])
    def test_are_valid_now(self, tmp_path: Path, begin: timedelta) -> None:
        now = datetime.now(UTC)
        make_keys(tmp_path, 1, days=1, now=now + begin)

        complaint = refusal(tmp_path)

        first, last = now + begin - timedelta(hours=1), now + begin + DAY
        dates = f"is valid from {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M}: must be now, "
        name = "cert.pem" if begin < timedelta() else "ca.pem"
        assert (
            f"--keys: {tmp_path}/server/{name} is valid from {first:%Y-%m-%d %H:%M} to" in complaint
        )
        assert (dates in complaint) == (name == "cert.pem")
        assert complaint.endswith(" UTC; comlad keys --renew makes new ones")

    def test_warn_where_others_can_read_the_key(
        self, own: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        (own / "key.pem").chmod(0o644)

        server_credentials(own)

        assert f"can read {own}/key.pem (mode 644): should be 600" in caplog.text


class TestRenewal:
    def test_has_nothing_new_until_something_changes(self, own: Path) -> None:
        assert Renewal(read_keys(own)).fetch() is None

    def test_takes_up_what_is_new_once(self, tmp_path: Path) -> None:
        make_keys(tmp_path, 1)
        renewal = Renewal(read_keys(tmp_path, SERVER))

        make_keys(tmp_path, 1, renew=True)

        assert renewal.fetch() is not None
        assert renewal.fetch() is None

    def test_waits_for_the_second_of_two_files(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        make_keys(tmp_path / "old", 1)
        shutil.copytree(tmp_path / "old", tmp_path / "new")
        make_keys(tmp_path / "new", 1, renew=True)
        old, new = tmp_path / "old" / "server", tmp_path / "new" / "server"
        renewal = Renewal(read_keys(old))

        shutil.copy(new / "key.pem", old)
        torn = renewal.fetch()
        shutil.copy(new / "cert.pem", old)
        os.utime(old / "cert.pem")

        assert torn is None
        assert "the server's new keys are not taken up: " in caplog.text
        assert renewal.fetch() is not None
        check_keys(read_keys(old), SERVER)


class TestTransport:
    @pytest.mark.parametrize(
        ("listen", "keys", "insecure", "transport"),
        [
            ("127.0.0.1:0", None, False, "plaintext on loopback"),
            ("[::1]:0", None, False, "plaintext on loopback"),
            ("localhost:0", None, True, "plaintext on loopback"),
            ("0.0.0.0:0", None, True, "insecure"),
            ("0.0.0.0:0", Path("keys"), False, "mtls"),
            ("127.0.0.1:0", Path("keys"), False, "mtls"),
        ],
    )
    def test_is(self, listen: str, keys: Path | None, insecure: bool, transport: str) -> None:
        assert choose_transport(listen, keys, insecure) == transport

    def test_is_chosen_where_others_can_connect(self) -> None:
        with pytest.raises(
            ConfigError, match=r"^--listen \[::\]:0: must have --keys DIR, or --ins"
        ):
            choose_transport("[::]:0", None, False)

    def test_is_one_or_the_other(self) -> None:
        with pytest.raises(ConfigError, match=r"^--insecure: must be without --keys$"):
            choose_transport("[::]:0", Path("keys"), True)

    def test_is_said_aloud_when_it_is_none(self, caplog: pytest.LogCaptureFixture) -> None:
        with caplog.at_level(logging.WARNING):
            choose_transport("0.0.0.0:5757", None, True)

        assert "whoever reaches 0.0.0.0:5757 can be any device" in caplog.text
