"""The state of a run as values, for a person or a program that looks on."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

__all__ = ["FAULTS", "PHASES", "WAYS", "DeviceStatus", "RunState", "Status"]

# As `Status.faults`, `Status.phases` and `Status.bytes` have them.
FAULTS = ("missing", "refused", "stray", "stranger", "cut_off", "repeated")
PHASES = ("answers", "close", "record")
WAYS = ("up", "down")


class RunState(StrEnum):
    """How far a run is."""

    WAITING = "waiting"
    TRAINING = "training"
    FINISHED = "finished"
    STOPPED = "stopped"  # and can be resumed
    FAILED = "failed"

    @property
    def over(self) -> bool:
        """Whether nothing more happens in this server."""
        return self not in (RunState.WAITING, RunState.TRAINING)


@dataclass(frozen=True, slots=True)
class DeviceStatus:
    """What is known of a device.

    Args:
        device: Its id.
        connected: Whether its stream is there and it has the data.
        peer: The far end of its connection, as gRPC names it; of the last one if it is gone.
        late: Whether it is connected and missed the last deadline.
        last_round: The last one in which its answer counted.
        answered: How often it did.
        missing: Rounds that closed without an answer of it.
        refused: Messages and parts that did not count.
        reason: Why the last one was refused.
        bytes: Its own by way ("up", "down") and layer ("payload", "message", and "tcp" and
            "link" if they could be counted).
    """

    device: int
    connected: bool
    peer: str
    late: bool
    last_round: int | None
    answered: int
    missing: int
    refused: int
    reason: str
    bytes: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class Status:
    """The state of a run.

    Args:
        name: Of the experiment.
        state: How far it is.
        reason: Why it has ended early, or does not go on at the moment; else empty.
        rounds: T.
        closed: How many of these are closed.
        counted: How many this server closed: all that is counted is counted in these.
        loss: After the last closed round; None if there is none, or if it is not finite.
        accuracy: Likewise, where the problem has one.
        seconds: Since the first round opened.
        rounds_per_second: Over the last ten seconds or so.
        phases: Seconds of all rounds, by what was done in them.
        bytes: Of all devices together, as for one.
        faults: By kind; what was refused is no stray here.
        checkpoint: The round that the newest one goes on with.
        devices: By id.
    """

    name: str
    state: RunState
    reason: str
    rounds: int
    closed: int
    counted: int
    loss: float | None
    accuracy: float | None
    seconds: float
    rounds_per_second: float | None
    phases: Mapping[str, float]
    bytes: Mapping[str, Mapping[str, int]]
    faults: Mapping[str, int]
    checkpoint: int | None
    devices: tuple[DeviceStatus, ...]
