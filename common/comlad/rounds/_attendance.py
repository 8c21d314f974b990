"""Who took part in a run, round by round, as its rounds.jsonl has it."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from comlad.errors import ConfigError

__all__ = ["Attendance", "read_attendance"]


@dataclass(frozen=True, slots=True)
class Attendance:
    """Who did not take part in a round.

    Args:
        missing: Devices that had not answered when it closed.
        refused: Devices whose answer did not count, and why.
        recovered: Devices that had lost what their estimator remembered, and were told what
            the server holds of them.
    """

    missing: frozenset[int] = frozenset()
    refused: Mapping[int, str] = field(default_factory=dict)
    recovered: frozenset[int] = frozenset()


def read_attendance(lines: Iterable[str], devices: int, rounds: int) -> tuple[Attendance, ...]:
    """The attendance of a run of so many devices and rounds, from the lines of its rounds.jsonl.

    Raises:
        ConfigError: They are none; says which line, what was found and what would be right.
    """
    found = []
    for number, line in enumerate(lines):
        if number == rounds:
            break
        try:
            found.append(_round(json.loads(line), number, devices))
        except (ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
            raise ConfigError(f"line {number + 1}: {_reason(error)}") from error
    if len(found) < rounds:
        hint = f"; --set rounds={len(found)} repeats those that there are" if found else ""
        raise ConfigError(f"{len(found)} rounds: must be all {rounds} of the experiment{hint}")
    return tuple(found)


def _round(record: Any, number: int, devices: int) -> Attendance:
    if record["round"] != number:
        raise ValueError(f"round {record['round']!r}: must be {number}")
    missing = frozenset(record["missing"])
    refused = {int(device): str(reason) for device, reason in record["refused"].items()}
    recovered = frozenset(record.get("recovered", ()))
    for device in (*missing, *refused, *recovered):
        if not (type(device) is int and 0 <= device < devices):
            raise ValueError(f"device {device!r}: must be one of 0 to {devices - 1}")
    return Attendance(missing, refused, recovered)


def _reason(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"no key {error}: must be a line of rounds.jsonl"
    return f"{error}" if type(error) is ValueError else f"no line of rounds.jsonl ({error})"
