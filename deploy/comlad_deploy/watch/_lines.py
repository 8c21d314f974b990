"""The state of a running server in a line, for where there is no terminal."""

import time

from comlad_deploy.text import readable_bytes
from comlad_deploy.watch._state import State

__all__ = ["Lines", "known_numbers", "presence_text", "progress_text", "state_line"]

# Seconds between two lines where there is no terminal.
_LINE_S = 2.0


class Lines:
    """A line now and then, and for whatever changes the state."""

    def __init__(self) -> None:
        self._told_s, self._state = -_LINE_S, ""

    def show(self, state: State | None) -> None:
        now = time.monotonic()
        if state is None:
            print("lost the server; trying again", flush=True)
        elif state["state"] != self._state or now - self._told_s >= _LINE_S:
            self._told_s, self._state = now, state["state"]
            print(state_line(state), flush=True)


def state_line(state: State) -> str:
    """A state in a line."""
    parts = [f"{state['name']}: {state['state']}, {progress_text(state)}", *known_numbers(state)]
    up, down = state["bytes"]["up"], state["bytes"]["down"]
    layer = "tcp" if "tcp" in up else "message"
    parts.append(f"up {readable_bytes(up[layer])}, down {readable_bytes(down[layer])} ({layer})")
    parts.append(presence_text(state))
    if late := [str(device["device"]) for device in state["devices"] if device["late"]]:
        parts.append(f"late: {_some(late)}")
    if refused := [device for device in state["devices"] if device["reason"]]:
        worst = max(refused, key=lambda device: device["refused"])
        parts.append(f"refused: device {worst['device']}, {worst['reason']}")
    if state["reason"]:
        parts.append(state["reason"])
    return "; ".join(parts)


def progress_text(state: State) -> str:
    return f"round {state['closed_rounds']} of {state['rounds']}"


def known_numbers(state: State) -> list[str]:
    """Loss, accuracy, speed and the newest checkpoint, as far as there are such."""
    parts = []
    if state["loss"] is not None:
        parts.append(f"loss {state['loss']:.6g}")
    if state["accuracy"] is not None:
        parts.append(f"accuracy {state['accuracy']:.4f}")
    if state["rounds_per_second"] is not None:
        parts.append(f"{state['rounds_per_second']:.1f} rounds/s")
    if state["checkpoint_round"] is not None:
        parts.append(f"checkpoint after {state['checkpoint_round']} rounds")
    return parts


def presence_text(state: State) -> str:
    connected = sum(device["connected"] for device in state["devices"])
    return f"{connected} of {len(state['devices'])} connected"


def _some(ids: list[str]) -> str:
    return ", ".join(ids[:10]) + (f" and {len(ids) - 10} more" if len(ids) > 10 else "")
