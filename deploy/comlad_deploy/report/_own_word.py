"""What devices say that their interfaces carried: the files of `comlad-device --link-bytes`.

A device may lie in them, or leave something else than a file; nothing is believed but
that they are numbers, and nothing is read that is no file of a sane size.
"""

import json
import logging
import os
import stat
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from comlad.errors import ConfigError

__all__ = ["OwnWord", "read_own_words"]

logger = logging.getLogger(__name__)

_MAX_FILES, _MAX_BYTES = 10_000, 2**16
_MAX_COUNT = 2**63


@dataclass(frozen=True, slots=True)
class OwnWord:
    """What the interfaces of one host carried, as the host itself says.

    Args:
        name: Of its file, without ".json".
        devices: Those of the host, ascending.
        up: Bytes that it sent.
        down: Bytes that it received.
        packets: Sent and received.
    """

    name: str
    devices: tuple[int, ...]
    up: int
    down: int
    packets: tuple[int, int]


def read_own_words(directory: Path, count: int) -> list[OwnWord]:
    """What is in a directory, by first device; what is no such file is logged and left out.

    Two that claim the same device are both left out.

    Args:
        directory: With a .json file for each host.
        count: N.

    Raises:
        ConfigError: The directory cannot be read.
    """
    try:
        paths = sorted(path for path in directory.iterdir() if path.suffix == ".json")
    except OSError as error:
        raise ConfigError(f"--link-bytes {directory}: cannot be read ({error})") from error
    words = list(_readable(paths[:_MAX_FILES], count))
    claims = Counter(device for word in words for device in word.devices)
    for device in sorted(device for device in claims if claims[device] > 1):
        logger.warning("--link-bytes %s: several files are of device %d", directory, device)
    alone = [word for word in words if all(claims[device] == 1 for device in word.devices)]
    return sorted(alone, key=lambda word: word.devices)


def _readable(paths: list[Path], count: int) -> Iterator[OwnWord]:
    for path in paths:
        try:
            yield _parse(path.stem, _read(path), count)
        except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
            logger.warning("%s: not what --link-bytes writes (%s)", path, error)


def _read(path: Path) -> bytes:
    # Neither through a link to another file, nor from a pipe that never ends or begins.
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ValueError("no file")
        data = file.read(_MAX_BYTES + 1)
    if len(data) > _MAX_BYTES:
        raise ValueError(f"more than {_MAX_BYTES} bytes")
    return data


def _parse(name: str, data: bytes, count: int) -> OwnWord:
    record = json.loads(data)
    devices = tuple(sorted(_number(device, count) for device in record["devices"]))
    if not devices or len(set(devices)) < len(devices):
        raise ValueError("must be of devices, each once")
    up, down = _number(record["up"]), _number(record["down"])
    packets: Any = record["packets"]
    return OwnWord(name, devices, up, down, (_number(packets["up"]), _number(packets["down"])))


def _number(value: object, limit: int = _MAX_COUNT) -> int:
    if type(value) is int and 0 <= value < limit:
        return value
    raise ValueError(f"found {str(value)[:50]!r}: must be a whole number from 0, below {limit}")
