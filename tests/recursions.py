"""Each method a second time, as plainly as it can be written: a class of one device and server.

From the papers' recursions, all of them spelled out; nothing is shared with the library's.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["RECURSIONS", "Device"]

Vector = NDArray[np.float64]
Compress = Callable[[Vector], Vector]


class Device:
    """A device and the server's part of it; a round gives the server's estimate.

    Args:
        size: Of all vectors.
        parameters: Of the method, by the papers' letters.
    """

    def __init__(self, size: int, **parameters: Any) -> None:
        self.zero = np.zeros(size)
        self.p: dict[str, Any] = parameters
        self.t = 0
        self.start()

    def start(self) -> None:
        """All vectors that are remembered."""

    def held(self) -> list[Vector]:
        """What the server remembers."""
        return []

    def round(self, s: Vector, old: Vector, g: Vector, coin: bool, compress: Compress) -> Vector:
        """One round.

        Args:
            s: The gradient at x_t, of all samples if the coin is 1.
            old: The same samples' at x_{t−1}.
            g: The aggregate of the round before.
            coin: Whether it came up 1.
            compress: C, rounding to what travels included.
        """
        raise NotImplementedError


class Ef14(Device):
    def start(self) -> None:
        self.e = self.zero

    def round(self, s: Vector, old: Vector, g: Vector, coin: bool, compress: Compress) -> Vector:
        p = s + self.e
        message = compress(p)
        self.e = p - message
        return message


class Ef21(Device):
    def start(self) -> None:
        self.g_device = self.g_server = self.zero

    def held(self) -> list[Vector]:
        return [self.g_server]

    def target(self, s: Vector, old: Vector) -> Vector:
        return s

    def round(self, s: Vector, old: Vector, g: Vector, coin: bool, compress: Compress) -> Vector:
        target = self.target(s, old)
        self.t += 1
        if self.p.get("warm") and self.t == 1:
            message = target.astype(np.float32).astype(np.float64)
        else:
            message = compress(target - self.g_device)
        self.g_device = self.g_device + message
        self.g_server = self.g_server + message
        return self.g_server


class Ef21Sgdm(Ef21):
    def start(self) -> None:
        super().start()
        self.v = self.zero

    def target(self, s: Vector, old: Vector) -> Vector:
        eta = float(self.p["eta"])
        first = self.t == 0 and self.p.get("warm")
        self.v = s if first else (1 - eta) * self.v + eta * s
        return self.v


class ByzDm21(Ef21):
    def start(self) -> None:
        super().start()
        self.v = self.u = self.zero

    def first_momentum(self, s: Vector, old: Vector) -> Vector:
        eta = float(self.p["eta"])
        return (1 - eta) * self.v + eta * s

    def target(self, s: Vector, old: Vector) -> Vector:
        eta = float(self.p["eta"])
        if self.t == 0 and self.p.get("warm"):
            self.v = self.u = s
            return s
        self.v = self.first_momentum(s, old)
        self.u = (1 - eta) * self.u + eta * self.v
        return self.u


class ByzVrDm21(ByzDm21):
    def first_momentum(self, s: Vector, old: Vector) -> Vector:
        eta = float(self.p["eta"])
        if self.t == 0:
            return (1 - eta) * self.zero + eta * s
        return s + (1 - eta) * (self.v - old)


class ByzVrMarina(Device):
    def round(self, s: Vector, old: Vector, g: Vector, coin: bool, compress: Compress) -> Vector:
        if coin:
            return s.astype(np.float32).astype(np.float64)
        return g + compress(s - old)


class ByzDashaPage(Device):
    def start(self) -> None:
        self.h = self.g_device = self.g_server = self.zero

    def held(self) -> list[Vector]:
        return [self.g_server]

    def round(self, s: Vector, old: Vector, g: Vector, coin: bool, compress: Compress) -> Vector:
        h = s if coin else self.h + s - old
        message = compress(h - self.h - float(self.p["a"]) * (self.g_device - self.h))
        self.h = h
        self.g_device = self.g_device + message
        self.g_server = self.g_server + message
        return self.g_server


class Diana(Device):
    def start(self) -> None:
        self.h = self.zero

    def held(self) -> list[Vector]:
        return [self.h]

    def round(self, s: Vector, old: Vector, g: Vector, coin: bool, compress: Compress) -> Vector:
        message = compress(s - self.h)
        estimate = self.h + message
        self.h = self.h + float(self.p["alpha"]) * message
        return estimate


RECURSIONS: dict[str, type[Device]] = {
    "ef14": Ef14,
    "ef21": Ef21,
    "ef21-sgdm": Ef21Sgdm,
    "byz-dm21": ByzDm21,
    "byz-vr-dm21": ByzVrDm21,
    "byz-vr-marina": ByzVrMarina,
    "byz-dasha-page": ByzDashaPage,
    "diana": Diana,
}
