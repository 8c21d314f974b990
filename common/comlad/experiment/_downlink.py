"""What is sent to the devices, and in how many bytes."""

from dataclasses import dataclass
from typing import Literal

__all__ = ["Downlink"]


@dataclass(frozen=True, slots=True)
class Downlink:
    """The [downlink] table.

    Args:
        model: The type in which x_t travels. "float32" halves the bytes: the devices take
            their gradients at the rounded model; the server steps from its own.
        delta: Whether a device that has the model of the round before is sent what has
            changed, its indices and new values, where that is shorter. Exact.
        permutation: "broadcast": p_t goes to everybody, as in LAD. "own": each device is
            told its own d subsets only; a liar can then no longer tell which coded
            vectors the others will send, though it still has their gradients.
    """

    model: Literal["float64", "float32"] = "float64"
    delta: bool = False
    permutation: Literal["broadcast", "own"] = "broadcast"
