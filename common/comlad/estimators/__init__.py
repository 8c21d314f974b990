"""What a device turns its coded gradient into before compressing, and how the server undoes it."""

from comlad.estimators._dasha_page import ByzDashaPage
from comlad.estimators._diana import Diana
from comlad.estimators._dm21 import ByzDm21, ByzVrDm21
from comlad.estimators._ef14 import Ef14
from comlad.estimators._ef21 import Ef21, Ef21Sgdm
from comlad.estimators._marina import ByzVrMarina
from comlad.estimators._plain import Plain
from comlad.estimators._protocol import (
    MODEL,
    Arrival,
    Estimator,
    Footprint,
    Memory,
    Setting,
    Work,
    fingerprint,
    remembers,
)
from comlad.parts import Table

__all__ = [
    "ESTIMATORS",
    "MODEL",
    "Arrival",
    "ByzDashaPage",
    "ByzDm21",
    "ByzVrDm21",
    "ByzVrMarina",
    "Diana",
    "Ef14",
    "Ef21",
    "Ef21Sgdm",
    "Estimator",
    "Footprint",
    "Memory",
    "Plain",
    "Setting",
    "Work",
    "fingerprint",
    "remembers",
]

ESTIMATORS: Table[Estimator] = Table(
    "estimators",
    {
        "byz-dasha-page": ByzDashaPage,
        "byz-dm21": ByzDm21,
        "byz-vr-dm21": ByzVrDm21,
        "byz-vr-marina": ByzVrMarina,
        "diana": Diana,
        "ef14": Ef14,
        "ef21": Ef21,
        "ef21-sgdm": Ef21Sgdm,
        "plain": Plain,
    },
)
