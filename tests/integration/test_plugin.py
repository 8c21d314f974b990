"""A package of somebody else's adds a rule and an attack, and both engines run with them."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cluster import run_comlad, write_experiment_file

pytestmark = pytest.mark.integration

PLUGIN = Path(__file__).parent.parent / "plugin"
EXPERIMENT: dict[str, Any] = {
    "name": "plugin",
    "rounds": 10,
    "devices": {"count": 5, "byzantine": 2},
    "problem": {"kind": "linear-regression", "dimension": 10},
    "aggregator": {"kind": "sample-middle"},
    "attack": {"kind": "sample-shout", "volume": 50.0},
    "step": {"learning_rate": 1e-5},
}


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment in which the plug-in is installed."""
    target = tmp_path_factory.mktemp("site")
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"),
            *("--no-build-isolation", "--target", str(target), str(PLUGIN)),
        ],
        check=True,
        env={**os.environ, "PIP_ROOT_USER_ACTION": "ignore"},
    )
    return {**os.environ, "PYTHONPATH": str(target)}


def test_runs_with_a_rule_and_an_attack_of_another_package(
    environment: dict[str, str], tmp_path: Path
) -> None:
    file = write_experiment_file(tmp_path, EXPERIMENT)
    models = set()

    for engine in ("processes", "inprocess"):
        options = ("--engine", engine, "--out", tmp_path / engine)
        done = run_comlad("run", file, *options, env=environment)
        assert done.returncode == 0, done.stderr
        models.add(done.stdout.split("sha256 ")[1].split()[0])

    assert len(models) == 1


def test_lists_them_with_where_they_come_from(environment: dict[str, str]) -> None:
    listed = run_comlad("list", env=environment).stdout

    assert "sample-middle()  [comlad_sample]" in listed
    assert "sample-shout(volume = 100.0)  [comlad_sample]" in listed


def test_refuses_their_bad_parameters_like_its_own(
    environment: dict[str, str], tmp_path: Path
) -> None:
    file = write_experiment_file(tmp_path, EXPERIMENT)

    done = run_comlad("run", file, "--set", "attack.volum=1", env=environment)

    assert done.returncode == 2
    assert "unknown key 'volum': did you mean 'volume'?" in done.stderr


def test_says_so_where_it_is_not_installed(tmp_path: Path) -> None:
    done = run_comlad("run", write_experiment_file(tmp_path, EXPERIMENT))

    assert done.returncode == 2
    assert "unknown kind of aggregators 'sample-middle'" in done.stderr
