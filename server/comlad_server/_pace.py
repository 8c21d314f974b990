"""One answer for each question: who sends more than that is cut off."""

from comlad.errors import MessageError, Status

__all__ = ["Pace"]

# Rounds that wait unread in a connection for a device which is behind.
_MOST_BEHIND = 1000


class Pace:
    """Of one stream.

    A device that no round waits for may be many rounds behind. It answers them one after
    the other, and each answer is refused, perhaps all in the same round: that is no flood.
    Who was refused more often than it was asked sends what nobody asked for, though it may
    be too little in any one round to be noticed.

    Args:
        devices: How many the process hosts; each may answer each round once.
    """

    def __init__(self, devices: int) -> None:
        self.owed = 0  # answers to what it was told
        self._devices = devices
        self._left = 4 * devices + 4  # refusals beyond these

    def told(self) -> None:
        """It is told a round."""
        self.owed = min(self.owed, (_MOST_BEHIND - 1) * self._devices) + self._devices

    def heard(self, refused: int) -> None:
        """It has said something, of which so much was refused.

        What is not refused answers the open round: those before are not answered any more.

        Raises:
            MessageError: It is to be cut off.
        """
        if not refused:
            self.owed = 0
        paid = min(self.owed, refused)
        self.owed -= paid
        self._left -= refused - paid
        if self._left < 0:
            raise MessageError("refused more often than it was asked", Status.RESOURCE_EXHAUSTED)
