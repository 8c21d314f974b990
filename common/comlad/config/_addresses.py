"""HOST:PORT as people write it."""

from ipaddress import ip_address

from comlad.errors import ConfigError

__all__ = ["check_address", "is_loopback"]


def check_address(option: str, address: str) -> None:
    """Raise ConfigError unless the address is HOST:PORT, such as 10.0.0.1:5757 or [::1]:5757."""
    host, colon, port = address.rpartition(":")
    if not (host and colon and port.isascii() and port.isdigit() and int(port) < 2**16):
        raise ConfigError(f"{option} {address}: must be HOST:PORT with a port from 0 to 65535")
    # Of an address without brackets nobody knows where the port begins; gRPC takes none for it.
    if "/" in host or (":" in host and not (host.startswith("[") and host.endswith("]"))):
        raise ConfigError(
            f"{option} {address}: must be HOST:PORT, an IPv6 address in brackets: [::1]:5757"
        )


def is_loopback(address: str) -> bool:
    """Whether HOST:PORT is this machine's own, which nobody else can reach or pretend to be.

    Of names only localhost is: what another one means is up to whoever answers for it.
    """
    host = address.rpartition(":")[0]
    if host == "localhost":
        return True
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        return False
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
