"""The experiment as the tables of its TOML file, both ways."""

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields, replace
from pathlib import PurePath
from typing import Any, Protocol, TypeVar, runtime_checkable

from comlad.aggregation import Aggregation
from comlad.attacks import ATTACKS, Attack
from comlad.coding import CODINGS
from comlad.compression import COMPRESSORS, Compressor, chained, links_of
from comlad.config import at, mistake, read_fields, unknown, write_fields
from comlad.errors import ConfigError
from comlad.estimators import ESTIMATORS
from comlad.experiment._devices import Devices
from comlad.experiment._downlink import Downlink
from comlad.experiment._experiment import Command, Experiment
from comlad.experiment._sampling import Sampling
from comlad.parts import Table
from comlad.problems import PROBLEMS
from comlad.steps import STEPS

__all__ = ["read_experiment", "write_experiment"]

T = TypeVar("T")

_TABLES = (
    "devices",
    "problem",
    "coding",
    "sampling",
    "estimator",
    "compressor",
    "aggregator",
    "attack",
    "step",
    "downlink",
)


@dataclass(frozen=True)
class _Head:
    """The keys above the tables."""

    rounds: int
    name: str = "experiment"
    seed: int = 0


@runtime_checkable
class _HasPaths(Protocol):
    def relative_to(self, directory: PurePath) -> Any: ...


def read_experiment(tables: Mapping[str, Any], directory: PurePath | None = None) -> Experiment:
    """The experiment of a TOML file's tables.

    Args:
        tables: As `tomllib` gives them.
        directory: Where the file lies: relative paths in it are meant from there.

    Raises:
        ConfigError: One line with the key, what was found and what would be right.
    """
    for key in tables:
        if key not in _TABLES and key not in ("name", "seed", "rounds"):
            raise unknown("key", key, ["name", "seed", "rounds", *_TABLES])
    head = read_fields(_Head, {key: tables[key] for key in tables if key not in _TABLES})
    found = _table(tables, "devices")
    with at("[devices]"):
        devices = read_fields(Devices, found)
    with at("[downlink]"):
        downlink = read_fields(Downlink, _table(tables, "downlink"))
    with at("[sampling]"):
        sampling = read_fields(Sampling, _table(tables, "sampling"))
    aggregation = _aggregation(tables)
    problem = _part(PROBLEMS, tables, "problem", None)
    if directory is not None and isinstance(problem, _HasPaths):
        problem = problem.relative_to(directory)
    return Experiment(
        name=head.name,
        seed=head.seed,
        rounds=head.rounds,
        devices=devices,
        problem=problem,
        coding=_part(CODINGS, tables, "coding", "cyclic"),
        estimator=_part(ESTIMATORS, tables, "estimator", "plain"),
        compressor=_compressor(tables),
        aggregator=aggregation,
        attack=_attack(tables, devices, aggregation, directory),
        step=_part(STEPS, tables, "step", "sgd"),
        downlink=downlink,
        sampling=sampling,
    )


def write_experiment(experiment: Experiment) -> dict[str, Any]:
    """The tables of an experiment, every default written out; `read_experiment` gives it back."""
    links = [COMPRESSORS.write(link) for link in links_of(experiment.compressor)]
    tables: dict[str, Any] = {
        "name": experiment.name,
        "seed": experiment.seed,
        "rounds": experiment.rounds,
        "devices": write_fields(experiment.devices),
        "problem": PROBLEMS.write(experiment.problem),
        "coding": CODINGS.write(experiment.coding),
        "sampling": write_fields(experiment.sampling),
        "estimator": ESTIMATORS.write(experiment.estimator),
        "compressor": links[0] if len(links) == 1 else links,
        "aggregator": experiment.aggregator.to_table(),
        "step": STEPS.write(experiment.step),
        "downlink": write_fields(experiment.downlink),
    }
    if isinstance(experiment.attack, Command):
        tables["attack"] = write_fields(experiment.attack)
    elif experiment.attack is not None:
        tables["attack"] = ATTACKS.write(experiment.attack)
    return tables


def _table(tables: Mapping[str, Any], name: str) -> dict[str, Any]:
    table = tables.get(name, {})
    if not isinstance(table, Mapping):
        raise ConfigError(f"{name} = {table!r}: must be a table, [{name}]")
    return dict(table)


def _part(family: Table[T], tables: Mapping[str, Any], name: str, default: str | None) -> T:
    table = _table(tables, name)
    if default is not None:
        table.setdefault("kind", default)
    with at(f"[{name}]"):
        return family.read(table)


def _compressor(tables: Mapping[str, Any]) -> Compressor:
    found = tables.get("compressor")
    if not isinstance(found, list):
        return _part(COMPRESSORS, tables, "compressor", "identity")
    links = []
    for number, link in enumerate(found, 1):
        place = f"[[compressor]] link {number}"
        if not isinstance(link, Mapping):
            raise mistake(place, link, "must be a table")
        with at(place):
            links.append(COMPRESSORS.read(link))
    return chained(links)


def _aggregation(tables: Mapping[str, Any]) -> Aggregation:
    table = _table(tables, "aggregator")
    with at("[aggregator]"):
        return Aggregation.from_table(table)


def _attack(
    tables: Mapping[str, Any],
    devices: Devices,
    aggregation: Aggregation,
    directory: PurePath | None,
) -> Attack | Command | None:
    if "attack" not in tables:
        return None
    table = _table(tables, "attack")
    if "command" not in table:
        with at("[attack]"):
            return ATTACKS.read(_filled_in(table, devices, aggregation))
    with at("[attack]"):
        attack = read_fields(Command, table)
    program = attack.command[0]
    if directory is not None and "/" in program:  # without one it is looked up on the PATH
        return replace(attack, command=(str(directory / program), *attack.command[1:]))
    return attack


def _filled_in(table: dict[str, Any], devices: Devices, aggregation: Aggregation) -> dict[str, Any]:
    """The [attack] table with what the attack needs of the rest, where it is not given."""
    known = {
        "f": devices.byzantine_count,
        "tolerate": devices.tolerated,
        "aggregator": aggregation,
    }
    kind = table.get("kind")
    if not isinstance(kind, str):
        return table  # and let the complaint come from where all such do
    missing = {
        field.name: known[field.name]
        for field in fields(ATTACKS.lookup(kind))  # type: ignore[arg-type]
        if field.name in known
        and (field.default is MISSING or field.default is None)
        and field.default_factory is MISSING
    }
    return missing | table
