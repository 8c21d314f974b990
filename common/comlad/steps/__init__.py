"""How the model moves along what was aggregated."""

from comlad.parts import Table
from comlad.steps._protocol import Step
from comlad.steps._sgd import Sgd

__all__ = ["STEPS", "Sgd", "Step"]

STEPS: Table[Step] = Table("steps", {"sgd": Sgd})
