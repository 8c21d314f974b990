"""What the network interfaces of this host or container carried while the program ran.

A device's own word, for the report of a run: bytes are accounted for by what the server
counts. Of use where the host carries this run and nothing else, as a container does.
"""

import json
import logging
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from comlad.errors import ConfigError

__all__ = ["Counters", "counted_since", "link_bytes", "parse_counters"]

logger = logging.getLogger(__name__)

# Of this process's network namespace.
_TABLE = Path("/proc/self/net/dev")


class Counters(NamedTuple):
    """What an interface carried since it was made; up is what it sent."""

    up: int
    down: int
    up_packets: int
    down_packets: int


@contextmanager
def link_bytes(file: Path | None, devices: Callable[[], tuple[int, ...]]) -> Iterator[None]:
    """Write to a file, where the block ends, what was carried during it.

    Args:
        file: A JSON object with `devices`, bytes `up` and `down`, `packets` of both and the
            `interfaces` that were counted; replaced. None: nothing is counted.
        devices: Gives the ids of the devices that the host turned out to be.

    Raises:
        ConfigError: Not on Linux, or the file cannot be written.
    """
    if file is None:
        yield
        return
    if sys.platform != "linux":
        raise ConfigError(f"--link-bytes: must be Linux to be counted, found {sys.platform}")
    draft = file.with_name(f"{file.name}.draft")
    try:
        # A mistake in the path is to be known now, and no earlier run's file taken for this one's.
        draft.touch()
        file.unlink(missing_ok=True)
        before = parse_counters(_TABLE.read_text("ascii"))
    except OSError as error:
        raise ConfigError(f"--link-bytes {file}: cannot be written ({error})") from error
    try:
        yield
    finally:
        try:
            carried = counted_since(before, parse_counters(_TABLE.read_text("ascii")))
            draft.write_text(json.dumps(_described(devices(), carried)) + "\n", "utf-8")
            draft.replace(file)
        except OSError as error:
            logger.warning("--link-bytes %s: cannot be written (%s)", file, error)


def parse_counters(table: str) -> dict[str, Counters]:
    """By interface, but for the loopback, from the text of /proc/net/dev."""
    found = {}
    for line in table.splitlines()[2:]:
        name, _, numbers = line.partition(":")
        if name.strip() != "lo":
            fields = [int(number) for number in numbers.split()]
            # Receive: bytes, packets and six more; then the same of what was sent.
            found[name.strip()] = Counters(fields[8], fields[0], fields[9], fields[1])
    return found


def counted_since(
    before: Mapping[str, Counters], now: Mapping[str, Counters]
) -> dict[str, Counters]:
    """What each interface carried in between.

    One that was made since, or made anew under the same name, counts from nothing; what
    one that has gone had carried was not seen.
    """
    carried = {}
    for name, after in now.items():
        start = before.get(name, Counters(0, 0, 0, 0))
        anew = any(a < b for a, b in zip(after, start, strict=True))
        carried[name] = (
            after if anew else Counters(*(a - b for a, b in zip(after, start, strict=True)))
        )
    return carried


def _described(devices: tuple[int, ...], carried: Mapping[str, Counters]) -> dict[str, object]:
    total = (
        Counters(*map(sum, zip(*carried.values(), strict=True)))
        if carried
        else Counters(0, 0, 0, 0)
    )
    return {
        "devices": list(devices),
        "up": total.up,
        "down": total.down,
        "packets": {"up": total.up_packets, "down": total.down_packets},
        "interfaces": sorted(name for name, counters in carried.items() if any(counters)),
    }
