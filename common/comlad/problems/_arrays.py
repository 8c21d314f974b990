"""Checks of arrays that may have come over the wire."""

import numpy as np
from numpy.typing import NDArray

from comlad.errors import ConfigError

__all__ = ["check_samples"]


def check_samples(
    features: NDArray[np.generic], labels: NDArray[np.generic], sizes: NDArray[np.generic]
) -> None:
    """Raise ConfigError unless these are m samples in N subsets.

    Args:
        features: Must be of shape (m, Q), neither being 0.
        labels: Must be of shape (m,); whether they are whole is for the problem to say.
        sizes: Must be N whole numbers from 0 that add up to m.
    """
    if features.ndim != 2 or labels.shape != features.shape[:1] or not features.size:
        raise ConfigError(
            f"features {features.shape} and labels {labels.shape}: must be (m, Q) and (m,)"
        )
    whole = sizes.dtype.kind == "i" and sizes.ndim == 1 and sizes.size > 0
    # No size may be above m: the sum of large ones could wrap around to m.
    if not whole or sizes.min() < 0 or sizes.max() > len(labels) or sizes.sum() != len(labels):
        raise ConfigError(
            f"sizes of shape {sizes.shape}: must be whole numbers from 0 that add up to "
            f"{len(labels)}, the number of samples"
        )
