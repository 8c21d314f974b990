"""What is proven of LAD and Com-LAD, as numbers: the paper's bounds, and exact identities."""

from comlad.theory._bounds import Bounds, Regime, baseline_error, load_that_helps
from comlad.theory._identities import (
    dispersion,
    error_of_compression,
    error_of_honest_mean,
    expected_deviation,
    load_imbalance,
)

__all__ = [
    "Bounds",
    "Regime",
    "baseline_error",
    "dispersion",
    "error_of_compression",
    "error_of_honest_mean",
    "expected_deviation",
    "load_imbalance",
    "load_that_helps",
]
