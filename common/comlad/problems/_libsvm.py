"""Reading a file of two classes in the format of LIBSVM and svmlight.

A line is a sample, `label index:value index:value …`, with indices that ascend from 1
and zeros left out. What follows a # is a comment, and blank lines do not count.
"""

import zlib
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from gzip import GzipFile
from math import isfinite
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from comlad.config import mistake, require

__all__ = ["MOST_BYTES", "read_libsvm"]

# The dense matrix may be this large, 4 GiB: rcv1 with 47 236 features would take 7.1.
MOST_BYTES = 2**32

_GZIP = b"\x1f\x8b"
_SHOWN = 40


def read_libsvm(path: str) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Features (m, Q), Q being the largest index, and labels: −1 the smaller, 1 the larger.

    Args:
        path: Of a text file, plain or compressed by gzip; its first bytes tell, not its name.

    Raises:
        ConfigError: The file cannot be read, a line is not as above, there are not
            exactly two labels, or the features would take more than 4 GiB.
    """
    samples = _Samples(path)
    try:
        with open(path, "rb") as file:
            samples.read(_unzipped(file))
    except (OSError, EOFError, zlib.error, ValueError) as error:  # open: a path with a zero byte
        right = f"must be a LIBSVM file, plain or compressed by gzip ({error})"
        raise mistake("path", path, right) from error
    labels = samples.signs()
    return samples.features(), labels


def _unzipped(file: BinaryIO) -> Iterator[bytes]:
    start = file.read(len(_GZIP))
    file.seek(0)
    return iter(GzipFile(fileobj=file) if start == _GZIP else file)


# Ours, since scikit-learn's reader does not say which line is bad.
@dataclass
class _Samples:
    """What has been read: of each sample its label and how many entries it has."""

    path: str
    labels: "array[float]" = field(default_factory=lambda: array("d"))
    counts: "array[int]" = field(default_factory=lambda: array("q"))
    columns: "array[int]" = field(default_factory=lambda: array("q"))
    values: "array[float]" = field(default_factory=lambda: array("d"))
    different: set[float] = field(default_factory=set)

    def read(self, lines: Iterable[bytes]) -> None:
        for number, line in enumerate(lines, start=1):
            if words := line.partition(b"#")[0].split():
                try:
                    self._add(words)
                except _BadWordError as bad:
                    right = f"line {number} has {_shown(bad.word)}: {bad.right}"
                    raise mistake("path", self.path, right) from None

    def _add(self, words: list[bytes]) -> None:
        label = _label(words[0])
        self.different.add(label)
        if len(self.different) > 2:
            some = ", ".join(f"{value:g}" for value in sorted(self.different))
            raise _BadWordError(words[0], f"there must be two labels in all, not {some}")
        previous = 0
        for word in words[1:]:
            index, value = _entry(word)
            if index <= previous:
                right = f"must have an index above the one before it, {previous}"
                raise _BadWordError(word, right if previous else "must have an index from 1 up")
            previous = index
            self.columns.append(index - 1)
            self.values.append(value)
        self.labels.append(label)
        self.counts.append(len(words) - 1)

    def signs(self) -> NDArray[np.int64]:
        require(len(self.labels) > 0, "path", self.path, "holds no sample; must be a LIBSVM file")
        if len(self.different) < 2:
            (only,) = self.different
            raise mistake("path", self.path, f"every label is {only:g}; there must be two")
        return np.where(np.frombuffer(self.labels) == max(self.different), 1, -1)

    def features(self) -> NDArray[np.float64]:
        require(len(self.columns) > 0, "path", self.path, "no sample has a feature; must have some")
        columns = np.frombuffer(self.columns, np.int64)
        shape = (len(self.labels), int(columns.max()) + 1)
        needed = shape[0] * shape[1] * 8
        require(
            needed <= MOST_BYTES,
            "path",
            self.path,
            f"{shape[0]} samples of {shape[1]} features take {needed / 2**30:.1f} GiB; "
            f"must be at most {MOST_BYTES / 2**30:g} GiB",
        )
        features = np.zeros(shape)
        rows = np.repeat(np.arange(shape[0]), np.frombuffer(self.counts, np.int64))
        features[rows, columns] = np.frombuffer(self.values)
        return features


class _BadWordError(Exception):
    """A word of a line, and what would be right."""

    def __init__(self, word: bytes, right: str) -> None:
        self.word, self.right = word, right


def _label(word: bytes) -> float:
    label = _number(word)
    if label is None:
        raise _BadWordError(word, "must begin with a label, a finite number")
    return label


def _entry(word: bytes) -> tuple[int, float]:
    before, _, after = word.partition(b":")
    value = _number(after)
    if not before.isdigit() or value is None:
        raise _BadWordError(word, "must be index:value, a whole number and a finite one")
    if len(before) > 9:
        raise _BadWordError(word, "must have an index below 10^9")
    return int(before), value


def _number(word: bytes) -> float | None:
    """The number, which in Python could be written with _ as well; None if there is none."""
    try:
        number = float(word)
    except ValueError:
        return None
    return number if isfinite(number) and b"_" not in word else None


def _shown(word: bytes) -> str:
    text = word.decode("ascii", "backslashreplace")
    return repr(text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…")
