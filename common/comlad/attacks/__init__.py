"""What a Byzantine device sends instead of its coded vector."""

from comlad.attacks._protocol import Attack, View
from comlad.attacks._sign_flip import SignFlip
from comlad.parts import Table

__all__ = ["ATTACKS", "Attack", "SignFlip", "View"]

ATTACKS: Table[Attack] = Table("attacks", {"sign-flip": SignFlip})
