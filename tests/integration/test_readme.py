"""Every command of the README, run as a stranger would."""

import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parent.parent.parent
README = (ROOT / "README.md").read_text("utf-8")
BLOCKS = re.findall(r"^```sh\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def files() -> dict[str, str]:
    """The files that the README shows: a name in backquotes on a line of its own, then a block."""
    pattern = r"^`([\w.-]+)`:\n\n```\w+\n(.*?)^```"
    return dict(re.findall(pattern, README, re.MULTILINE | re.DOTALL))


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment with the commands on the PATH and the README's package installed."""
    source, target = tmp_path_factory.mktemp("my-rules"), tmp_path_factory.mktemp("site")
    for name in ("my_rules.py", "pyproject.toml"):
        (source / name).write_text(files()[name])
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"),
            *("--no-build-isolation", "--target", str(target), str(source)),
        ],
        check=True,
        env={**os.environ, "PIP_ROOT_USER_ACTION": "ignore"},
    )
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "PYTHONPATH": str(target)}


def run_block(block: str, directory: Path, environment: dict[str, str]) -> str:
    # Its commands are what is tried here: a few rounds are as good as a hundred.
    experiment, changed = re.subn(r"(?m)^rounds = \d+$", "rounds = 10", files()["com-lad.toml"])
    assert changed == 1
    (directory / "com-lad.toml").write_text(experiment)
    with socket.socket() as probe:  # a port that is free instead of the README's
        probe.bind(("127.0.0.1", 0))
        block = block.replace("5757", str(probe.getsockname()[1]))
    done = subprocess.run(
        ["bash", "-euc", block],
        cwd=directory,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("block", [block for block in BLOCKS if "make " not in block])
def test_says_what_works(block: str, tmp_path: Path, environment: dict[str, str]) -> None:
    output = run_block(block, tmp_path, environment)

    assert output
    for out in re.findall(r"--out (\S+)", block):
        assert list((tmp_path / out).glob("*.json"))


def test_demo_is_one_command(tmp_path: Path) -> None:
    done = subprocess.run(
        ["make", "--silent", "demo", f"OUT={tmp_path}", "ROUNDS=15"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    summary = json.loads((tmp_path / "summary.json").read_text())
    accuracies = [defence["accuracy"] for defence in summary["defences"]]
    assert len(accuracies) == 4
    assert accuracies[3] > accuracies[2] > max(accuracies[:2])
    for defence in summary["defences"]:
        assert (tmp_path / defence["directory"] / "rounds.jsonl").exists()
        assert 0 < defence["uplink_ratio"] < 0.3
    assert done.stdout.rstrip().endswith(str(tmp_path / "demo.png"))
    assert (tmp_path / "demo.png").read_bytes().startswith(b"\x89PNG")


def test_names_no_other_command() -> None:
    commands = {line.split()[0] for block in BLOCKS for line in block.splitlines()}

    assert commands == {
        *("make", "wait"),
        *("comlad", "comlad-server", "comlad-device", "comlad-byzantine"),
    }
    assert [block for block in BLOCKS if "make " in block] == ["make demo\nmake test\n"]


def test_links_to_files_that_are_there() -> None:
    for link in re.findall(r"\]\((?!https?:)([^)#]+)\)", README):
        assert (ROOT / link).exists(), link
