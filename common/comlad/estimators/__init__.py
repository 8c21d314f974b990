"""What a device turns its coded gradient into before compressing, and how the server undoes it."""

from comlad.estimators._plain import Plain
from comlad.estimators._protocol import Estimator, Memory
from comlad.parts import Table

__all__ = ["ESTIMATORS", "Estimator", "Memory", "Plain"]

ESTIMATORS: Table[Estimator] = Table("estimators", {"plain": Plain})
