"""What comlad-byzantine makes of an experiment that it is given to read."""

import subprocess
import sys
from pathlib import Path

import pytest
import tomli_w
from samples import tables

from comlad.attacks import InnerProductManipulation
from comlad.experiment import byzantine_devices, read_experiment
from comlad.rng import device_key
from comlad_device._client import Client
from comlad_device.byzantine import _client, _parser

WORDS = ("--server", "localhost:1", "--device", "3", "--attack", "ipm")


def client(*options: str) -> Client:
    return _client(_parser().parse_args([*WORDS, *options]))


def written(directory: Path, *assignments: str) -> str:
    file = directory / "experiment.toml"
    file.write_text(tomli_w.dumps(tables(*assignments)), "utf-8")
    return str(file)


def test_knows_what_everybody_draws_from_if_it_is_told(tmp_path: Path) -> None:
    secrets = client("--omniscient", written(tmp_path, "seed=7")).secrets

    assert secrets is not None
    assert secrets.seed == 7
    assert secrets.keys == tuple(device_key(7, device) for device in range(5))


def test_knows_nobodys_secrets_if_it_is_not_told() -> None:
    assert client().secrets is None


def test_lies_when_the_schedule_says_so(tmp_path: Path) -> None:
    redrawn = ("devices.byzantine=2", "devices.redraw=true")
    devices = read_experiment(tables(*redrawn)).devices

    liars = client("--schedule", written(tmp_path, *redrawn)).liars

    assert liars is not None
    drawn = [byzantine_devices(devices, 1, round) for round in range(10)]
    assert [liars(round) for round in range(10)] == drawn
    assert len(set(drawn)) > 1


def test_lies_always_without_a_schedule(tmp_path: Path) -> None:
    told = client("--omniscient", written(tmp_path))

    assert told.liars is None
    assert told.attack == InnerProductManipulation()


@pytest.mark.parametrize("option", ["--schedule", "--omniscient"])
@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (None, "No such file or directory"),
        ("rounds = ", "Invalid value"),
        ("rounds = 3\n", "[devices] count is missing: give a whole number"),
        ("round = 3\n", "unknown key 'round': did you mean 'rounds'?"),
    ],
    ids=["no file", "no toml", "no devices", "no experiment"],
)
def test_says_in_a_line_what_is_wrong_with_the_experiment(
    tmp_path: Path, option: str, text: str | None, complaint: str
) -> None:
    file = tmp_path / "experiment.toml"
    if text is not None:
        file.write_text(text, "utf-8")

    done = subprocess.run(
        [sys.executable, "-m", "comlad_device.byzantine", *WORDS, option, str(file)],
        capture_output=True,
        text=True,
        check=False,
    )

    (line,) = done.stderr.splitlines()
    assert done.returncode == 2
    assert line.startswith(f"comlad-byzantine: {option} {file}: ")
    assert complaint in line
