"""What gRPC lets a peer do, before anything that it says is looked at.

All of it is there so that a peer can take a stated amount of the server's memory,
descriptors and time, and no more. Names and effects are those of gRPC 1.80 to 1.85, tried
with the peers of tests/hostile.py; gRPC passes over in silence what it does not know.
"""

import logging
import resource

from comlad.experiment import Prepared
from comlad.wire import transport_bound

__all__ = ["CALLS_OF_A_CONNECTION", "connection_limit", "transport_options"]

logger = logging.getLogger(__name__)

# A device process needs two: its stream, and the dataset or what is held of it. With as many
# as a peer likes, 2000 silent calls took 45 MB and 10^5 calls reset at once 60 MB; with these
# 5 MB and 1 MB.
CALLS_OF_A_CONNECTION = 4
# Connections besides one of each device: watchers, probes, devices whose old connection is not
# known to be dead, and peers that have not said who they are.
_MORE_CONNECTIONS = 128
# Each connection is a socket and the duplicate by which its bytes are counted; the run's files
# and gRPC's own descriptors are some more.
_FILES_OF_A_CONNECTION, _OTHER_FILES = 2, 128


def transport_options(prepared: Prepared) -> list[tuple[str, int]]:
    """The options of a gRPC server that serves an experiment."""
    largest = transport_bound(prepared)
    return [
        # A second server on the port must fail, not share it.
        ("grpc.so_reuseport", 0),
        # A message is in memory before it is ours to judge: no more than can be a proper one.
        ("grpc.max_receive_message_length", largest),
        ("grpc.max_send_message_length", -1),
        # A stream may send a message ahead of what is read, and no more. Left to itself gRPC gives
        # a peer as much as it seems to need, which the peer can make seem anything. Over 50 ms
        # this is as fast, where 2^16 bytes, gRPC's first guess, were five times slower with
        # 8 MB to send, and 2^20 almost twice.
        ("grpc.http2.bdp_probe", 0),
        ("grpc.http2.lookahead_bytes", largest),
        ("grpc.max_concurrent_streams", CALLS_OF_A_CONNECTION),
        # Honest calls have 200 bytes of these; names and values of a flood would be kept.
        ("grpc.max_metadata_size", 2**12),
        ("grpc.absolute_max_metadata_size", 2**13),
        # Sockets that never say a word, or half of how TLS or HTTP/2 begin. Two minutes, if
        # nothing is said here.
        ("grpc.server_handshake_timeout_ms", 10_000),
        ("grpc.max_allowed_incoming_connections", connection_limit(prepared)),
        # Connections without a call hold one of those places.
        ("grpc.max_connection_idle_ms", 60_000),
        # Finds out about hosts that vanished in the middle of a call.
        ("grpc.keepalive_time_ms", 20_000),
        ("grpc.keepalive_timeout_ms", 10_000),
        # Devices do so, too; but who pings more often than this is sent away.
        ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
        ("grpc.http2.max_ping_strikes", 2),
    ]


def connection_limit(prepared: Prepared) -> int:
    """How many connections there may be at a time.

    Raises the process's limit of open files as far as that needs it: a server that runs
    out of them could not even write what it has.
    """
    wanted = prepared.experiment.devices.count + _MORE_CONNECTIONS
    files = _FILES_OF_A_CONNECTION * wanted + _OTHER_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < files:
        soft = files if hard == resource.RLIM_INFINITY else min(files, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft == resource.RLIM_INFINITY or soft >= files:
        return wanted
    limit = max((soft - _OTHER_FILES) // _FILES_OF_A_CONNECTION, 1)
    logger.warning("at most %d connections, for want of open files (ulimit -n %d)", limit, files)
    return limit
