"""What `comlad keys` makes, and what it makes of what it finds."""

import json
import os
import stat
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from comlad.config import SERVER, WATCHER, Identity, read_keys
from comlad.errors import ConfigError
from comlad_deploy.cli import main
from comlad_deploy.keys import make_keys
from comlad_deploy.keys._certificates import load_certificate, load_key
from comlad_server.certificates import check_keys

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def names_in(directory: Path) -> list[str]:
    return sorted(entry.name for entry in directory.iterdir())


def everything(directory: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file()
    }


def extensions(directory: Path) -> x509.Extensions:
    return load_certificate(directory / "cert.pem").extensions


def test_gives_everyone_a_directory(tmp_path: Path) -> None:
    made = make_keys(tmp_path / "keys", 3)

    directories = ["server", "device-0", "device-1", "device-2", "watcher"]
    assert [key.directory.name for key in made] == directories
    assert names_in(tmp_path / "keys") == sorted(["ca.key", "ca.pem", *directories])
    for key in made:
        assert names_in(key.directory) == ["ca.pem", "cert.pem", "key.pem"]
        check_keys(read_keys(key.directory), key.identity)


def test_gives_a_host_of_several_devices_one_key(tmp_path: Path) -> None:
    made = make_keys(tmp_path, 8, ["4-6", "0-2,7"])

    assert [key.identity for key in made] == [
        SERVER,
        Identity.of_devices([0, 1, 2, 7]),
        Identity.of_devices([3]),
        Identity.of_devices([4, 5, 6]),
        WATCHER,
    ]


def test_keeps_private_keys_to_their_owner(tmp_path: Path) -> None:
    mask = os.umask(0)
    try:
        make_keys(tmp_path / "keys", 1)
    finally:
        os.umask(mask)

    modes = {
        path.relative_to(tmp_path).as_posix(): stat.S_IMODE(path.stat().st_mode)
        for path in tmp_path.rglob("*")
    }
    assert {modes[name] for name in modes if name.endswith(("key.pem", "ca.key"))} == {0o600}
    assert {modes[name] for name in modes if name.endswith(("ca.pem", "cert.pem"))} == {0o644}
    assert {modes[f"keys{name}"] for name in ("", "/server", "/device-0", "/watcher")} == {0o700}


@pytest.mark.parametrize(
    ("name", "uri", "purpose"),
    [
        ("server", "urn:comlad:server", ExtendedKeyUsageOID.SERVER_AUTH),
        ("device-0", "urn:comlad:devices:0", ExtendedKeyUsageOID.CLIENT_AUTH),
        ("watcher", "urn:comlad:watcher", ExtendedKeyUsageOID.CLIENT_AUTH),
    ],
)
def test_says_in_a_certificate_who_one_is_and_what_for(
    tmp_path: Path, name: str, uri: str, purpose: x509.ObjectIdentifier
) -> None:
    make_keys(tmp_path, 1)

    found = extensions(tmp_path / name)
    names = found.get_extension_for_class(x509.SubjectAlternativeName).value
    dns = ["comlad-server"] if name == "server" else []
    assert names.get_values_for_type(x509.UniformResourceIdentifier) == [uri]
    assert names.get_values_for_type(x509.DNSName) == dns
    assert list(found.get_extension_for_class(x509.ExtendedKeyUsage).value) == [purpose]
    assert not found.get_extension_for_class(x509.BasicConstraints).value.ca


def test_backdates_certificates_and_ends_them(tmp_path: Path) -> None:
    make_keys(tmp_path, 1, days=30, now=NOW)

    authority = load_certificate(tmp_path / "ca.pem")
    certificate = load_certificate(tmp_path / "device-0" / "cert.pem")
    assert certificate.not_valid_before_utc == authority.not_valid_before_utc == NOW - HOUR
    assert certificate.not_valid_after_utc == NOW + 30 * DAY
    assert authority.not_valid_after_utc == NOW + 5 * 365 * DAY


def test_makes_what_is_missing_and_leaves_what_is_there(tmp_path: Path) -> None:
    make_keys(tmp_path, 2, now=NOW)
    before = everything(tmp_path)

    made = make_keys(tmp_path, 3, now=NOW + DAY)

    after = everything(tmp_path)
    assert [key.directory.name for key in made if key.new] == ["device-2"]
    assert {name: after[name] for name in before} == before
    assert set(after) - set(before) == {f"device-2/{name}.pem" for name in ("ca", "cert", "key")}


def test_renews_every_key_but_the_authoritys(tmp_path: Path) -> None:
    make_keys(tmp_path, 2, now=NOW)
    before = everything(tmp_path)

    made = make_keys(tmp_path, 2, renew=True, now=NOW + DAY)

    after = everything(tmp_path)
    assert all(key.new for key in made)
    assert set(after) == set(before)
    for name in before:
        assert (after[name] == before[name]) == name.endswith(("ca.pem", "ca.key")), name


def test_prolongs_an_authority_before_a_key_would_outlive_it(tmp_path: Path) -> None:
    make_keys(tmp_path, 2, now=NOW)
    late = NOW + 5 * 365 * DAY - 100 * DAY
    before = everything(tmp_path)

    make_keys(tmp_path, 3, now=late)

    after = everything(tmp_path)
    assert after["ca.key"] == before["ca.key"]
    assert after["device-0/key.pem"] == before["device-0/key.pem"]
    authority = load_certificate(tmp_path / "ca.pem")
    assert authority.not_valid_after_utc == late + 5 * 365 * DAY
    for name in ("server", "device-0", "device-2", "watcher"):
        assert after[f"{name}/ca.pem"] == after["ca.pem"]
        # Those signed under the old certificate are good under the new one.
        load_certificate(tmp_path / name / "cert.pem").verify_directly_issued_by(authority)


def without(name: str) -> Callable[[Path], None]:
    return lambda keys: (keys / name).unlink()


def in_place_of(name: str, other: str) -> Callable[[Path], None]:
    def spoil(keys: Path) -> None:
        (keys / name).write_bytes((keys / other).read_bytes())

    return spoil


def both(first: Callable[[Path], None], second: Callable[[Path], None]) -> Callable[[Path], None]:
    def spoil(keys: Path) -> None:
        first(keys)
        second(keys)

    return spoil


SPOILT: dict[str, tuple[Callable[[Path], None], str]] = {
    "the authority's key gone": (without("ca.key"), "ca.key is missing: must be the key of the"),
    "its certificate gone": (without("ca.pem"), "ca.pem must be a certificate"),
    "another authority's key": (
        in_place_of("ca.key", "server/key.pem"),
        "ca.key must be the key of the ca.pem beside it",
    ),
    "a key gone": (without("server/key.pem"), "server/key.pem is missing: must go with what is"),
    "a certificate gone": (without("server/cert.pem"), "server/cert.pem is missing"),
    "another's key": (
        in_place_of("server/key.pem", "device-0/key.pem"),
        "server/key.pem must be the key of the cert.pem beside it",
    ),
    "another's key and certificate": (
        both(
            in_place_of("server/key.pem", "device-0/key.pem"),
            in_place_of("server/cert.pem", "device-0/cert.pem"),
        ),
        "server/cert.pem is for urn:comlad:devices:0: must be for urn:comlad:server, comlad-server",
    ),
}


@pytest.mark.parametrize("kind", SPOILT)
def test_refuses_what_does_not_go_together(tmp_path: Path, kind: str) -> None:
    spoil, complaint = SPOILT[kind]
    make_keys(tmp_path, 1)
    spoil(tmp_path)
    before = everything(tmp_path)

    with pytest.raises(ConfigError) as caught:
        make_keys(tmp_path, 1)

    assert complaint in str(caught.value)
    assert everything(tmp_path) == before


def test_mends_with_new_keys_what_was_torn(tmp_path: Path) -> None:
    make_keys(tmp_path, 1)
    (tmp_path / "server" / "key.pem").unlink()

    make_keys(tmp_path, 1, renew=True)

    check_keys(read_keys(tmp_path / "server"), SERVER)


@pytest.mark.parametrize("name", ["thesis.tex", "device-0/key.pem"])
def test_writes_into_no_directory_of_something_else(tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("mine")

    with pytest.raises(ConfigError, match=r"but no ca.pem: must be empty at first"):
        make_keys(tmp_path, 1)

    assert set(everything(tmp_path)) == {name}


def test_takes_empty_places_for_keys(tmp_path: Path) -> None:
    (tmp_path / "device-0").mkdir()

    make_keys(tmp_path, 1)

    check_keys(read_keys(tmp_path / "device-0"), Identity.of_devices([0]))


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--devices", "0"], "--devices = 0: must be 1 to 100000"),
        (["--devices", "2", "--days", "0"], "--days = 0: must be 1 to 1825"),
        (["--devices", "2", "--days", "1826"], "--days = 1826: must be 1 to 1825"),
        (["--devices", "2", "--group", "1-2"], "--group 1-2: must be of devices 0 to 1"),
        (["--devices", "4", "--group", "0-1", "--group", "1-2"], "--group 1-2: must be of"),
        (["--devices", "4", "--group", "x"], "--group x: must be ids such as 3 or 0,4-6"),
    ],
)
def test_refuses_in_one_line_before_anything_is_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], complaint: str
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["keys", str(tmp_path / "keys"), *options])

    (line,) = capsys.readouterr().err.splitlines()
    assert caught.value.code == 2
    assert complaint in line
    assert not (tmp_path / "keys").exists()


def test_says_what_goes_where_and_what_stays(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["keys", str(tmp_path), "--devices", "2"])

    shown = capsys.readouterr().out
    until = load_certificate(tmp_path / "server" / "cert.pem").not_valid_after_utc
    assert f"{tmp_path}/device-1  made, until {until:%Y-%m-%d}" in shown
    assert f"{tmp_path}/ca.key makes new keys: whoever has it can be anyone. It stays" in shown


def test_says_which_keys_are_of_no_use_any_more(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_keys(tmp_path, 1, days=1, now=NOW - 1000 * DAY)

    main(["keys", str(tmp_path), "--devices", "1"])

    assert f"{tmp_path}/server    kept, until 2023-06-06, which is over" in capsys.readouterr().out


def test_says_the_same_to_a_program(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_keys(tmp_path, 1)

    main(["keys", str(tmp_path), "--devices", "2", "--json"])

    told = json.loads(capsys.readouterr().out)
    assert told["ca"] == f"{tmp_path}/ca.pem"
    assert [(key["name"], key["new"]) for key in told["keys"]] == [
        ("urn:comlad:server", False),
        ("urn:comlad:devices:0", False),
        ("urn:comlad:devices:1", True),
        ("urn:comlad:watcher", False),
    ]


def test_makes_a_key_nobody_else_can_have(tmp_path: Path) -> None:
    make_keys(tmp_path, 3)

    numbers = {
        load_key(tmp_path / name / "key.pem").private_numbers().private_value
        for name in ("server", "device-0", "device-1", "device-2", "watcher")
    }
    assert len(numbers) == 5
