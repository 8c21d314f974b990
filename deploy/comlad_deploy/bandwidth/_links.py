"""Seconds to a loss on links of a given rate: what arithmetic says."""

from collections.abc import Sequence
from dataclasses import dataclass

from comlad_deploy.networks import bits_per_second
from comlad_deploy.traces import Trace, rounds_to

__all__ = ["FAST", "Course", "Link", "common_target", "course_of"]


@dataclass(frozen=True, slots=True)
class Link:
    """What every device has to the server, as bits a second such as "10mbit".

    Args:
        uplink: To the server; None: as fast as the machine is.
        downlink: From the server; the same.
    """

    uplink: str | None = None
    downlink: str | None = None

    @property
    def name(self) -> str:
        """As people read it, and as one of a directory."""
        ways = (("up", self.uplink), ("down", self.downlink))
        given = [f"{way} {rate}" for way, rate in ways if rate is not None]
        return ", ".join(given) or "fast"

    @property
    def slug(self) -> str:
        return self.name.replace(", ", "-").replace(" ", "-")

    def seconds(self, up: float, down: float) -> float:
        """How long so many bytes take, one way after the other.

        Raises:
            ConfigError: A rate is none.
        """
        up_rate = bits_per_second("--uplink", self.uplink)
        down_rate = bits_per_second("--downlink", self.downlink)
        return (8 * up / up_rate if up_rate else 0.0) + (8 * down / down_rate if down_rate else 0.0)


FAST = Link()


@dataclass(frozen=True, slots=True)
class Course:
    """A method's way to the target on links as fast as the machine is.

    Args:
        rounds: How many it took.
        seconds: How long they took.
        up: Bytes a round on the busiest link to the server.
        down: The same from the server.
    """

    rounds: int
    seconds: float
    up: float
    down: float

    def predicted(self, link: Link) -> float:
        """Seconds to the target on other links.

        What the rounds took on fast links, and beside it what their bytes take on these:
        as if nobody computed while a link is busy, and all links were busy at once.
        """
        return self.seconds + self.rounds * link.seconds(self.up, self.down)


def course_of(trace: Trace, target: float) -> Course | None:
    """A method's course to a loss from its run on fast links; None if it did not get there."""
    if (rounds := rounds_to(trace.losses, target)) is None:
        return None
    up, down = (trace.busiest[way][rounds] / max(rounds, 1) for way in ("up", "down"))
    return Course(rounds, trace.seconds[rounds], up, down)


def common_target(traces: Sequence[Trace]) -> float:
    """The highest loss at an end; of methods that got below where they began, if any did."""
    ends = [trace.losses[-1] for trace in traces]
    lower = [trace.losses[-1] for trace in traces if trace.losses[-1] < trace.losses[0]]
    return max(lower or ends)
