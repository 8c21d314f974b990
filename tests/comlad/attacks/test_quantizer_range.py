from typing import Any

import numpy as np
import pytest
from attack_samples import view_of
from samples import dense, fresh_rng

from comlad.attacks import QuantizerRange
from comlad.compression import COMPRESSORS, Payload
from comlad.errors import ConfigError

OWN = fresh_rng().normal(0, 1, 40)


@pytest.mark.parametrize(
    "table",
    [
        {"kind": "stochastic-quantization"},
        {"kind": "qsgd", "levels": 4},
        {"kind": "terngrad"},
        {"kind": "scaled-sign"},
    ],
    ids=lambda table: table["kind"],
)
class TestOfAQuantiser:
    def test_sends_the_honest_codes_over_a_larger_range(self, table: dict[str, Any]) -> None:
        compressor = COMPRESSORS.read(table)
        view = view_of([OWN, OWN], compressor=compressor)

        payload = QuantizerRange(1000)(view)

        assert isinstance(payload, Payload)
        assert dense(payload) == pytest.approx(1000 * dense(view.compress(OWN)), rel=1e-15)

    def test_sends_what_an_honest_device_could_send(self, table: dict[str, Any]) -> None:
        compressor = COMPRESSORS.read(table)

        payload = QuantizerRange()(view_of([OWN, OWN], compressor=compressor))

        assert isinstance(payload, Payload)
        compressor.admit(payload, 40)


@pytest.mark.parametrize(
    "table",
    [
        {"kind": "identity"},
        {"kind": "random-sparsification", "keep": 10},
        {"kind": "top-k", "keep": 10},
        {"kind": "natural"},
    ],
    ids=lambda table: table["kind"],
)
def test_makes_one_coordinate_huge_where_no_range_travels(table: dict[str, Any]) -> None:
    view = view_of([OWN, OWN], compressor=COMPRESSORS.read(table))

    vector = QuantizerRange(1000)(view)

    assert isinstance(vector, np.ndarray)
    expected = OWN.copy()
    expected[np.abs(OWN).argmax()] *= 1000
    assert vector.tolist() == expected.tolist()


@pytest.mark.parametrize("factor", [0.5, -2.0, np.inf, np.nan])
def test_refuses_a_factor_that_stretches_nothing(factor: float) -> None:
    with pytest.raises(ConfigError, match=r"^factor = .*: must be a finite number from 1 up$"):
        QuantizerRange(factor)
