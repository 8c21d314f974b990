from pathlib import Path

import pytest

from comlad.config import SERVER, WATCHER, Identity, read_keys
from comlad.errors import ConfigError

PEM = "-----BEGIN SOMETHING-----\n"


def place(directory: Path, *names: str) -> Path:
    """Directories of keys; what is in them is their names."""
    for name in names:
        (directory / name).mkdir(parents=True)
        for file in ("ca.pem", "cert.pem", "key.pem"):
            (directory / name / file).write_text(f"{PEM}{file} of {name}")
    (directory / "ca.pem").write_text(PEM)
    return directory


@pytest.mark.parametrize(
    ("identity", "name"),
    [
        (SERVER, "server"),
        (WATCHER, "watcher"),
        (Identity.of_devices([5]), "device-5"),
        (Identity.of_devices([1]), "devices-0-3"),
        (Identity.of_devices([1, 3]), "devices-0-3"),
        (Identity.of_devices([3, 7]), "devices-0-4,7"),
    ],
)
def test_finds_whose_keys_they_are(tmp_path: Path, identity: Identity, name: str) -> None:
    names = ["server", "watcher", "device-5", "device-1-copy", "devices-0-3", "devices-0-4,7"]
    keys = read_keys(place(tmp_path, *names), identity)

    assert keys.directory == tmp_path / name
    assert keys.ca.decode() == f"{PEM}ca.pem of {name}"
    assert keys.certificate.decode() == f"{PEM}cert.pem of {name}"
    assert keys.key.decode() == f"{PEM}key.pem of {name}"


@pytest.mark.parametrize("identity", [None, SERVER, Identity.of_devices([3])])
def test_takes_the_directory_itself(tmp_path: Path, identity: Identity | None) -> None:
    own = place(tmp_path, "any") / "any"

    assert read_keys(own, identity).directory == own


def test_takes_the_only_devices_keys_there_are(tmp_path: Path) -> None:
    place(tmp_path, "server", "device-3", "watcher")

    assert read_keys(tmp_path).directory == tmp_path / "device-3"


def test_does_not_choose_among_devices(tmp_path: Path) -> None:
    place(tmp_path, "device-3", "devices-4-5")

    with pytest.raises(ConfigError, match=r"has 2 devices' keys; say --device$"):
        read_keys(tmp_path)


@pytest.mark.parametrize("identity", [Identity.of_devices([2]), Identity.of_devices([3, 4])])
def test_says_whose_keys_are_there(tmp_path: Path, identity: Identity) -> None:
    place(tmp_path, "device-3", "server")

    with pytest.raises(ConfigError) as caught:
        read_keys(tmp_path, identity)

    assert str(caught.value) == (
        f"--keys {tmp_path}: must hold cert.pem, or a directory with the key of {identity}, "
        "as comlad keys makes them; found keys of: device-3, server"
    )


@pytest.mark.parametrize("name", ["ca.pem", "key.pem"])
def test_names_a_file_that_is_missing(tmp_path: Path, name: str) -> None:
    (place(tmp_path, "server") / "server" / name).unlink()

    with pytest.raises(ConfigError, match=rf"server/{name} cannot be read"):
        read_keys(tmp_path, SERVER)


def test_names_a_file_that_is_something_else(tmp_path: Path) -> None:
    (place(tmp_path, "server") / "server" / "key.pem").write_bytes(b"\xff\xff")

    with pytest.raises(ConfigError, match=r"server/key.pem must be a PEM file"):
        read_keys(tmp_path, SERVER)


def test_names_a_directory_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none: cannot be read"):
        read_keys(tmp_path / "none", SERVER)


def test_shows_no_key(tmp_path: Path) -> None:
    keys = read_keys(place(tmp_path, "server"), SERVER)

    assert "SOMETHING" not in repr(keys)
