"""What a Byzantine device sends instead of its coded vector.

An attack that is a part of an experiment has three of its parameters filled in from there,
where the file leaves them out and they are required or None by default: `f`, how many
devices lie; `tolerate`, how many the rule assumes; `aggregator`, the rule.
"""

from comlad.attacks._alie import ALittleIsEnough
from comlad.attacks._bit_flip import BitFlip
from comlad.attacks._coded import PartialCorruption, WrongTask
from comlad.attacks._fixed import Constant, NonFinite, Zero
from comlad.attacks._gaussian import Gaussian
from comlad.attacks._ipm import FallOfEmpires, InnerProductManipulation
from comlad.attacks._label_flip import LabelFlip
from comlad.attacks._mimic import Mimic
from comlad.attacks._min_max import MinMax, MinSum
from comlad.attacks._norm_hiding import NormHiding
from comlad.attacks._optimal import OptimalALittleIsEnough, OptimalInnerProductManipulation
from comlad.attacks._pool import Pool
from comlad.attacks._protocol import (
    Attack,
    ChecksDevices,
    Poisons,
    Remembers,
    Spies,
    View,
)
from comlad.attacks._quantizer_range import QuantizerRange
from comlad.attacks._sign_flip import GradientAscent, SignFlip
from comlad.attacks._silence import Crash
from comlad.attacks._stale import Replay, Straggler
from comlad.parts import Table

__all__ = [
    "ATTACKS",
    "ALittleIsEnough",
    "Attack",
    "BitFlip",
    "ChecksDevices",
    "Constant",
    "Crash",
    "FallOfEmpires",
    "Gaussian",
    "GradientAscent",
    "InnerProductManipulation",
    "LabelFlip",
    "Mimic",
    "MinMax",
    "MinSum",
    "NonFinite",
    "NormHiding",
    "OptimalALittleIsEnough",
    "OptimalInnerProductManipulation",
    "PartialCorruption",
    "Poisons",
    "Pool",
    "QuantizerRange",
    "Remembers",
    "Replay",
    "SignFlip",
    "Spies",
    "Straggler",
    "View",
    "WrongTask",
    "Zero",
]

ATTACKS: Table[Attack] = Table(
    "attacks",
    {
        "alie": ALittleIsEnough,
        "bit-flip": BitFlip,
        "constant": Constant,
        "crash": Crash,
        "foe": FallOfEmpires,
        "gaussian": Gaussian,
        "gradient-ascent": GradientAscent,
        "ipm": InnerProductManipulation,
        "label-flip": LabelFlip,
        "mimic": Mimic,
        "min-max": MinMax,
        "min-sum": MinSum,
        "non-finite": NonFinite,
        "norm-hiding": NormHiding,
        "opt-alie": OptimalALittleIsEnough,
        "opt-ipm": OptimalInnerProductManipulation,
        "partial-corruption": PartialCorruption,
        "quantizer-range": QuantizerRange,
        "replay": Replay,
        "sign-flip": SignFlip,
        "straggler": Straggler,
        "wrong-task": WrongTask,
        "zero": Zero,
    },
)
