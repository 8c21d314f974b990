import numpy as np
from samples import dense, draws

from comlad.compression import Identity


def test_is_exact() -> None:
    vector = np.array([1 / 3, -0.0, 5e-324, 1e308])

    assert dense(Identity().compress(vector, draws())).tobytes() == vector.tobytes()


def test_rounds_to_the_type_that_travels() -> None:
    vector = np.array([1 / 3, 1e-50, -2.5])

    sent = dense(Identity("float32").compress(vector, draws()))

    assert sent.tolist() == [float(np.float32(1 / 3)), 0.0, -2.5]
