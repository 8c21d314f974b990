"""What a run says of itself: the lines of rounds.jsonl and the contents of summary.json."""

import hashlib
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from comlad.coding import Decodes
from comlad.estimators import remembers
from comlad.experiment import Prepared, byzantine_devices, write_experiment
from comlad.rounds._bytes import ByteCount
from comlad.rounds._close import Outcome
from comlad.rounds._plan import State

__all__ = ["Report", "model_sha256", "round_record"]


def model_sha256(model: NDArray[np.float64]) -> str:
    """The digest by which runs are compared: of x as little-endian float64."""
    return hashlib.sha256(model.astype("<f8", copy=False).data).hexdigest()


def round_record(
    prepared: Prepared,
    state: State,
    outcome: Outcome,
    *,
    missing: Iterable[int],
    refused: Mapping[int, str],
    stray: Iterable[tuple[int, str]],
    counted: ByteCount,
    recovered: Iterable[int] = (),
) -> dict[str, Any]:
    """A line of rounds.jsonl, but for the seconds.

    Args:
        prepared: What is being run.
        state: After the round; the loss is that of its model.
        outcome: What `close_round` said.
        missing: Devices that had not answered when the round closed.
        refused: Devices whose answer did not count, and why. All others attended.
        stray: Messages that were nobody's answer to this round, by device, and why.
        counted: The round's bytes.
        recovered: Devices that were told what is held of them, having lost their memory.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        loss = prepared.objective.loss(state.model)
        accuracy = prepared.objective.accuracy(state.model)
    record: dict[str, Any] = {"round": state.round - 1, "loss": _finite(loss)}
    if accuracy is not None:
        record["accuracy"] = accuracy
    record["update_norm"] = _finite(outcome.update_norm)
    if outcome.skipped is not None:
        record["skipped"] = outcome.skipped
    if outcome.decode_failed:
        record["decode_failed"] = True
    if outcome.suspects:
        record["suspects"] = list(outcome.suspects)
    record["missing"] = sorted(missing)
    record["refused"] = {str(device): refused[device] for device in sorted(refused)}
    if stray := list(stray):
        record["stray"] = [[device, reason] for device, reason in stray]
    if recovered := sorted(recovered):
        record["recovered"] = recovered
    record["bytes"] = counted.totals()
    record["devices"] = counted.by_device()
    if streams := counted.by_stream():
        record["streams"] = streams
    return record


def _finite(number: float) -> float | None:
    """JSON has no other numbers."""
    return number if math.isfinite(number) else None


class Report:
    """The summary of a run as it grows, round by round."""

    def __init__(self, prepared: Prepared, state: State) -> None:
        self._prepared = prepared
        self._initial = prepared.objective.loss(state.model)
        self._last: dict[str, Any] = {}  # what the summary says of the last round
        self._state = state
        self._counted = ByteCount(prepared.experiment.devices.count)
        self._skipped, self._last_skipped = 0, ""
        self._decode_failed = 0
        self._missing: Counter[int] = Counter()
        self._refused: Counter[int] = Counter()

    def add(self, record: Mapping[str, Any], state: State, counted: ByteCount) -> None:
        """Take in a round's record and the state after it."""
        self._last = {key: record[key] for key in ("loss", "accuracy") if key in record}
        self._state = state
        self._counted.include(counted)
        if "skipped" in record:
            self._skipped, self._last_skipped = self._skipped + 1, record["skipped"]
        self._decode_failed += record.get("decode_failed", False)
        self._missing.update(record["missing"])
        self._refused.update(int(device) for device in record["refused"])
        self._refused.update(device for device, _ in record.get("stray", ()))

    def to_table(self) -> dict[str, Any]:
        """All but the state, in what JSON has; `restore` takes it."""
        return {
            "initial": self._initial,
            "last": dict(self._last),
            "counted": self._counted.to_table(),
            "skipped": [self._skipped, self._last_skipped],
            "decode_failed": self._decode_failed,
            "missing": list(self._missing.items()),
            "refused": list(self._refused.items()),
        }

    def restore(self, state: State, table: Mapping[str, Any]) -> None:
        """Take what the report of a run gave as its table, to go on with that run."""
        self._state = state
        self._initial, self._last = table["initial"], dict(table["last"])
        self._counted.restore(table["counted"])
        self._skipped, self._last_skipped = table["skipped"]
        self._decode_failed = table["decode_failed"]
        self._missing = Counter(dict(table["missing"]))
        self._refused = Counter(dict(table["refused"]))

    def summary(
        self, engine: str, wall_seconds: float, versions: Mapping[str, str], strangers: int = 0
    ) -> dict[str, Any]:
        """The contents of summary.json.

        Args:
            engine: "processes" or "inprocess".
            wall_seconds: How long the rounds took.
            versions: Of the programs and libraries that decide the last bits.
            strangers: Refused messages of peers that were no device.
        """
        experiment = self._prepared.experiment
        final = self._last.get("loss", self._initial)
        result: dict[str, Any] = {
            "experiment": write_experiment(experiment),
            "engine": engine,
            "rounds": self._state.round,
            "loss": {"initial": self._initial, "final": final},
        }
        if "accuracy" in self._last:
            result["accuracy"] = self._last["accuracy"]
        if remembers(experiment.estimator):
            result["memory"] = self._memory()
        if not experiment.devices.redraw:
            result["byzantine"] = sorted(byzantine_devices(experiment.devices, experiment.seed))
        if self._skipped:
            result["skipped"] = {"rounds": self._skipped, "last": self._last_skipped}
        if isinstance(experiment.coding, Decodes):
            result["decode_failed"] = self._decode_failed
        result |= {
            "model_sha256": model_sha256(self._state.model),
            "bytes": self._counted.totals(),
            "devices": self._counted.by_device(),
            "streams": self._counted.by_stream(),
        }
        if overhead := self._counted.overhead():
            result["overhead"] = overhead
        return result | {
            "faults": self._faults(strangers),
            "wall_seconds": wall_seconds,
            "versions": {**versions, "numpy": np.__version__},
        }

    def _memory(self) -> dict[str, Any]:
        """How much an estimator remembers: of all devices at the server, and at one of them."""
        footprint = self._prepared.experiment.estimator.footprint
        vector = 8 * self._prepared.width
        devices = self._prepared.experiment.devices.count
        return {
            "server": {"vectors": footprint.server, "bytes": devices * footprint.server * vector},
            "device": {"vectors": footprint.device, "bytes": footprint.device * vector},
        }

    def _faults(self, strangers: int) -> dict[str, Any]:
        devices = sorted({*self._missing, *self._refused})
        return {
            "missing": self._missing.total(),
            "refused": self._refused.total(),
            "strangers": strangers,
            "by_device": {
                str(device): {
                    "missing": self._missing[device],
                    "refused": self._refused[device],
                }
                for device in devices
            },
        }
