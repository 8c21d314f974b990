"""Why a server cannot be talked to: what gRPC does not say."""

import shutil
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import pytest

from comlad.config import SERVER, read_keys
from comlad.errors import ConfigError
from comlad_deploy.keys import make_keys
from comlad_deploy.keys._certificates import Authority, issue, load_certificate, load_key, to_pem
from comlad_device._tls import what_is_wrong

DAY = timedelta(days=1)


@contextmanager
def server(directory: Path | None) -> Iterator[str]:
    """A bare gRPC server with these keys, whether they are any good or not; its address."""
    with ThreadPoolExecutor(1) as threads:
        bare = grpc.server(threads)
        if directory is None:
            port = bare.add_insecure_port("127.0.0.1:0")
        else:
            keys = read_keys(directory)
            pair = keys.key, keys.certificate
            port = bare.add_secure_port(
                "127.0.0.1:0", grpc.ssl_server_credentials([pair], keys.ca, True)
            )
        bare.start()
        try:
            yield f"127.0.0.1:{port}"
        finally:
            bare.stop(None).wait()


def reason(directory: Path | None, own: Path | None) -> str | None:
    with server(directory) as address:
        return what_is_wrong(address, None if own is None else read_keys(own))


def test_is_nothing_where_both_have_keys(keys: Path) -> None:
    assert reason(keys / "server", keys / "device-0") is None


def test_is_nothing_where_neither_has() -> None:
    assert reason(None, None) is None


@pytest.mark.parametrize("begin", [-3 * DAY, 2 * DAY], ids=["over", "yet to come"])
def test_is_the_time_of_the_servers_certificate(
    tmp_path: Path, keys: Path, begin: timedelta
) -> None:
    own = Path(shutil.copytree(keys / "server", tmp_path / "server"))
    authority = Authority(load_key(keys / "ca.key"), load_certificate(keys / "ca.pem"))
    identity, now = SERVER, datetime.now(UTC)
    key = load_key(own / "key.pem").public_key()
    (own / "cert.pem").write_bytes(to_pem(issue(authority, key, identity, now + begin, DAY)))

    found = reason(own, keys / "device-0")

    first, last = now + begin - timedelta(hours=1), now + begin + DAY
    dates = f"from {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC"
    assert found is not None
    assert found.startswith(f"its certificate is valid {dates}: must be at {now:%Y-%m-%d %H:}")
    assert found.endswith(" UTC by the clock here")


@pytest.mark.parametrize("name", ["device-0", "watcher"])
def test_is_a_server_with_a_key_of_someone_else(keys: Path, name: str) -> None:
    found = reason(keys / name, keys / "device-0")

    assert found == "its certificate is for another purpose: is no server's"


def test_is_a_server_of_another_authority(keys: Path, tmp_path: Path) -> None:
    make_keys(tmp_path, 1)

    found = reason(tmp_path / "server", keys / "device-0")

    assert found == "its certificate is of another CA than ours: must be keys of one comlad keys"


def test_is_our_own_files_that_do_not_belong_together(keys: Path, tmp_path: Path) -> None:
    own = Path(shutil.copytree(keys / "device-0", tmp_path / "own"))
    shutil.copy(keys / "device-1" / "key.pem", own)

    with pytest.raises(ConfigError, match=r"own are no keys, or not of each other"):
        reason(keys / "server", own)


@pytest.mark.parametrize("with_keys", [False, True])
def test_is_nothing_where_nobody_is_there(keys: Path, with_keys: bool) -> None:
    own = read_keys(keys / "device-0") if with_keys else None

    assert what_is_wrong("127.0.0.1:1", own) is None


@pytest.mark.parametrize("with_keys", [False, True])
def test_is_nothing_where_one_hangs_up_at_once(keys: Path, with_keys: bool) -> None:
    own = read_keys(keys / "device-0") if with_keys else None
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as threads:

        def hang_up() -> None:
            listener.accept()[0].close()

        hanging_up = threads.submit(hang_up)
        found = what_is_wrong(f"127.0.0.1:{listener.getsockname()[1]}", own)
        hanging_up.result()

    assert found is None
