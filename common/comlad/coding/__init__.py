"""Which subsets a device computes in a round, and how it encodes their gradients."""

from comlad.coding._cyclic import Cyclic
from comlad.coding._draco_cyclic import DracoCyclic
from comlad.coding._draco_repetition import DracoRepetition
from comlad.coding._protocol import Coding, Decoded, Decodes, Received
from comlad.parts import Table

__all__ = [
    "CODINGS",
    "Coding",
    "Cyclic",
    "Decoded",
    "Decodes",
    "DracoCyclic",
    "DracoRepetition",
    "Received",
]

CODINGS: Table[Coding] = Table(
    "codings",
    {
        "cyclic": Cyclic,
        "draco-cyclic": DracoCyclic,
        "draco-repetition": DracoRepetition,
    },
)
