"""What the kernel counted on a TCP connection of this process, from its TCP_INFO.

gRPC does not hand out its sockets; they are found among the process's open files by
their addresses. Only on Linux: elsewhere, and where a connection is not to be found,
there is no count, never a guess.
"""

import os
import socket
import stat
import struct
import sys
from contextlib import suppress
from ipaddress import ip_address
from typing import Protocol
from urllib.parse import unquote

__all__ = ["TcpMeter", "find_connection", "plain_address"]

# Offsets in Linux's struct tcp_info, stable since 4.19 (include/uapi/linux/tcp.h).
_BYTES_RECEIVED = 128
_BYTES_SENT = 200
_INFO_SIZE = 208


class TcpMeter(Protocol):
    """Counts of one connection, as the server sees it."""

    @property
    def ends(self) -> tuple[str, str]:
        """The IP addresses of this end and of the peer's."""

    def read(self) -> tuple[int, int]:
        """Bytes received and sent so far, retransmissions included."""

    def close(self) -> None:
        """Stop counting."""


class _SocketMeter:
    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self.ends = (
            plain_address(connection.getsockname()[0]),
            plain_address(connection.getpeername()[0]),
        )

    def read(self) -> tuple[int, int]:
        info = self._connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _INFO_SIZE)
        (received,) = struct.unpack_from("=Q", info, _BYTES_RECEIVED)
        (sent,) = struct.unpack_from("=Q", info, _BYTES_SENT)
        return received, sent

    def close(self) -> None:
        self._connection.close()


def find_connection(peer: str) -> TcpMeter | None:
    """The meter of the connection with a peer, named as gRPC does: "ipv4:127.0.0.1:4711".

    The meter holds a duplicate of the descriptor, so that it cannot come to mean
    another connection; who asked for it closes it.
    """
    if sys.platform != "linux" or not (address := _address(peer)):
        return None
    try:
        names = os.listdir("/proc/self/fd")
    except OSError:
        return None
    for name in names:
        connection = _duplicate(int(name))
        if connection is not None:
            with suppress(OSError):
                if _is_connection_with(connection, address):
                    return _SocketMeter(connection)
            connection.close()
    return None


def _duplicate(descriptor: int) -> socket.socket | None:
    """A second descriptor of the same socket; None if it is no socket or closed meanwhile."""
    try:
        if not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
            return None
        return socket.socket(fileno=os.dup(descriptor))
    except OSError:
        return None


def _address(peer: str) -> tuple[str, int] | None:
    family, _, rest = peer.partition(":")
    host, _, port = unquote(rest).rpartition(":")
    if family not in ("ipv4", "ipv6") or not port.isdigit():
        return None
    return plain_address(host.strip("[]")), int(port)


def _is_connection_with(connection: socket.socket, address: tuple[str, int]) -> bool:
    if connection.family not in (socket.AF_INET, socket.AF_INET6):
        return False
    host, port, *_ = connection.getpeername()
    info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _INFO_SIZE)
    return (plain_address(host), port) == address and len(info) == _INFO_SIZE


def plain_address(host: str) -> str:
    """One spelling of an address: an IPv4 address in IPv6 clothes is the IPv4 address."""
    address = ip_address(host.partition("%")[0])
    return str(getattr(address, "ipv4_mapped", None) or address)
