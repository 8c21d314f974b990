"""Keeps the status of a run up to date from its events.

A round costs additions only; the values are made when someone asks, who may do so in a
thread of their own. What is kept is bounded by the number of devices.
"""

import threading
import time
from collections import deque
from collections.abc import Callable

from comlad.experiment import Experiment
from comlad_server._events import Event, listed, printable
from comlad_server.operations._device_board import DeviceBoard
from comlad_server.operations._status import FAULTS, PHASES, RunState, Status
from comlad_server.operations._tally import Tally

__all__ = ["StatusBoard"]

# The speed is that of about so many seconds.
_WINDOW_S = 10


class StatusBoard:
    """The status of one run, as far as its events have told.

    Args:
        experiment: What is run.
        clock: Gives seconds.
    """

    def __init__(self, experiment: Experiment, clock: Callable[[], float] = time.monotonic) -> None:
        count = experiment.devices.count
        self.changes = 0  # who has seen the status after so many has nothing to ask for
        self._clock = clock
        self._lock = threading.Lock()
        self._name, self._rounds = printable(experiment.name), experiment.rounds
        self._state, self._reason = RunState.WAITING, ""
        self._closed = self._counted = 0
        self._checkpoint: int | None = None
        self._loss: float | None = None
        self._accuracy: float | None = None
        self._started: float | None = None
        self._ended: float | None = None
        # When how many rounds were closed, at most once a second.
        self._marks: deque[tuple[float, int]] = deque(maxlen=_WINDOW_S)
        self._phases = dict.fromkeys(PHASES, 0.0)
        self._faults = dict.fromkeys(FAULTS, 0)
        self._tally = Tally(count)
        self._devices = DeviceBoard(count, self._tally)

    def observe(self, event: Event) -> None:
        """Take in what has happened."""
        with self._lock:
            self._devices.observe(event)
            self._observe(event)
            self.changes += 1

    def status(self) -> Status:
        """The state as it is now."""
        with self._lock:
            now = self._clock() if self._ended is None else self._ended
            return Status(
                name=self._name,
                state=self._state,
                reason=self._reason,
                rounds=self._rounds,
                closed=self._closed,
                counted=self._counted,
                loss=self._loss,
                accuracy=self._accuracy,
                seconds=0.0 if self._started is None else now - self._started,
                rounds_per_second=self._speed(now),
                phases=dict(self._phases),
                bytes=self._tally.totals(),
                faults=dict(self._faults),
                checkpoint=self._checkpoint,
                devices=self._devices.devices(),
            )

    def _observe(self, event: Event) -> None:
        match event["event"]:
            case "round":
                self._take_round(event)
            case "stranger" | "cut_off" as kind:
                self._faults[kind] += 1
            case "repeated":
                self._faults["repeated"] += 1
                self._reason = printable(f"{event['reason']}; it stays open")
            case "checkpoint":
                self._checkpoint = event["round"]
            case "resumed":
                self._closed = self._checkpoint = event["round"]
            case "waiting":
                self._state = RunState.WAITING
                self._reason = f"waits for devices {listed(event['devices'])}"
            case "started":
                self._state, self._reason = RunState.TRAINING, ""
                self._started = self._clock()
                self._marks.append((self._started, self._closed))
            case "stopped":
                self._end(RunState.STOPPED if event["resumable"] else RunState.FAILED)
                self._reason = printable(event["reason"])
            case "finished":
                self._end(RunState.FINISHED)

    def _end(self, state: RunState) -> None:
        self._state, self._reason, self._ended = state, "", self._clock()

    def _take_round(self, record: Event) -> None:
        self._state, self._reason = RunState.TRAINING, ""
        self._closed, self._counted = record["round"] + 1, self._counted + 1
        self._loss, self._accuracy = record["loss"], record.get("accuracy")
        now = self._clock()
        if not self._marks or now - self._marks[-1][0] >= 1:
            self._marks.append((now, self._closed))
        for phase in PHASES:
            self._phases[phase] += record["phases"][phase]
        self._faults["missing"] += len(record["missing"])
        self._faults["refused"] += len(record["refused"])
        self._faults["stray"] += len(record.get("stray", ()))
        self._tally.add(record)

    def _speed(self, now: float) -> float | None:
        if not self._marks or now <= self._marks[0][0]:
            return None
        since, closed = self._marks[0]
        return (self._closed - closed) / (now - since)
