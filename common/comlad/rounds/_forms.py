"""In which form a device's vector travels in a round: compressed, or whole."""

from comlad.compression import Compressor, Identity, links_of
from comlad.estimators import Estimator
from comlad.rounds._plan import Plan

__all__ = ["form_of", "forms"]


def form_of(estimator: Estimator, compressor: Compressor, plan: Plan, slot: int) -> Compressor:
    """What the answer of the device in a slot is made with."""
    first = plan.answered is not None and not plan.answered[slot].after
    return _whole(compressor) if estimator.whole(plan.full, first) else compressor


def forms(estimator: Estimator, compressor: Compressor) -> tuple[Compressor, ...]:
    """All that there can be in a run."""
    flags = False, True
    if any(estimator.whole(full, first) for full in flags for first in flags):
        return compressor, _whole(compressor)
    return (compressor,)


def _whole(compressor: Compressor) -> Identity:
    """The vector itself, in float64 if the compressor sends such numbers, else in float32."""
    wide = any(getattr(link, "values", None) == "float64" for link in links_of(compressor))
    return Identity("float64" if wide else "float32")
