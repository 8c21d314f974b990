"""What can go wrong, sorted by whose fault it is."""

from enum import IntEnum

__all__ = ["ComladError", "ConfigError", "MessageError", "RoundError", "Status"]


class Status(IntEnum):
    """Why a message was refused; the numbers are those of gRPC status codes."""

    INVALID_ARGUMENT = 3
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    UNAVAILABLE = 14
    UNAUTHENTICATED = 16


class ComladError(Exception):
    """The base of every error that comlad raises on purpose."""


class ConfigError(ComladError):
    """The person's: an experiment or option that cannot run. Says what would be right."""


class MessageError(ComladError):
    """The peer's: bytes that do not count.

    Args:
        reason: What was found and what would have been right.
        status: What the peer is told.
    """

    def __init__(self, reason: str, status: Status = Status.INVALID_ARGUMENT) -> None:
        super().__init__(reason)
        self.status = status


class RoundError(ComladError):
    """The run's: a round that cannot be closed, such as a model that is no longer finite."""
