"""What is known of each device: is it there, does it answer, what was refused and why."""

from urllib.parse import unquote

from comlad_server._events import Event, printable
from comlad_server.operations._status import WAYS, DeviceStatus
from comlad_server.operations._tally import Tally

__all__ = ["DeviceBoard"]


class DeviceBoard:
    """All N devices, kept up to date from a run's events.

    Args:
        devices: N.
        tally: Where their bytes are counted.
    """

    def __init__(self, devices: int, tally: Tally) -> None:
        self._tally = tally
        self._connected: set[int] = set()
        self._late: set[int] = set()
        self._peers, self._reasons = [""] * devices, [""] * devices
        self._missing, self._refused = [0] * devices, [0] * devices
        self._rounds, self._unanswered = 0, [0] * devices
        self._last_round: int | None = None
        # Of those whose answer did not count in the last round, the last one that did.
        self._absent: dict[int, int | None] = {}

    def observe(self, event: Event) -> None:
        """Take in what concerns devices."""
        match event:
            case {"event": "round"}:
                self._take_round(event)
            case {"event": "ready", "devices": devices}:
                self._connected.update(devices)
                for device in devices:
                    self._peers[device] = printable(unquote(event["peer"]))
            case {"event": "gone", "devices": devices}:
                self._connected.difference_update(devices)
                self._late.difference_update(devices)
            case {"event": "late", "devices": devices}:
                self._late = self._connected.intersection(devices)
            case {"event": "refused", "device": device, "reason": reason}:
                self._reasons[device] = printable(reason)
            case {"event": "cut_off", "devices": devices, "reason": reason}:
                for device in devices:
                    self._reasons[device] = printable(reason)

    def devices(self) -> tuple[DeviceStatus, ...]:
        """All of them, by id."""
        return tuple(
            DeviceStatus(
                device=device,
                connected=device in self._connected,
                peer=peer,
                late=device in self._late,
                last_round=self._absent.get(device, self._last_round),
                answered=self._rounds - self._unanswered[device],
                missing=self._missing[device],
                refused=self._refused[device],
                reason=self._reasons[device],
                bytes={way: self._tally.of(device, way) for way in WAYS},
            )
            for device, peer in enumerate(self._peers)
        )

    def _take_round(self, record: Event) -> None:
        missing = record["missing"]
        refused = {int(device): reason for device, reason in record["refused"].items()}
        for device in missing:
            self._missing[device] += 1
        for device, reason in (*refused.items(), *record.get("stray", ())):
            self._refused[device] += 1
            self._reasons[device] = printable(reason)
        absent = {*missing, *refused}
        for device in absent:
            self._unanswered[device] += 1
        self._absent = {device: self._absent.get(device, self._last_round) for device in absent}
        self._late = self._connected.intersection(missing)
        self._rounds, self._last_round = self._rounds + 1, record["round"]
