"""An HTTP/2 connection of which every byte is ours, for peers that do what no library would."""

import itertools
import socket
import struct

__all__ = ["PREFACE", "Connection", "framed"]

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
# Kinds of frames and flags of RFC 9113, section 6.
_DATA, _HEADERS, _RST_STREAM, _SETTINGS, _PING, _GOAWAY, _WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
_END_STREAM, _ACK, _END_HEADERS = 1, 1, 4
_INITIAL_WINDOW_SIZE = 4  # a setting
_FIRST_WINDOW, _LARGEST_WINDOW, _LARGEST_FRAME = 2**16 - 1, 2**31 - 1, 2**14
_CANCEL = 8


def framed(message: bytes) -> bytes:
    """A message as gRPC puts it into a stream."""
    return struct.pack(">BI", 0, len(message)) + message


class Connection:
    """A connection with a gRPC server, which may always send as much as it wants.

    Args:
        address: HOST:PORT.
        receive_buffer: Bytes that the kernel takes in for us, where not as many as it likes.
        patience_s: How long it waits for the server before it raises TimeoutError.
    """

    def __init__(
        self, address: str, receive_buffer: int | None = None, patience_s: float = 30.0
    ) -> None:
        host, _, port = address.rpartition(":")
        self._socket = socket.socket()
        if receive_buffer is not None:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self._socket.settimeout(patience_s)
        self._socket.connect((host, int(port)))
        self._numbers = itertools.count(1, 2)
        self._coming = bytearray()
        self._messages: dict[int, bytearray] = {}
        self._first_room = _FIRST_WINDOW
        self._room = {0: _FIRST_WINDOW}  # what may be sent: in all, and on each open stream
        settings = struct.pack(">HI", _INITIAL_WINDOW_SIZE, _LARGEST_WINDOW)
        more = struct.pack(">I", _LARGEST_WINDOW - _FIRST_WINDOW)
        self.send(PREFACE + _frame(_SETTINGS, 0, 0, settings) + _frame(_WINDOW_UPDATE, 0, 0, more))

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._socket.sendall(data)

    def call(self, path: str) -> int:
        """Begin a call; gives its stream."""
        stream = next(self._numbers)
        self._room[stream] = self._first_room
        self.send(_request(stream, path))
        return stream

    def calls_reset(self, path: str, count: int) -> bytes:
        """The bytes of so many calls, each reset where it begins."""
        reset = struct.pack(">I", _CANCEL)
        return b"".join(
            _request(stream, path) + _frame(_RST_STREAM, 0, stream, reset)
            for stream in itertools.islice(self._numbers, count)
        )

    def pings(self, count: int) -> bytes:
        """The bytes of so many pings."""
        return _frame(_PING, 0, 0, bytes(8)) * count

    def write(self, stream: int, data: bytes) -> None:
        """Send bytes on a stream as fast as the server lets us.

        Raises:
            ConnectionError: The stream or the connection has ended.
        """
        for start in range(0, len(data), _LARGEST_FRAME):
            piece = data[start : start + _LARGEST_FRAME]
            while self.is_open(stream) and min(self._room[0], self._room[stream]) < len(piece):
                self.read()
            if not self.is_open(stream):
                raise ConnectionResetError("the stream has ended")
            self._room[0] -= len(piece)
            self._room[stream] -= len(piece)
            self.send(_frame(_DATA, 0, stream, piece))

    def end(self, stream: int) -> None:
        """Say that nothing more will come on a stream."""
        self.send(_frame(_DATA, _END_STREAM, stream, b""))

    def is_open(self, stream: int) -> bool:
        """Whether the server has not ended the stream, as far as we have read."""
        return stream in self._room

    def message(self, stream: int) -> bytes:
        """The next message of a stream."""
        came = self._messages.setdefault(stream, bytearray())
        while len(came) < 5 or len(came) < 5 + int.from_bytes(came[1:5], "big"):
            if not self.is_open(stream):
                raise ConnectionResetError("the stream has ended")
            self.read()
        size = 5 + int.from_bytes(came[1:5], "big")
        taken = bytes(came[5:size])
        del came[:size]
        return taken

    def read(self) -> None:
        """Take one frame; of data only what `message` has been asked for is kept.

        Raises:
            ConnectionError: The connection has ended.
        """
        head = self._exactly(9)
        kind, flags, stream = struct.unpack(">BBI", head[3:])
        payload = self._exactly(int.from_bytes(head[:3], "big"))
        match kind:
            case 0 if stream in self._messages:
                self._messages[stream] += payload
            case 4 if not flags & _ACK:
                self._settle(payload)
            case 6 if not flags & _ACK:
                self.send(_frame(_PING, _ACK, 0, payload))
            case 7:
                raise ConnectionResetError(f"sent away: {payload[8:]!r}")
            case 8 if stream in self._room:
                self._room[stream] += int.from_bytes(payload, "big")
        if kind == _RST_STREAM or (kind in (_DATA, _HEADERS) and flags & _END_STREAM):
            self._room.pop(stream, None)

    def close(self) -> None:
        self._socket.close()

    def __enter__(self) -> "Connection":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _settle(self, settings: bytes) -> None:
        for name, value in struct.iter_unpack(">HI", settings):
            if name == _INITIAL_WINDOW_SIZE:
                for stream in self._room.keys() - {0}:
                    self._room[stream] += value - self._first_room
                self._first_room = value
        self.send(_frame(_SETTINGS, _ACK, 0, b""))

    def _exactly(self, count: int) -> bytes:
        while len(self._coming) < count:
            if not (came := self._socket.recv(2**16)):
                raise ConnectionResetError("the server has closed the connection")
            self._coming += came
        taken = bytes(self._coming[:count])
        del self._coming[:count]
        return taken


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "big") + struct.pack(">BBI", kind, flags, stream) + payload


def _request(stream: int, path: str) -> bytes:
    """The head of a call, every field written out (RFC 7541, section 6.2.2)."""
    fields = {
        ":method": "POST",
        ":scheme": "http",
        ":path": path,
        ":authority": "comlad-server",
        "te": "trailers",
        "content-type": "application/grpc",
    }
    block = b"".join(
        b"\0" + bytes([len(name)]) + name.encode() + bytes([len(value)]) + value.encode()
        for name, value in fields.items()
    )
    return _frame(_HEADERS, _END_HEADERS, stream, block)
