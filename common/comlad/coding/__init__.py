"""Which subsets a device computes in a round, and how it encodes their gradients."""

from comlad.coding._cyclic import Cyclic
from comlad.coding._protocol import Coding
from comlad.parts import Table

__all__ = ["CODINGS", "Coding", "Cyclic"]

CODINGS: Table[Coding] = Table("codings", {"cyclic": Cyclic})
