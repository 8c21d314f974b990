"""The device's end of TLS, and what keeps a connection from coming about.

gRPC says no more than UNAVAILABLE when it cannot connect, be it that nobody is there or
that either end does not accept the other's certificate. One has to be waited for, the
other will not mend itself.
"""

import re
import socket
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import grpc
import grpc.aio

from comlad.config import SERVER_NAME, Keys
from comlad.errors import ConfigError

__all__ = ["open_channel", "what_is_wrong"]

_PATIENCE_S = 3.0
# In a certificate's DER: a sequence of the two times between which it is valid, UTCTime
# until 2049 (RFC 5280, section 4.1.2.5).
_VALIDITY = re.compile(rb"\x30\x1e\x17\x0d(\d{12})Z\x17\x0d(\d{12})Z")


def open_channel(
    server: str, keys: Keys | None, options: Sequence[tuple[str, Any]]
) -> grpc.aio.Channel:
    """A channel to a server, over TLS if there are keys for it."""
    if keys is None:
        return grpc.aio.insecure_channel(server, options)
    credentials = grpc.ssl_channel_credentials(keys.ca, keys.key, keys.certificate)
    name = ("grpc.ssl_target_name_override", SERVER_NAME)
    return grpc.aio.secure_channel(server, credentials, [*options, name])


def what_is_wrong(server: str, keys: Keys | None) -> str | None:
    """Why a server that is there cannot be talked to; None if it may only have to be waited for.

    Connects, which may take some seconds.

    Raises:
        ConfigError: It is our own keys.
    """
    context = _context(keys)
    try:
        # Twice: the first time it may just have been ending.
        hung_up = all(_greeted(context, server) == b"" for _ in range(2))
    except ssl.SSLCertVerificationError as error:
        return _about_the_server(error, server)
    except ssl.SSLError as error:
        no_tls = keys is not None and not isinstance(error, ssl.SSLEOFError)
        return f"it does not speak TLS ({error.reason}): must have --keys, too" if no_tls else None
    except OSError:
        return None
    return _about_us(keys) if hung_up else None


def _context(keys: Keys | None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_alpn_protocols(["h2"])
    if keys is None:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context
    try:
        context.load_verify_locations(cadata=keys.ca.decode("ascii"))
        context.load_cert_chain(keys.directory / "cert.pem", keys.directory / "key.pem")
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"--keys: the files in {keys.directory} are no keys, or not of each other ({error})"
        ) from error
    return context


def _greeted(context: ssl.SSLContext, server: str) -> bytes:
    """The first byte that the server sends after the handshake; none if it hangs up.

    Since TLS 1.3 a client is done with the handshake before its certificate was looked at.
    """
    with socket.create_connection(_address(server), _PATIENCE_S) as connection:
        with context.wrap_socket(connection, server_hostname=SERVER_NAME) as secure:
            return secure.recv(1)


def _address(server: str) -> tuple[str, int]:
    host, _, port = server.rpartition(":")
    return host.removeprefix("[").removesuffix("]"), int(port)


def _about_the_server(error: ssl.SSLCertVerificationError, server: str) -> str:
    """Why we do not accept the server's certificate; the codes are those of X.509 in OpenSSL."""
    match error.verify_code:
        case 9 | 10:
            try:
                found = ssl.get_server_certificate(_address(server), timeout=_PATIENCE_S)
                dates = _dates(found.encode())
            except OSError:
                dates = "at another time"
            return f"its certificate is valid {dates}: must be at {_now()}"
        case 62:
            return f"its certificate is for another name than {SERVER_NAME}: is no server's"
        case 26:
            return "its certificate is for another purpose: is no server's"
        case 7 | 18 | 19 | 20 | 21:
            return "its certificate is of another CA than ours: must be keys of one comlad keys"
    return f"its certificate is not accepted ({error.verify_message})"


def _about_us(keys: Keys | None) -> str:
    """Why the server does not accept our certificate, of which it says nothing."""
    if keys is None:
        return "it speaks TLS and wants a certificate: must be given --keys DIR"
    return (
        f"it does not accept {keys.directory / 'cert.pem'}, valid {_dates(keys.certificate)}: "
        f"must be a device's or a watcher's, of the server's CA, valid by the clock there; "
        f"it is {_now()}"
    )


def _now() -> str:
    return f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC by the clock here"


def _dates(certificate: bytes) -> str:
    """From when to when a certificate in PEM is valid, in UTC."""
    if not (found := _VALIDITY.search(ssl.PEM_cert_to_DER_cert(certificate.decode("ascii")))):
        return "from and to unknown dates"
    first, last = (datetime.strptime(time.decode(), "%y%m%d%H%M%S") for time in found.groups())
    return f"from {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC"
