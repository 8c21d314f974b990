"""The fractional repetition code of DRACO."""

from collections import Counter
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from comlad.coding._protocol import Decoded, Received
from comlad.config import require

__all__ = ["DracoRepetition"]


@dataclass(frozen=True, slots=True)
class DracoRepetition:
    """Groups of devices that compute the same (DRACO, Chen et al., ICML 2018, Section 3).

    Tasks 0..r−1 form the first group, the next r the second, and so on. The devices of
    a group own the same r subsets and send the mean of their gradients, the same to
    the last bit. The server takes of each group the vector that came more than
    s = ⌊(r−1)/2⌋ times, if one alone did: it is right unless more than s of the group
    lie, however many are absent. Devices and subsets change groups each round.

    Args:
        load: r, the gradients a device computes and the devices of a group; divides N.
        on_failure: What becomes of a round in which a group does not agree: "skip" it,
            or "aggregate" the coded vectors themselves, of which each is an unbiased
            estimate of the mean, by the robust rule.
    """

    load: int
    on_failure: Literal["skip", "aggregate"] = "skip"

    def __post_init__(self) -> None:
        require(self.load >= 3, "load", self.load, "must be at least 3, which corrects one liar")

    @property
    def needs_exact(self) -> bool:
        return False

    def check(self, devices: int) -> None:
        loads = [load for load in range(3, devices + 1) if devices % load == 0]
        near = [
            *[load for load in loads if load < self.load][-1:],
            *[load for load in loads if load > self.load][:1],
        ]
        works = " or ".join(map(str, near)) or "no load does"
        right = f"must divide {devices}, the number of devices and of subsets: {works}"
        require(self.load in loads, "load", self.load, right)

    def corrects(self, devices: int) -> int:
        return (self.load - 1) // 2

    def width(self, dimension: int) -> int:
        return dimension

    def draw(self, devices: int, rng: Generator) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        return rng.permutation(devices), rng.permutation(devices)

    def subsets(self, tasks: NDArray[np.intp], permutation: NDArray[np.intp]) -> NDArray[np.intp]:
        owned = np.sort(permutation.reshape(-1, self.load), axis=1)
        return owned[tasks // self.load]

    def encode(
        self,
        gradients: NDArray[np.float64],
        rows: NDArray[np.intp],
        tasks: NDArray[np.intp],
        devices: int,
    ) -> NDArray[np.float64]:
        coded = np.empty((len(rows), gradients.shape[1]))
        means = dict[bytes, NDArray[np.float64]]()
        for slot, needed in enumerate(rows):
            if (key := needed.tobytes()) not in means:  # else a member of a group seen before
                means[key] = gradients[needed].sum(axis=0) / self.load
            coded[slot] = means[key]
        return coded

    def decode(self, received: Received) -> Decoded:
        liars, groups = self.corrects(received.count), received.tasks // self.load
        sent = [
            vector.tobytes() if np.isfinite(vector).all() else None for vector in received.vectors
        ]
        winners, suspects = [], list[int]()
        for group in range(received.count // self.load):
            members = np.flatnonzero(groups == group).tolist()
            votes = Counter(sent[row] for row in members if sent[row] is not None)
            right = [vector for vector, count in votes.items() if count > liars]
            if len(right) != 1:
                return Decoded(None, (), {})
            agreed = [row for row in members if sent[row] == right[0]]
            winners.append(received.vectors[agreed[0]])
            suspects += [received.devices[row] for row in members if row not in agreed]
        mean: NDArray[np.float64] = np.sum(winners, axis=0) / len(winners)
        return Decoded(mean, tuple(sorted(suspects)), {})

    def estimates(self, received: Received) -> NDArray[np.float64]:
        return received.vectors
