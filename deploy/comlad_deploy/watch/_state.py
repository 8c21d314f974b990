"""The state of a running server, as it is printed and shown."""

from collections.abc import Callable
from typing import Any

from comlad.v1 import watch_pb2 as pb

__all__ = ["Show", "State", "state_of"]

State = dict[str, Any]
Show = Callable[[State | None], None]  # None: the server went away


def state_of(response: pb.WatchResponse) -> State:
    """A state as JSON has it; None for what there is not."""
    return {
        "name": response.name,
        "state": pb.RunState.Name(response.state).removeprefix("RUN_STATE_").lower(),
        "reason": response.reason,
        "rounds": response.rounds,
        "closed_rounds": response.closed_rounds,
        "counted_rounds": response.counted_rounds,
        "loss": _known(response, "loss"),
        "accuracy": _known(response, "accuracy"),
        "seconds": response.seconds,
        "rounds_per_second": _known(response, "rounds_per_second"),
        "phases": _numbers(response.phases),
        "bytes": {"up": _numbers(response.up), "down": _numbers(response.down)},
        "faults": _numbers(response.faults),
        "checkpoint_round": _known(response, "checkpoint_round"),
        "devices": [
            {
                "device": device.device_id,
                "connected": device.connected,
                "peer": device.peer,
                "late": device.late,
                "last_round": _known(device, "last_round"),
                "answered": device.answered,
                "missing": device.missing,
                "refused": device.refused,
                "reason": device.reason,
                "bytes": {"up": _numbers(device.up), "down": _numbers(device.down)},
            }
            for device in response.devices
        ],
    }


def _known(message: Any, field: str) -> Any:
    return getattr(message, field) if message.HasField(field) else None


def _numbers(message: Any) -> dict[str, Any]:
    """All fields of a message of numbers, but for optional ones that are absent."""
    return {
        field.name: getattr(message, field.name)
        for field in message.DESCRIPTOR.fields
        if not field.has_presence or message.HasField(field.name)
    }
