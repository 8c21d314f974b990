"""The log of a run: a line for each event, with the event's fields for those who want them."""

import logging
import math
import time
from collections import Counter
from collections.abc import Callable

from comlad_server._events import Event, listed, printable

__all__ = ["EventLog"]

logger = logging.getLogger("comlad_server")

# Strangers cost the server one line in so many seconds.
_STRANGERS_S = 1.0

# Of the events that a line of this form is enough for: its level and text.
_LINES: dict[str, tuple[int, str]] = {
    "listening": (logging.INFO, "listening on {address}"),
    "metrics": (logging.INFO, "metrics on http://{address}/metrics"),
    "resumed": (logging.INFO, "going on with round {round}, from {file}"),
    "started": (logging.INFO, "round {round} is the first"),
    "ready": (logging.INFO, "devices {devices} are ready"),
    "gone": (logging.WARNING, "devices {devices} have gone"),
    "recovered": (logging.INFO, "device {device} had lost its memory: told what is held of it"),
    "replaced": (logging.WARNING, "devices {devices} came again; their older stream is ended"),
    "waiting": (logging.WARNING, "{who}; waiting"),
    "late": (logging.WARNING, "round {round}: deadline, without {devices}"),
    "cut_off": (logging.WARNING, "cut off devices {devices}: {reason}"),
    "repeated": (logging.WARNING, "{reason}; it stays open"),
    "checkpoint": (logging.INFO, "checkpoint after {round} rounds, in {seconds:.3f} s"),
    "no_checkpoint": (logging.ERROR, "no checkpoint after {round} rounds: {reason}"),
    "stopping": (logging.WARNING, "stopping: {reason}"),
    "stopped": (logging.WARNING, "ended before the last round: {reason}"),
    "finished": (logging.INFO, "finished; results in {directory}"),
}
# What of a round's record is in the log; rounds.jsonl has all of it.
_ROUND = ("round", "loss", "accuracy", "update_norm", "missing", "seconds", "phases")


class EventLog:
    """Writes events to the log; floods of them as one line and a number.

    Args:
        devices: N.
        clock: Gives seconds.
    """

    def __init__(self, devices: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._devices = devices
        self._clock = clock
        # Of the round in which something was refused last, by device: what was not told.
        self._round = -1
        self._untold: Counter[int] = Counter()
        self._strangers, self._told_s = 0, -math.inf

    def observe(self, event: Event) -> None:
        """Write what is to be written."""
        if "reason" in event:
            event = event | {"reason": printable(event["reason"])}
        match event["event"]:
            case "round":
                self._close_round(event)
            case "refused":
                self._refuse(event)
            case "stranger":
                self._turn_away(event)
            case kind if kind in _LINES:
                level, text = _LINES[kind]
                if logger.isEnabledFor(level):
                    logger.log(level, "%s", self._filled(text, event), extra=event)

    def _close_round(self, record: Event) -> None:
        number, loss = record["round"], record["loss"]
        if self._round <= number:
            self._tell_rest()
        fields = {"event": "round"} | {key: record[key] for key in _ROUND if key in record}
        text = "round %d: loss %.6g"
        logger.info(text, number, math.nan if loss is None else loss, extra=fields)
        if "skipped" in record:
            fields = {"event": "skipped", "round": number, "reason": record["skipped"]}
            logger.warning("round %d: the model stays: %s", number, record["skipped"], extra=fields)

    def _refuse(self, event: Event) -> None:
        device = event["device"]
        if event["round"] != self._round:
            self._tell_rest()
            self._round = event["round"]
        self._untold[device] += 1
        if self._untold[device] == 1:
            logger.warning("refused device %d: %s", device, event["reason"], extra=event)

    def _tell_rest(self) -> None:
        """Say how often a device was refused, if that was more than once in a round."""
        for device, times in sorted(self._untold.items()):
            if times > 1:
                fields = {"event": "refused", "round": self._round, "device": device}
                logger.warning(
                    "refused device %d %d times in round %d",
                    device,
                    times,
                    self._round,
                    extra=fields | {"times": times},
                )
        self._untold.clear()

    def _turn_away(self, event: Event) -> None:
        self._strangers += 1
        if (now := self._clock()) - self._told_s >= _STRANGERS_S:
            times = f" ({self._strangers} in all since the last line)" * (self._strangers > 1)
            fields = event | {"times": self._strangers}
            logger.warning("turned away: %s%s", event["reason"], times, extra=fields)
            self._strangers, self._told_s = 0, now

    def _filled(self, text: str, event: Event) -> str:
        """The text with the event's fields in it."""
        if (devices := event.get("devices")) is None:
            return text.format_map(event)
        nobody = len(devices) == self._devices
        who = "no device is connected" if nobody else f"devices {listed(devices)} are not there"
        return text.format_map(event | {"devices": listed(devices), "who": who})
