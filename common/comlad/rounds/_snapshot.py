"""All that a run needs to go on as if it had never stopped."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from comlad.errors import ConfigError
from comlad.estimators import Memory
from comlad.experiment import Experiment, Prepared, write_experiment
from comlad.rounds._memories import DeviceMemory, Memories
from comlad.rounds._plan import Answered, State

__all__ = ["Snapshot", "experiment_sha256"]

Arrays = Mapping[str, NDArray[np.generic]]

# What may be another when a run goes on: none of it changes what a round computes of its
# votes, unless it is the quorum that decides which rounds are skipped.
_MAY_CHANGE = ("deadline_s", "quorum", "too_few", "repeats")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A run between two rounds. Draws need no place in it: they follow from the seed and t.

    Args:
        round: t, how many rounds are closed.
        arrays: By path: "model", "aggregate", "answered" (rows of a device and its
            Answered), "decoding/NAME", "memories/DEVICE/NAME" and, where the devices are
            in the same process, "devices/DEVICE/PART/NAME" with the parts of a
            DeviceMemory. None of them is changed any more.
        report: What the summary is made of, in what JSON has.
    """

    round: int
    arrays: Arrays
    report: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, state: State, report: Mapping[str, Any], memories: Memories) -> "Snapshot":
        """Of a run with this state, and of devices that remember this."""
        arrays: dict[str, NDArray[np.generic]] = {"model": state.model}
        if state.aggregate is not None:
            arrays["aggregate"] = state.aggregate
        arrays |= {f"decoding/{name}": array for name, array in state.decoding.items()}
        if state.answered:
            rows = [(device, *answered) for device, answered in state.answered.items()]
            arrays["answered"] = np.array(rows, np.int64)
        for device, memory in state.memories.items():
            arrays |= {f"memories/{device}/{name}": array for name, array in memory.items()}
        for device, both in memories.items():
            for part, held in both._asdict().items():
                prefix = f"devices/{device}/{part}"
                arrays |= {f"{prefix}/{name}": array for name, array in (held or {}).items()}
        return cls(state.round, arrays, report)

    def state(self, prepared: Prepared) -> State:
        """The server's.

        Raises:
            ConfigError: It is none of this experiment.
        """
        model = self.arrays.get("model")
        shape = (prepared.objective.dimension,)
        if model is None or model.shape != shape or model.dtype != np.float64:
            found = "none" if model is None else f"{model.dtype} {model.shape}"
            raise ConfigError(f"model {found}: must be float64 {shape}")
        memories: dict[int, dict[str, Any]] = {}
        for path, array in self._under("memories/").items():
            device, _, name = path.partition("/")
            memories.setdefault(int(device), {})[name] = array
        return State(
            round=self.round,
            model=model,  # type: ignore[arg-type]
            memories=memories,
            answered=self._answered(),
            aggregate=self.arrays.get("aggregate"),  # type: ignore[arg-type]
            decoding=self._under("decoding/"),
        )

    def memories(self) -> Memories:
        """The devices', where they were in the same process."""
        found: dict[int, dict[str, dict[str, Any]]] = {}
        for path, array in self._under("devices/").items():
            device, part, name = path.split("/", 2)
            parts = found.setdefault(int(device), {"estimator": {}, "attack": {}})
            parts.setdefault(part, {})[name] = array
        return {device: DeviceMemory(**parts) for device, parts in found.items()}

    def _answered(self) -> dict[int, Answered]:
        rows = self.arrays.get("answered")
        found = () if rows is None else rows.tolist()
        return {device: Answered(after, held) for device, after, held in found}

    def _under(self, prefix: str) -> Memory:
        return {
            path.removeprefix(prefix): array  # type: ignore[misc]
            for path, array in self.arrays.items()
            if path.startswith(prefix)
        }


def experiment_sha256(experiment: Experiment) -> str:
    """What a run must have in common with the one that it goes on with.

    All of the experiment, but its name, how many rounds there are, and when a round closes.
    """
    tables = write_experiment(experiment)
    for key in ("name", "rounds"):
        del tables[key]
    skips = experiment.devices.quorum is not None and experiment.devices.too_few == "skip"
    for key in _MAY_CHANGE:
        if not (skips and key == "quorum"):
            tables["devices"].pop(key, None)
    return hashlib.sha256(json.dumps(tables, sort_keys=True).encode()).hexdigest()
