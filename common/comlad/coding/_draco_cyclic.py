"""The cyclic code of DRACO."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from comlad.coding._band_code import BandCode, Complex, band_code
from comlad.coding._draco_decoder import decode, received_word
from comlad.coding._protocol import Decoded, Received
from comlad.config import require

__all__ = ["DracoCyclic"]

# How many numbers are gathered at a time.
_GATHERED = 2**18


@dataclass(frozen=True, slots=True)
class DracoCyclic:
    """The exact mean of all gradients in spite of liars (DRACO, Chen et al., ICML 2018, Section 4).

    The device of row i sends Σ_t c_t ∇f_{p_{i+t}}(x), t = 0, …, r−1, indices modulo N,
    with weights c of sum 1 that are silent at r−1 neighbouring frequencies (`BandCode`).
    The rows are then a word of a Reed-Solomon code over the complex numbers, with the
    mean of all gradients at one of its frequencies. The server finds out up to
    s = ⌊(r−1)/2⌋ liars (or e of them with k devices absent, if 2e + k <= r−1) and
    computes the mean without them.

    It goes by rounding errors, which are magnified where most rows of a neighbourhood
    lie, 10^8-fold if 20 neighbours among 100 do. Decoding fails where the mean may be
    off by more than 10^5 times the tolerance. Rows are dealt to devices anew each round,
    so that this is rare whichever devices lie. Liars who tell each other their rows can
    make honest ones between them seem to lie instead. Most such attempts are seen
    through; a few in a hundred bend the mean, in trials by less than 10^-5 of it.

    Args:
        load: r, the gradients a device computes in a round; the paper's 2s + 1.
        values: How a coded vector travels: "complex" with its real parts before its
            imaginary parts, 2Q numbers; "real" with Q, which exists only where N − r
            is even: then all c_t are positive.
        on_failure: What becomes of a round that cannot be decoded: "skip" it, or
            "aggregate" the coded vectors themselves, of which each is an unbiased
            estimate of the mean, by the robust rule.
        tolerance: How far honest vectors may be from what they should be, in parts of
            their length. Rounding in the code alone takes them 10^-15 away; if devices
            differ in the last digits of their gradients, allow for ten times as much.
    """

    load: int
    values: Literal["complex", "real"] = "complex"
    on_failure: Literal["skip", "aggregate"] = "skip"
    tolerance: float = 1e-14

    def __post_init__(self) -> None:
        require(self.load >= 3, "load", self.load, "must be at least 3, which corrects one liar")
        right = "must be from 1e-15, which is rounding, to 1e-9"
        require(1e-15 <= self.tolerance <= 1e-9, "tolerance", self.tolerance, right)

    @property
    def needs_exact(self) -> bool:
        return True

    def check(self, devices: int) -> None:
        right = f"must be at most {devices}, the number of devices and of subsets"
        require(self.load <= devices, "load", self.load, right)
        if self.values == "real":
            right = f'exists if {devices} − load is even: load = {self.load + 1}; or "complex"'
            require((devices - self.load) % 2 == 0, "values", self.values, right)

    def corrects(self, devices: int) -> int:
        return (self.load - 1) // 2

    def width(self, dimension: int) -> int:
        return dimension if self.values == "real" else 2 * dimension

    def draw(self, devices: int, rng: Generator) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        return rng.permutation(devices), rng.permutation(devices)

    def subsets(self, tasks: NDArray[np.intp], permutation: NDArray[np.intp]) -> NDArray[np.intp]:
        """In the order of the weights."""
        columns = (tasks[:, None] + np.arange(self.load)) % len(permutation)
        subsets: NDArray[np.intp] = permutation[columns]
        return subsets

    def encode(
        self,
        gradients: NDArray[np.float64],
        rows: NDArray[np.intp],
        tasks: NDArray[np.intp],
        devices: int,
    ) -> NDArray[np.float64]:
        dimension, weights = gradients.shape[1], self._code(devices).weights
        coded = np.zeros((len(rows), self.width(dimension)))
        # As many rows at a time as stay within a few megabytes.
        count = max(1, _GATHERED // dimension)
        for start in range(0, len(rows), count):
            real = coded[start : start + count, :dimension]
            imaginary = coded[start : start + count, dimension:]
            # A product of matrices would let a row's bits depend on how many there are.
            for weight, needed in zip(weights, rows[start : start + count].T, strict=True):
                gathered = gradients[needed]
                real += weight.real * gathered
                if self.values == "complex":
                    imaginary += weight.imag * gathered
        return coded

    def decode(self, received: Received) -> Decoded:
        code = self._code(received.count)
        absent = np.setdiff1d(np.arange(code.n), received.tasks)
        with np.errstate(over="ignore", invalid="ignore"):
            word = received_word(code, self._rows(received), absent, self.tolerance)
        failed = Decoded(None, (), received.memory)
        if word is None:
            return failed
        devices = np.array(received.devices, np.int64)
        suspected = np.isin(devices, received.memory.get("suspects", ()))
        try:
            fit = decode(word, received.tasks[suspected], received.rng)
        except np.linalg.LinAlgError:  # an exact zero or an iteration without end, if ever
            return failed
        if fit is None:
            return failed
        suspects = devices[np.isin(received.tasks, fit.out)]
        mean = np.asarray(fit.mean.real * word.unit, np.float64)
        return Decoded(mean, tuple(suspects.tolist()), {"suspects": suspects})

    def estimates(self, received: Received) -> NDArray[np.float64]:
        # The weights' real parts have the sum 1.
        width = received.vectors.shape[1]
        return received.vectors[:, : width if self.values == "real" else width // 2]

    def _rows(self, received: Received) -> Complex:
        """The received vectors in the order of the code, absent ones zero."""
        estimates = self.estimates(received)
        rows = np.zeros((received.count, estimates.shape[1]), np.complex128)
        rows.real[received.tasks] = estimates
        if self.values == "complex":
            rows.imag[received.tasks] = received.vectors[:, estimates.shape[1] :]
        return rows

    def _code(self, devices: int) -> BandCode:
        return band_code(devices, self.load)
