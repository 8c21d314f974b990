"""The commands as a person meets them: help, bad input, and what a device process carries.

Where many inputs are tried, the command's main is called in this process; that a program
ends as its main says is tried once for each.
"""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import distribution
from pathlib import Path

import psutil
import pytest
from cluster import PATIENCE_S, SMALL, comlad, devices, run_comlad, write_experiment_file

from comlad_deploy.cli import main as deploy
from comlad_device.cli import main as device
from comlad_server.cli import main as server

pytestmark = pytest.mark.integration

Refusal = Callable[..., str]


@pytest.fixture
def refusal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Refusal:
    """Calls a command's main, which must leave one line and exit with 2: that line."""
    monkeypatch.setenv("GRPC_VERBOSITY", "NONE")  # which the server sets for its process

    def line(main: Callable[[list[str]], None], *arguments: object) -> str:
        with pytest.raises(SystemExit) as caught:
            main([str(argument) for argument in arguments])
        (found,) = capsys.readouterr().err.splitlines()
        assert caught.value.code == 2
        return found

    return line


BAD_INPUT = {
    "an unknown key": ("devices.cuont=4", "cuont"),
    "an unknown table": ("divices.count=4", "divices"),
    "an unknown kind": ("aggregator.kind=trimed-mean", "trimed-mean"),
    "a trim that leaves nobody": ("aggregator={kind='trimmed-mean',trim=2}", "trim = 2"),
    "a load above N": ("coding.load=5", "load = 5"),
    "half of them liars": ("devices.byzantine=2", "byzantine = 2"),
    "liars without an attack": ("devices.byzantine=1", "[attack]"),
    "more kept than there is": (
        "compressor={kind='random-sparsification',keep=21}",
        "keep = 21",
    ),
    "a negative rate": ("step.learning_rate=-1.0", "learning_rate = -1.0"),
    "arrays that are not there": ("problem.arrays='none.npz'", "none.npz"),
    "a string for a number": ("rounds='ten'", "rounds = 'ten'"),
    "no rounds": ("rounds=0", "rounds = 0"),
    "an assignment without a value": ("rounds", "--set rounds"),
}


@pytest.mark.parametrize("kind", BAD_INPUT)
def test_refuses_in_one_line_before_anything_starts(
    kind: str, tmp_path: Path, refusal: Refusal
) -> None:
    assignment, named = BAD_INPUT[kind]
    file = write_experiment_file(tmp_path, SMALL)

    assert named in refusal(deploy, "run", file, "--set", assignment, "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_refuses_what_cannot_be_gone_on_with_or_repeated(tmp_path: Path, refusal: Refusal) -> None:
    file, nothing = write_experiment_file(tmp_path, SMALL), tmp_path / "nothing"
    run = (deploy, "run", file, "--engine", "inprocess", "--out", tmp_path / "out")
    serve = (server, "--experiment", file, "--listen", "127.0.0.1:0", "--out", tmp_path / "out")

    assert f"checkpoint {nothing}: is not there" in refusal(*run, "--resume-from", nothing)
    assert f"checkpoint {nothing}: is not there" in refusal(*serve, "--resume-from", nothing)
    assert "--checkpoint-every = 0: must be" in refusal(*run, "--checkpoint-every", 0)
    assert "--checkpoint-every = -1: must be" in refusal(*serve, "--checkpoint-every", -1)
    assert f"--attendance {nothing}: cannot be" in refusal(*run, "--attendance", nothing)
    nothing.write_text("{}")
    right = f"--attendance {nothing}: line 1: no key 'round': must be a line of rounds.jsonl"
    assert right in refusal(*run, "--attendance", nothing)
    other_engine = refusal(deploy, "run", file, "--attendance", nothing)
    assert other_engine.endswith("is repeated in one process only; use --engine inprocess")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("text", [None, "rounds = [", "rounds = 1\nrounds = 2"])
def test_refuses_a_file_that_is_missing_or_broken(text: str | None, tmp_path: Path) -> None:
    file = tmp_path / "experiment.toml"
    if text is not None:
        file.write_text(text)

    for command in (
        comlad("run", file),
        [
            *(sys.executable, "-m", "comlad_server", "--experiment", str(file)),
            *("--listen", "127.0.0.1:0"),
        ],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
        (line,) = done.stderr.splitlines()
        assert done.returncode == 2
        assert str(file) in line


def test_server_takes_keys_of_the_experiment_and_refuses_as_run_does(
    tmp_path: Path, refusal: Refusal
) -> None:
    file = write_experiment_file(tmp_path, SMALL)
    words = ("--experiment", file, "--listen", "127.0.0.1:0", "--out", tmp_path / "out")

    assert "rounds = 0" in refusal(server, *words, "--set", "rounds=5", "--set", "rounds=0")
    assert "cuont" in refusal(server, *words, "--set", "devices.cuont=4")
    assert not (tmp_path / "out").exists()


def test_device_refuses_to_write_link_bytes_where_it_cannot(
    tmp_path: Path, refusal: Refusal
) -> None:
    file = tmp_path / "none" / "device-0.json"

    line = refusal(device, "--server", "127.0.0.1:1", "--device", "0", "--link-bytes", file)

    assert line.startswith(f"comlad-device: --link-bytes {file}: cannot be written")


@pytest.mark.parametrize("ids", ["", "x", "1-", "3,3", "-1", "5-3", "²", "5000000000"])
def test_refuses_ids_that_are_none(ids: str, refusal: Refusal) -> None:
    line = refusal(device, "--server", "localhost:1", f"--device={ids}")

    assert f"--device {ids}: must" in line


@pytest.mark.parametrize("address", ["", "nonsense", ":5757", "localhost:99999", "localhost:x"])
def test_refuses_addresses_that_are_none(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refusal: Refusal
) -> None:
    monkeypatch.chdir(tmp_path)
    file = write_experiment_file(tmp_path, SMALL)

    listening = refusal(server, "--experiment", file, "--listen", address)
    dialling = refusal(device, "--device", "0", "--server", address)

    assert f"--listen {address}: must be HOST:PORT" in listening
    assert f"--server {address}: must be HOST:PORT" in dialling
    assert not (tmp_path / "out").exists()


def test_refuses_an_address_as_a_program() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "comlad_device", "--device", "0", "--server", "nonsense"],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )

    (line,) = done.stderr.splitlines()
    assert done.returncode == 2
    assert "--server nonsense: must be HOST:PORT" in line


def test_refuses_an_attack_that_it_does_not_know() -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "comlad_device.byzantine", "--server", "localhost:1"),
            *("--device", "0", "--attack", "sing-flip"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 2
    assert "unknown kind of attacks 'sing-flip': did you mean 'sign-flip'?" in done.stderr


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["alie"], "(kind 'alie') f = None: must be how many lie, or else z given"),
        (["opt-alie", "--set", "f=1"], "(kind 'opt-alie') aggregator is missing: give a table"),
        (
            ["opt-ipm", "--set", "f=1", "--set", "aggregator.kind=krumm"],
            "(kind 'opt-ipm') aggregator unknown kind of aggregators 'krumm'",
        ),
    ],
)
def test_refuses_an_attack_that_is_not_told_what_it_must_know(
    options: list[str], complaint: str
) -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "comlad_device.byzantine", "--server", "localhost:1"),
            *("--device", "0", "--attack", *options),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )

    (line,) = done.stderr.splitlines()
    assert done.returncode == 2
    assert line.startswith(f"comlad-byzantine: --attack {complaint}")


def test_says_why_an_attack_program_needs_a_network(tmp_path: Path) -> None:
    tables = SMALL | {
        "devices": {"count": 4, "byzantine": 1},
        "attack": {"command": ["true"]},
    }
    file = write_experiment_file(tmp_path, tables)

    done = run_comlad("run", file, "--engine", "inprocess", "--out", tmp_path / "out")

    assert done.returncode == 2
    assert "attacks over the network only; use --engine processes" in done.stderr


def test_refuses_an_attack_program_that_is_not_there(tmp_path: Path) -> None:
    tables = SMALL | {
        "devices": {"count": 4, "byzantine": 1},
        "attack": {"command": ["./no-such-program"]},
    }
    file = write_experiment_file(tmp_path, tables)

    done = run_comlad("run", file, "--out", tmp_path / "out")

    assert done.returncode == 2
    assert "must be a program that can be executed" in done.stderr


def test_reports_a_run_that_diverges_and_keeps_it(tmp_path: Path) -> None:
    out = tmp_path / "out"
    tables = SMALL | {"rounds": 10_000, "step": {"learning_rate": 1e3}}
    file = write_experiment_file(tmp_path, tables)

    done = run_comlad("run", file, "--out", out, "--engine", "inprocess")

    summary = json.loads((out / "summary.json").read_text())
    assert done.returncode == 1
    assert "diverged" in done.stderr
    assert summary["stopped"].startswith("diverged")
    assert 0 < summary["rounds"] < 10_000


@pytest.mark.parametrize("family", ["problems", "codings", "aggregators", "attacks"])
def test_lists_parts_for_people_and_scripts(
    family: str, capsys: pytest.CaptureFixture[str]
) -> None:
    deploy(["list", family])
    shown = capsys.readouterr().out
    deploy(["list", family, "--json"])
    parts = json.loads(capsys.readouterr().out)

    for part in parts[family]:
        assert part["kind"] in shown
        assert part["summary"]


def test_keeps_a_device_process_lean() -> None:
    loaded = subprocess.run(
        [
            sys.executable,
            "-c",
            "import comlad_device.cli, comlad_device._program, sys; print(*sys.modules)",
        ],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()

    packages = {name.partition(".")[0] for name in loaded}
    assert not packages & {
        *("matplotlib", "rich", "sklearn", "scipy", "pandas", "click", "typer"),
        *("comlad_server", "comlad_deploy", "psutil", "tomli_w"),
        *("cryptography", "prometheus_client", "pythonjsonlogger"),
    }


@pytest.mark.skipif(sys.platform != "linux", reason="memory is counted as Linux does")
def test_holds_a_device_process_to_35_mb_of_its_own_before_data() -> None:
    with devices("127.0.0.1:1", 0) as (process,):
        assert process.stderr is not None
        assert "no server" in process.stderr.readline()

        # Not RSS: how many pages of shared libraries it counts, 22 to 41 MB here,
        # is up to the page cache, and a hundred processes hold them once.
        memory = psutil.Process(process.pid).memory_info()

        process.terminate()
        process.wait(PATIENCE_S)

    assert memory.rss - memory.shared <= 35e6


def test_installs_in_less_than_160_mb() -> None:
    wanted, sizes = ["comlad"], {}
    while wanted:
        name = re.split(r"[^\w.-]", wanted.pop())[0]
        if name not in sizes:
            package = distribution(name)
            paths = [Path(file.locate()) for file in package.files or ()]
            sizes[name] = sum(path.stat().st_size for path in paths if path.exists())
            wanted += [line for line in package.requires or () if "extra ==" not in line]

    assert {"numpy", "grpcio", "protobuf", "uvloop"} < set(sizes)
    assert not {"matplotlib", "scikit-learn", "rich"} & set(sizes)
    assert sum(sizes.values()) < 160e6
