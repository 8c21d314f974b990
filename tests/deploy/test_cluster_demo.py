"""The Compose cluster on a real engine: `pytest -m docker`. Some minutes, with the image."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cluster import wait_until

pytestmark = [pytest.mark.docker, pytest.mark.timeout(1500)]

ROOT = Path(__file__).parent.parent.parent
SETTINGS = {
    "COMPOSE_PROJECT_NAME": f"comlad-test-{os.getpid()}",
    "COMLAD_IMAGE": "comlad:test",
    "ROUNDS": "400",
}


def run(*command: object, **settings: str) -> str:
    """What a command printed, which must succeed."""
    done = subprocess.run(
        list(map(str, command)),
        cwd=ROOT / "deploy" / "compose",
        env={**os.environ, **SETTINGS, **settings},
        capture_output=True,
        text=True,
        check=False,
        timeout=1200,
    )
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


def compose(*words: object, **settings: str) -> str:
    """Run docker compose, or docker-compose where that is not there."""
    has_plugin = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False)
    command = ["docker", "compose"] if has_plugin.returncode == 0 else ["docker-compose"]
    return run(*command, *words, **settings)


def left_over() -> list[str]:
    """Containers, volumes and networks of this test's project."""
    label = f"label=com.docker.compose.project={SETTINGS['COMPOSE_PROJECT_NAME']}"
    kinds = (["ps", "--all"], ["volume", "ls"], ["network", "ls"])
    return [line for kind in kinds for line in run("docker", *kind, "-qf", label).splitlines()]


def in_process(out: Path) -> str:
    """The digest of the model that the run in a directory gives in one process of the image."""
    mounted = f"{out / 'run'}:/run-to-repeat:ro"
    repeated = run(
        *("docker", "run", "--rm", "--network=none", f"--volume={mounted}"),
        *(SETTINGS["COMLAD_IMAGE"], "comlad", "run", "/run-to-repeat/experiment.toml", "--json"),
        *("--engine=inprocess", "--out=/tmp/again", "--attendance=/run-to-repeat/rounds.jsonl"),
    )
    digest: str = json.loads(repeated)["model_sha256"]
    return digest


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where `make cluster-demo` left its report."""
    out = tmp_path_factory.mktemp("cluster")
    if os.geteuid() == 0:  # as a person's directory is, and not the engine's
        os.chown(out, 1234, 1234)
    run("make", "--silent", "-C", ROOT, "cluster-demo", OUT=str(out))
    return out


@pytest.fixture(scope="module")
def report(demo: Path) -> dict[str, Any]:
    result: dict[str, Any] = json.loads((demo / "report.json").read_text())
    return result


def test_trains_with_eight_honest_and_two_lying_containers(report: dict[str, Any]) -> None:
    assert report["rounds"] == 400
    assert report["byzantine"] == [8, 9]
    assert [device["device"] for device in report["by_device"]] == list(range(10))
    assert report["transport"] == "mtls"
    assert report["accuracy"] > 0.9
    assert "stopped" not in report


def test_gives_the_model_of_one_process(demo: Path, report: dict[str, Any]) -> None:
    summary = json.loads((demo / "run" / "summary.json").read_text())

    assert report["replay"]["equal"]
    assert summary["model_sha256"] == in_process(demo)


def test_reports_the_link_bytes_of_every_container(report: dict[str, Any]) -> None:
    for way in ("up", "down"):
        for device in report["by_device"]:
            assert device["own_link"][way] > device["bytes"][way]["tcp"]
        # Neither end knows what the other counts. They differ by what a container's interface
        # carries of its own: neighbour discovery, names, the packets of the last goodbye.
        server = report["own_link"]["server"][way]
        assert report["own_link"][way] == pytest.approx(server, rel=0.02)
        assert server > report["bytes"][way]["link"] > report["bytes"][way]["tcp"]


def test_leaves_a_figure_and_files_that_belong_to_the_directory_s_owner(demo: Path) -> None:
    owner = demo.stat().st_uid

    assert (demo / "report.png").read_bytes().startswith(b"\x89PNG")
    assert "own link" in (demo / "report.txt").read_text()
    assert all(path.stat().st_uid == owner for path in demo.rglob("*"))


def test_leaves_nothing_else(demo: Path) -> None:
    assert (demo / "report.txt").exists()
    assert left_over() == []


@pytest.fixture
def cluster(demo: Path, tmp_path: Path) -> Iterator[Path]:
    """Where a cluster that was just started, with the demo's image, leaves its report."""
    assert demo.exists()
    settings = {"OUT": str(tmp_path), "ROUNDS": "1000"}
    try:
        compose("up", "--detach", "--no-build", **settings)
        yield tmp_path
    finally:
        compose("down", "--volumes", "--remove-orphans", **settings)
    assert left_over() == []


def test_survives_the_end_of_a_device_and_of_the_server(cluster: Path) -> None:
    if os.geteuid() != 0 or "DOCKER_HOST" in os.environ:
        pytest.skip("kills processes of this machine's containers, which takes root")

    wait_until(lambda: rounds_closed() >= 100, "round 100")
    kill("device-3")
    wait_until(lambda: rounds_closed() >= 300, "round 300")
    kill("server")

    run("docker", "wait", container("report"))
    report = json.loads((cluster / "report.json").read_text())
    assert report["rounds"] == 1000
    assert report["replay"]["equal"]
    for service in ("device-3", "server"):
        assert inspect(service, "{{.RestartCount}} {{.State.ExitCode}}") == "1 0"


def kill(service: str) -> None:
    """As the system does where memory is short. After docker kill the engine lets it lie."""
    process = int(inspect(service, "{{.State.Pid}}"))
    # An engine elsewhere has numbers of its own.
    command = Path(f"/proc/{process}/cmdline").read_bytes()
    assert b"cluster-server" in command or b"comlad-device" in command
    os.kill(process, 9)


def container(service: str) -> str:
    return compose("ps", "--all", "--quiet", service).strip()


def inspect(service: str, form: str) -> str:
    return run("docker", "inspect", "--format", form, container(service)).strip()


def rounds_closed() -> int:
    script = "wc -l < /results/rounds.jsonl || echo 0"
    done = subprocess.run(
        ["docker", "exec", container("server"), "sh", "-c", script],
        capture_output=True,
        text=True,
        check=False,
    )
    return int(done.stdout) if done.stdout.strip().isdigit() else 0
