"""Vectors in every form that travels: ways to tell indices, and ways to write values.

A new form of values comes into all tests of the wire by one line here.
"""

import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from samples import draws

from comlad.compression import COMPRESSORS, IndexCodec, Values

__all__ = ["CODECS", "FORMS", "content", "subsets", "traced", "values_of", "vectors"]

CODECS: tuple[IndexCodec, ...] = ("gaps", "bitmap", "rice", "auto")
# By what `describe` says, compressors of a whole vector whose values have that form.
FORMS: dict[str, dict[str, Any]] = {
    "float64": {"kind": "identity", "values": "float64"},
    "float32": {"kind": "identity", "values": "float32"},
    "float16": {"kind": "identity", "values": "float16"},
    "bfloat16": {"kind": "identity", "values": "bfloat16"},
    "two-level": {"kind": "stochastic-quantization"},
    "qsgd of 3 levels": {"kind": "qsgd", "levels": 3},
    "ternary": {"kind": "terngrad"},
    "natural float32": {"kind": "natural"},
    "natural float64": {"kind": "natural", "values": "float64"},
    "sign": {"kind": "scaled-sign"},
}


def values_of(form: str, vector: NDArray[np.float64]) -> Values:
    """The values of a vector in that form."""
    return COMPRESSORS.read(FORMS[form]).compress(vector, draws()).values


def content(values: Values) -> list[Any]:
    """All that values hold, to the bit."""
    fields = [values] if isinstance(values, np.ndarray) else _fields(values)
    return [
        type(values),
        *(
            (field.dtype, field.tobytes()) if isinstance(field, np.ndarray) else repr(field)
            for field in fields
        ),
    ]


def vectors(count: int) -> st.SearchStrategy[NDArray[np.float64]]:
    """Vectors that stay finite in every form."""
    return hnp.arrays(np.float64, count, elements=st.floats(-1e30, 1e30))


@st.composite
def subsets(draw: st.DrawFn, most: int = 300) -> tuple[int, NDArray[np.int64]]:
    """Q up to `most`, and some of its indices: few, as many as not, or all."""
    dimension = draw(st.integers(1, most))
    indices = st.sets(st.integers(0, dimension - 1), max_size=30)
    if dimension <= 300:
        whole = set(range(dimension))
        indices |= indices.map(lambda some: whole - some)
    edges = draw(st.sets(st.sampled_from([0, dimension - 1])))
    return dimension, np.array(sorted(draw(indices) | edges), np.int64)


@contextmanager
def traced() -> Iterator[Callable[[], int]]:
    """Gives how many bytes were allocated at most."""
    tracemalloc.start()
    most = 0
    try:
        yield lambda: most
    finally:
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()


def _fields(values: Any) -> list[Any]:
    return [getattr(values, name) for name in values.__slots__]
