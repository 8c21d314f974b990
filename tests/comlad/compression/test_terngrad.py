import numpy as np
import pytest
from samples import dense, draws, fresh_rng

from comlad.compression import TernaryValues, TernGrad


def test_agrees_with_a_loop() -> None:
    vector, rng = fresh_rng().normal(0, 2, 200), fresh_rng(9)

    sent = dense(TernGrad().compress(vector, draws(9)))

    scale = max(abs(vector))
    for value, found in zip(vector, sent, strict=True):
        kept = rng.random() < abs(value) / scale
        assert found == (np.sign(value) * scale if kept else 0.0)


def test_always_sends_the_largest_magnitude() -> None:
    vector = np.array([1.0, -8.0, 8.0, 0.0])

    for seed in range(50):
        sent = dense(TernGrad().compress(vector, draws(seed)))
        assert sent[1:].tolist() == [-8.0, 8.0, 0.0]


@pytest.mark.parametrize(
    ("vector", "scale"), [([0.0, -0.0], 0.0), ([1.0, np.nan], np.nan), ([-np.inf, 1.0], np.inf)]
)
def test_has_no_trits_without_a_scale(vector: list[float], scale: float) -> None:
    block = TernGrad().compress(np.array(vector), draws()).values

    assert isinstance(block, TernaryValues)
    assert block.scale == pytest.approx(scale, nan_ok=True)
    assert not block.trits.any()
