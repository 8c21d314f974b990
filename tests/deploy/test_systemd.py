"""The systemd units."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from command_lines import commands_in, unknown_options

SYSTEMD = Path(__file__).parent.parent.parent / "deploy" / "systemd"
UNITS = sorted(SYSTEMD.glob("*.service"))
# /opt/comlad/bin of the units, in this environment.
BIN = Path(sys.executable).parent

needs_systemd = pytest.mark.skipif(
    not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed"
)


def installed(directory: Path) -> list[Path]:
    """The units as they would be in /etc/systemd/system, templates with an instance."""
    paths = []
    for unit in UNITS:
        path = directory / unit.name.replace("@", "@device-3")
        path.write_text(unit.read_text("utf-8").replace("/opt/comlad/bin", str(BIN)), "utf-8")
        paths.append(path)
    return paths


def settings(unit: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for key, value in re.findall(r"^(\w+)=(.*)$", unit.read_text("utf-8"), re.MULTILINE):
        found.setdefault(key, []).append(value)
    return found


def test_there_is_one_for_each_program() -> None:
    programs = [settings(unit)["ExecStart"][0].split()[0] for unit in UNITS]

    assert [unit.name for unit in UNITS] == [
        *("comlad-byzantine@.service", "comlad-device@.service", "comlad-server.service")
    ]
    for unit, program in zip(UNITS, programs, strict=True):
        assert program == f"/opt/comlad/bin/{unit.stem.rstrip('@')}"
        assert (BIN / Path(program).name).exists()


@needs_systemd
def test_systemd_has_nothing_to_complain_of(tmp_path: Path) -> None:
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *installed(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@needs_systemd
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_leaves_little_of_the_host_within_reach(unit: Path, tmp_path: Path) -> None:
    paths = dict(zip(UNITS, installed(tmp_path), strict=True))
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=yes", "--threshold=15", paths[unit]],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_keys_come_as_credentials(unit: Path) -> None:
    place = "server" if unit.stem == "comlad-server" else "%i"

    assert settings(unit)["LoadCredential"] == [
        f"{file}:/etc/comlad/{place}/{file}" for file in ("ca.pem", "cert.pem", "key.pem")
    ]
    assert "--keys ${CREDENTIALS_DIRECTORY}" in settings(unit)["ExecStart"][0]


def test_a_server_that_is_started_again_goes_on() -> None:
    assert " --resume" in settings(SYSTEMD / "comlad-server.service")["ExecStart"][0]


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_programs_know_every_option_they_are_given(unit: Path) -> None:
    (command,) = commands_in(settings(unit)["ExecStart"][0])

    assert not unknown_options(command)
