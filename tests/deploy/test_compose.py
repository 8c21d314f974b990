"""The Compose cluster as far as files say; tests/deploy/test_cluster_demo.py runs it."""

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from comlad.errors import ConfigError
from comlad_deploy.compose import compose_file

DEPLOY = Path(__file__).parent.parent.parent / "deploy"
COMPOSE, SCRIPTS = DEPLOY / "compose", DEPLOY / "docker" / "bin"


def read_compose(count: int) -> dict[str, Any]:
    compose: dict[str, Any] = yaml.safe_load(compose_file(count))
    return compose


def test_file_of_the_repository_is_that_of_ten_devices() -> None:
    assert (COMPOSE / "compose.yaml").read_text("utf-8") == compose_file(10)


@pytest.mark.parametrize("count", [1, 3, 25])
def test_has_a_service_for_each_device(count: int) -> None:
    services = read_compose(count)["services"]

    assert list(services) == ["keys", "server", "report", *(f"device-{i}" for i in range(count))]
    assert services["keys"]["command"] == ["cluster-keys", str(count)]
    assert services["server"]["command"] == ["cluster-server", str(count)]


def test_shows_a_container_its_own_key_and_no_other() -> None:
    services = read_compose(3)["services"]

    keys = {
        name: [volume for volume in service["volumes"] if volume.startswith("key-")]
        for name, service in services.items()
    }

    for device in range(3):
        assert keys[f"device-{device}"] == [f"key-{device}:/keys:ro"]
    assert keys["server"] == ["key-server:/keys:ro", "key-watcher:/watcher:ro"]
    assert keys["report"] == []
    assert "key-authority:/keys" in keys["keys"]


def test_names_every_volume_that_it_mounts() -> None:
    compose = read_compose(3)

    mounted = {
        volume.partition(":")[0]
        for service in compose["services"].values()
        for volume in service["volumes"]
        if volume[0] not in "./$"
    }

    assert mounted == set(compose["volumes"])


def test_bounds_and_confines_every_container() -> None:
    for name, service in read_compose(2)["services"].items():
        assert service["mem_limit"].endswith("m"), name
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        # Those that give files to others; neither can be reached from the network.
        if service.get("user") == "0:0":
            assert service["network_mode"] == "none", name


def test_settings_are_those_that_the_file_asks_for() -> None:
    asked = set(re.findall(r"\$\{(\w+)", compose_file(10)))
    lines = (COMPOSE / ".env").read_text("utf-8").splitlines()
    given = {line.partition("=")[0] for line in lines if line and not line.startswith("#")}

    assert given - asked == {"COMPOSE_PROJECT_NAME"}
    assert asked - given == {"COMLAD_SOURCE"}


@pytest.mark.parametrize("count", [0, 1001])
def test_refuses_numbers_of_devices_that_cannot_be(count: int) -> None:
    with pytest.raises(ConfigError, match=f"^--devices = {count}: must be from 1 to 1000"):
        compose_file(count)


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A directory with programs that print what they are called with."""
    for name in ("comlad-device", "comlad-byzantine"):
        program = tmp_path / name
        program.write_text('#!/bin/sh\necho "$(basename "$0")" "$@"\n')
        program.chmod(0o755)
    return tmp_path


@pytest.mark.parametrize(
    ("device", "byzantine", "program"),
    [
        ("8", "8,9", "comlad-byzantine"),
        ("9", "8,9", "comlad-byzantine"),
        ("7", "8,9", "comlad-device"),
        ("1", "8,19,10", "comlad-device"),
        ("0", "", "comlad-device"),
    ],
)
def test_device_lies_if_the_settings_name_it(
    device: str, byzantine: str, program: str, programs: Path
) -> None:
    settings = {
        "BYZANTINE": byzantine,
        "ATTACK": "sign-flip",
        "ATTACK_PARAMETERS": "factor=-2.0 other=1",
    }

    done = subprocess.run(
        [SCRIPTS / "cluster-device", device],
        env={**os.environ, **settings, "PATH": f"{programs}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
    )

    called, *words = done.stdout.split()
    lies = ["--set", "factor=-2.0", "--set", "other=1", "--attack", "sign-flip"]
    assert called == program
    assert words[:4] == ["--server", "server:5757", "--device", device]
    assert words[-6:] == lies or program == "comlad-device"
    assert ("--attack" in words) == (program == "comlad-byzantine")


def test_demo_says_in_one_line_that_there_is_no_engine(tmp_path: Path) -> None:
    done = subprocess.run(
        [COMPOSE / "demo.sh"],
        env={**os.environ, "DOCKER_HOST": f"unix://{tmp_path}/none.sock", "OUT": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    (line,) = done.stderr.splitlines()
    assert done.returncode == 1
    assert re.match("cluster-demo: (no Docker engine answers; start one|docker is not inst)", line)
