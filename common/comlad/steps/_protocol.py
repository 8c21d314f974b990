"""What every step offers."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["Step"]


class Step(Protocol):
    """A configured step: a frozen dataclass whose fields are its parameters."""

    def __call__(
        self, model: NDArray[np.float64], aggregate: NDArray[np.float64], round: int
    ) -> NDArray[np.float64]:
        """x_{t+1} from x_t, the aggregate g_t and t; all vectors of shape (Q,).

        A new array: the model before may still be on its way to devices.
        """
