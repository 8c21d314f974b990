"""Device ids as people write them: "3" or "0,4-6"."""

from collections.abc import Iterable
from itertools import pairwise

from comlad.errors import ConfigError

__all__ = ["parse_ids", "parse_ranges", "write_ids"]

_MOST = 10**6


def parse_ids(option: str, text: str) -> tuple[int, ...]:
    """The ids in "3" or "0,4-6", in the order in which they are written.

    Raises:
        ConfigError: It is something else, names an id twice or more than a million; says
            which option it is of.
    """
    ranges = parse_ranges(option, text)
    if sum(map(len, ranges)) > _MOST:
        raise ConfigError(f"{option} {text}: must be at most a million ids")
    return tuple(id for some in ranges for id in some)


def parse_ranges(option: str, text: str) -> tuple[range, ...]:
    """The same, without the cost of what a range holds.

    Raises:
        ConfigError: It is something else, or names an id twice.
    """
    ranges = [_range(option, text, part) for part in text.split(",")]
    ascending = sorted(ranges, key=lambda some: some.start)
    if any(b.start < a.stop for a, b in pairwise(ascending)):
        raise ConfigError(f"{option} {text}: must name each id once")
    return tuple(ranges)


def write_ids(ids: Iterable[int]) -> str:
    """Distinct ids in the shortest form that `parse_ids` reads, ascending: "0,4-6"."""
    ranges: list[tuple[int, int]] = []
    for id in sorted(ids):
        first = ranges.pop()[0] if ranges and ranges[-1][1] == id - 1 else id
        ranges.append((first, id))
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in ranges)


def _range(option: str, text: str, part: str) -> range:
    first, dash, last = part.strip().partition("-")
    if not _is_id(first) or (dash and not _is_id(last)):
        raise ConfigError(f"{option} {text}: must be ids such as 3 or 0,4-6")
    some = range(int(first), int(last or first) + 1)
    if not some:
        raise ConfigError(f"{option} {text}: must have the smaller id of a range first")
    return some


def _is_id(text: str) -> bool:
    # The length first: thousands of digits are more than int takes.
    return len(text) <= 10 and text.isascii() and text.isdigit() and int(text) < 2**31
