import numpy as np
import pytest
from samples import dense, draws

from comlad.compression import Identity, ValueType


def test_is_exact() -> None:
    vector = np.array([1 / 3, -0.0, 5e-324, 1e308])

    assert dense(Identity().compress(vector, draws())).tobytes() == vector.tobytes()


def test_rounds_to_the_type_that_travels() -> None:
    vector = np.array([1 / 3, 1e-50, -2.5])

    sent = dense(Identity("float32").compress(vector, draws()))

    assert sent.tolist() == [float(np.float32(1 / 3)), 0.0, -2.5]


@pytest.mark.parametrize(("values", "bits"), [("float16", 11), ("bfloat16", 8)])
def test_rounds_to_two_bytes_at_random(values: ValueType, bits: int) -> None:
    vector, compressor = np.full(50, 4 / 3), Identity(values)

    sent = dense(compressor.compress(vector, draws()))

    below = 4 / 3 // 2 ** (1 - bits) * 2 ** (1 - bits)
    assert set(sent) == {below, below + 2 ** (1 - bits)}
    assert compressor.agreement == "none"
    assert compressor.delta(50) == 1 - compressor.alpha(50) == 2.0 ** (-2 * bits)


def test_in_float16_counts_two_bytes_for_the_exponent() -> None:
    assert Identity("float16").payload_bound(50) == 2 + 100
    assert Identity("bfloat16").payload_bound(50) == 100
    assert Identity("float16").bits(50) == 16 + 800
