"""Whom a call is from, by what gRPC says of its connection."""

from typing import Any, cast

import grpc.aio
import pytest

from comlad.config import Identity
from comlad.errors import MessageError, Status
from comlad_server._identity import device_identity, identity_of


class Call:
    """A call of which gRPC says this."""

    def __init__(self, **said: bytes) -> None:
        self._said = {name: [value] for name, value in said.items()}

    def auth_context(self) -> dict[str, list[bytes]]:
        return self._said


def call(**said: bytes) -> grpc.aio.ServicerContext[Any, Any]:
    return cast(grpc.aio.ServicerContext[Any, Any], Call(**said))


def test_is_nobody_where_nothing_is_encrypted() -> None:
    assert identity_of(call(transport_security_type=b"insecure")) is None


def test_is_whom_the_certificate_names() -> None:
    found = identity_of(call(transport_security_type=b"ssl", peer_uri=b"urn:comlad:devices:0-4,7"))

    assert found == Identity.of_devices([0, 1, 2, 3, 4, 7])


@pytest.mark.parametrize(
    "said",
    [
        {"transport_security_type": b"ssl"},
        {"transport_security_type": b"ssl", "peer_uri": b"urn:comlad:devices:"},
        {"transport_security_type": b"ssl", "peer_uri": b"urn:comlad:\xff"},
        # Words that gRPC does not use today are no way around a certificate.
        {"transport_security_type": b"tls"},
        {},
    ],
)
def test_must_have_a_name(said: dict[str, bytes]) -> None:
    with pytest.raises(MessageError, match="must have one name such as") as caught:
        identity_of(call(**said))

    assert caught.value.status is Status.UNAUTHENTICATED


def test_must_be_a_device_where_only_those_may() -> None:
    watcher = call(transport_security_type=b"ssl", peer_uri=b"urn:comlad:watcher")

    with pytest.raises(MessageError, match="certificate of the watcher") as caught:
        device_identity(watcher)

    assert caught.value.status is Status.PERMISSION_DENIED
