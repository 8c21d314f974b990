import pytest
from samples import complaint, small, tables

from comlad.errors import ConfigError
from comlad.experiment import Command, Experiment, prepare, read_experiment


def test_needs_an_attack_where_devices_lie() -> None:
    message = complaint(tables(attack=None))

    assert message == "[devices] byzantine = 1: needs an [attack]: what the Byzantine devices do"


def test_needs_no_attack_where_nobody_lies() -> None:
    assert small("devices.byzantine=0", attack=None).experiment.attack is None


def test_keeps_an_attack_that_nobody_makes() -> None:
    assert small("devices.byzantine=0").experiment.attack is not None


def test_cannot_redraw_who_runs_a_program_of_its_own() -> None:
    message = complaint(tables("devices.redraw=true", attack={"command": ["./attacker"]}))

    assert message.startswith("[devices] redraw = True: an attack of its own program cannot lie")


def test_must_be_a_program_if_it_is_a_command() -> None:
    with pytest.raises(ConfigError, match=r"^command = \[\]: must name a program$"):
        Command(())


@pytest.mark.parametrize("seed", [0, 2**63 - 1])
def test_takes_any_seed_that_toml_can_write(seed: int) -> None:
    assert small(f"seed={seed}").experiment.seed == seed


def test_comes_with_its_data() -> None:
    prepared = small()

    assert prepared.objective.dimension == 6
    assert sorted(prepared.data.train) == ["features", "targets"]


def test_is_checked_against_its_data_when_that_is_there() -> None:
    experiment: Experiment = read_experiment(tables("compressor.keep=7"))

    with pytest.raises(ConfigError, match=r"^\[compressor\] keep = 7: must be at most 6, "):
        prepare(experiment)
