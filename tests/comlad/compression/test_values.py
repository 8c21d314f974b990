import numpy as np
import pytest

from comlad.compression import (
    Bfloat16Values,
    Float16Values,
    NaturalValues,
    QsgdValues,
    Quantized,
    SignValues,
    TernaryValues,
    TwoLevelValues,
)

BLOCKS: dict[str, tuple[Quantized, str, list[float]]] = {
    "float16": (
        Float16Values(-15, np.array([2.0**15, -0.5, 0], np.float16)),
        "float16",
        [1.0, -(2.0**-16), 0.0],
    ),
    "float16 of the least": (
        Float16Values(-1050, np.array([2.0**-24, -(2.0**-23), 0], np.float16)),
        "float16",
        [5e-324, -1e-323, 0.0],
    ),
    "float16 of the greatest": (
        Float16Values(1008, np.array([65_504, -1, 0], np.float16)),
        "float16",
        [65_504 * 2.0**1008, -(2.0**1008), 0.0],
    ),
    "bfloat16": (
        Bfloat16Values(np.array([0x3F80, 0xFF7F, 0x0001], np.uint16)),
        "bfloat16",
        [1.0, -255 * 2.0**120, 2.0**-133],
    ),
    "two-level": (
        TwoLevelValues(-0.5, 2.0, np.array([True, False, True])),
        "two-level",
        [2.0, -0.5, 2.0],
    ),
    "qsgd": (
        QsgdValues(3.0, 4, np.array([-4, 0, 1], np.int32)),
        "qsgd of 4 levels",
        [-3.0, 0.0, 0.75],
    ),
    "ternary": (
        TernaryValues(1.5, np.array([1, -1, 0], np.int8)),
        "ternary",
        [1.5, -1.5, 0.0],
    ),
    "natural float32": (
        NaturalValues(np.array([0.5, -4.0, 0.0], np.float32)),
        "natural float32",
        [0.5, -4.0, 0.0],
    ),
    "natural float64": (
        NaturalValues(np.array([2.0**1023, -(2.0**-1022), 0.0])),
        "natural float64",
        [2.0**1023, -(2.0**-1022), 0.0],
    ),
    "sign": (
        SignValues(0.25, np.array([True, False, False])),
        "sign",
        [-0.25, 0.25, 0.25],
    ),
}


@pytest.mark.parametrize(("block", "words", "floats"), BLOCKS.values(), ids=BLOCKS)
def test_know_their_number_their_form_and_their_floats(
    block: Quantized, words: str, floats: list[float]
) -> None:
    assert len(block) == 3
    assert block.describe() == words
    assert block.floats().dtype == np.float64
    assert block.floats().tolist() == floats


def test_of_qsgd_stay_numbers_where_the_norm_is_the_largest() -> None:
    block = QsgdValues(np.finfo(np.float64).max, 7, np.array([7, -7, 3], np.int32))

    assert np.isfinite(block.floats()).all()
