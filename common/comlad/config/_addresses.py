"""HOST:PORT as people write it."""

from comlad.errors import ConfigError

__all__ = ["check_address"]


def check_address(option: str, address: str) -> None:
    """Raise ConfigError unless the address is HOST:PORT, such as 10.0.0.1:5757 or [::1]:5757."""
    host, colon, port = address.rpartition(":")
    if not (host and colon and port.isascii() and port.isdigit() and int(port) < 2**16):
        raise ConfigError(f"{option} {address}: must be HOST:PORT with a port from 0 to 65535")
