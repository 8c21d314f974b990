"""No estimator at all."""

from dataclasses import dataclass
from typing import Self

from comlad.estimators._defaults import Defaults
from comlad.estimators._protocol import Setting
from comlad.estimators._setting import require_unbiased

__all__ = ["Plain"]


@dataclass(frozen=True, slots=True)
class Plain(Defaults):
    """The coded vector as it is, without memory (LAD, Algorithms 1 and 2).

    Com-LAD's theory asks for unbiased compression (Definition 2): what a biased compressor
    leaves out is lost for good.

    Args:
        biased: Whether a biased compressor is taken all the same: naive top-k SGD, which
            methods with error feedback are compared with.
    """

    biased: bool = False

    def fitted(self, setting: Setting) -> Self:
        if not self.biased:
            require_unbiased(
                setting,
                "what it leaves out is lost for good under plain; use an estimator with error "
                "feedback, such as ef21-sgdm or byz-dm21, or say [estimator] biased = true",
            )
        return self
