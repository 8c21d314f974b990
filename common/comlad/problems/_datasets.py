"""The data sets that come with scikit-learn, which need no network."""

import numpy as np
from numpy.typing import NDArray

from comlad.config import mistake

__all__ = ["load_breast_cancer", "load_digits"]


def load_digits() -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """1797 images of 8×8 pixels from 0 to 1, shape (1797, 64), and the digits they show."""
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise _not_installed("digits") from error
    features, labels = load_digits(return_X_y=True)
    return features / 16, labels.astype(np.int64)


def load_breast_cancer() -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """30 measures of 569 tumours, shape (569, 30), and whether each is benign, 0 or 1."""
    try:
        from sklearn.datasets import load_breast_cancer
    except ImportError as error:
        raise _not_installed("breast-cancer") from error
    features, labels = load_breast_cancer(return_X_y=True)
    return features, labels.astype(np.int64)


def _not_installed(data: str) -> Exception:
    return mistake(
        "data",
        data,
        "scikit-learn has them and is not installed; pip install 'comlad[lab]'",
    )
