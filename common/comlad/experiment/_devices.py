"""The devices of an experiment: how many, which of them lie, who shares a process."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from comlad.config import require
from comlad.rng import Stream, run_generator

__all__ = ["Devices", "byzantine_devices", "process_groups"]


@dataclass(frozen=True, slots=True)
class Devices:
    """The [devices] table.

    Args:
        count: N, devices and subsets.
        byzantine: How many lie, N − H; which ones is drawn from the seed. Or a list
            of their ids.
        redraw: Whether the liars are drawn anew in every round.
        tolerate: f, how many liars the rules assume; as many as there are if not given.
        deadline_s: Seconds after which a round closes without those who are missing.
        quorum: With how many answers a round may close at its deadline, and with how many
            devices, that long after the last one came, a run may begin. If not given: as
            many as the rule needs; and all of them.
        too_few: What becomes of a round with fewer at its deadline, or too few for the
            rule. "repeat": it stays open until there are enough; "stop": the run ends;
            "skip": the model stays where it is.
        repeats: Deadlines that such a round is given more before the run ends.
        missing: What a device is that has not answered when a round closes. "fault": one of
            the f that the rules assume, so that they need expect one fewer among the others;
            "late": honest for all one knows, so that they may all be among the others.
    """

    count: int
    byzantine: int | tuple[int, ...] = 0
    redraw: bool = False
    tolerate: int | None = None
    deadline_s: float = 10.0
    quorum: int | None = None
    too_few: Literal["repeat", "stop", "skip"] = "repeat"
    repeats: int = 10
    missing: Literal["fault", "late"] = "fault"

    def __post_init__(self) -> None:
        count, byzantine, liars = self.count, self.byzantine, self.byzantine_count
        require(count >= 1, "count", count, "must be at least 1")
        require(count < 2**31, "count", count, "must be less than 2^31")
        if isinstance(byzantine, tuple):
            right = f"must be distinct ids from 0 to {count - 1}"
            distinct = len(set(byzantine)) == liars and all(0 <= i < count for i in byzantine)
            require(distinct, "byzantine", byzantine, right)
            right = "must be a number, not a list, if redraw is true"
            require(not self.redraw, "byzantine", byzantine, right)
        right = f"must be at least 0 and less than half of {count} devices"
        require(liars >= 0 and 2 * liars < count, "byzantine", byzantine, right)
        if self.tolerate is not None:
            require(
                self.tolerate >= 0 and 2 * self.tolerate < count, "tolerate", self.tolerate, right
            )
        right = "must be a positive number of seconds"
        require(0 < self.deadline_s < np.inf, "deadline_s", self.deadline_s, right)
        if self.quorum is not None:
            right = f"must be 1 to {count} devices"
            require(1 <= self.quorum <= count, "quorum", self.quorum, right)
        require(self.repeats >= 0, "repeats", self.repeats, "must be at least 0")

    @property
    def byzantine_count(self) -> int:
        """N − H."""
        return len(self.byzantine) if isinstance(self.byzantine, tuple) else self.byzantine

    @property
    def tolerated(self) -> int:
        """f, what the rules assume."""
        return self.byzantine_count if self.tolerate is None else self.tolerate

    def expected(self, refused: int, missing: int) -> int:
        """f', the liars that rules must expect among the answers of a round.

        A device that was refused is surely a bad one; `missing` says what one is that did
        not answer: f' = max(f − refused − missing, 0) or max(f − refused, 0).
        """
        faults = refused + (missing if self.missing == "fault" else 0)
        return max(self.tolerated - faults, 0)


def byzantine_devices(devices: Devices, seed: int, round: int = 0) -> frozenset[int]:
    """The ids of the devices that lie in a round."""
    if isinstance(devices.byzantine, tuple):
        return frozenset(devices.byzantine)
    rng = run_generator(seed, Stream.BYZANTINE, round if devices.redraw else 0)
    return frozenset(rng.permutation(devices.count)[: devices.byzantine].tolist())


def process_groups(
    devices: Devices, seed: int, per_process: int
) -> tuple[tuple[tuple[int, ...], ...], tuple[tuple[int, ...], ...]]:
    """Which devices share a process: the groups of honest and those of Byzantine programs.

    With `redraw` any device may have to lie, so that all of them run the Byzantine
    program, which lies in its rounds only.
    """
    if devices.redraw and devices.byzantine_count:
        honest: Sequence[int] = ()
        byzantine: Sequence[int] = range(devices.count)
    else:
        liars = byzantine_devices(devices, seed)
        honest = [device for device in range(devices.count) if device not in liars]
        byzantine = sorted(liars)
    return _chunks(honest, per_process), _chunks(byzantine, per_process)


def _chunks(ids: Sequence[int], size: int) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(ids[start : start + size]) for start in range(0, len(ids), size))
