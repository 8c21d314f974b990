"""Who is at the other end of a call: what its certificate says, and nothing else."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import grpc.aio

from comlad.config import Identity, parse_identity
from comlad.errors import ConfigError, MessageError, Status

__all__ = ["Calls", "device_identity", "identity_of"]

# At a time, of each device that a key is for: a stream, an older one whose end is not
# noticed yet, the dataset, and what is held of the device.
_MOST_CALLS = 4


def identity_of(context: grpc.aio.ServicerContext[Any, Any]) -> Identity | None:
    """Whom the certificate of a call names; None for a call without TLS.

    Raises:
        MessageError: It names nobody, or more than one: UNAUTHENTICATED.
    """
    found = context.auth_context()
    # What is not known to be plaintext must have a name, whatever gRPC will come to call it.
    if found.get("transport_security_type") == [b"insecure"]:
        return None
    names = [name.decode("ascii", "replace") for name in found.get("peer_uri", ())]
    try:
        (identity,) = [parse_identity(name) for name in names]
    except (ConfigError, ValueError):
        raise MessageError(
            f"a certificate for {', '.join(names)[:200] or 'no name'}: must have one name such as "
            "urn:comlad:devices:0, as comlad keys gives",
            Status.UNAUTHENTICATED,
        ) from None
    return identity


def device_identity(context: grpc.aio.ServicerContext[Any, Any]) -> Identity | None:
    """The same, for what only devices may do.

    Raises:
        MessageError: UNAUTHENTICATED, or PERMISSION_DENIED for whoever is no device.
    """
    identity = identity_of(context)
    if identity is not None and identity.role != "devices":
        raise MessageError(
            f"a call with the certificate of {identity}: must be a device's",
            Status.PERMISSION_DENIED,
        )
    return identity


class Calls:
    """How many calls each key has open: a few, so that none can take all the server's room.

    Without certificates nobody is told apart, and nobody is limited.
    """

    def __init__(self) -> None:
        self._open: Counter[Identity] = Counter()

    @contextmanager
    def count(self, identity: Identity | None) -> Iterator[None]:
        """A call, for as long as the block lasts.

        Raises:
            MessageError: There are too many already.
        """
        if identity is None:
            yield
            return
        most = _MOST_CALLS * identity.count
        if self._open[identity] >= most:
            raise MessageError(
                f"{most} calls with the key of {identity} are open: must be no more",
                Status.RESOURCE_EXHAUSTED,
            )
        self._open[identity] += 1
        try:
            yield
        finally:
            self._open -= Counter([identity])  # and forgets who has none left
