"""A server and device processes with a narrow link each, on this machine (Linux, root).

    with shaped_network(process_count(experiment), uplink="10mbit") as network:
        await run_processes(prepared, directory, network=network)

Every program gets a network namespace, and each device process a veth pair of its own
to the server's. Nothing is made in the namespace of the host.
"""

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Network

from comlad.errors import ConfigError
from comlad_deploy.namespaces import check_means, inside, keep_order, namespace, run_batch

__all__ = ["Network", "bits_per_second", "shaped_network"]

_UNITS = {"kbit": 10**3, "mbit": 10**6, "gbit": 10**9}
_FRAME_BYTES = 1514  # of an MTU of 1500 with its Ethernet header
_LINKS = list(IPv4Network("10.77.0.0/16").subnets(new_prefix=30))


@dataclass(frozen=True, slots=True)
class Network:
    """A server and devices in namespaces of their own.

    Args:
        server: The process that holds the server's namespace.
        devices: Those that hold the device processes'.
    """

    server: int
    devices: tuple[int, ...]

    def on_server(self, command: list[str]) -> list[str]:
        """A command for the server's namespace."""
        return inside(self.server, command)

    def on_device(self, index: int, command: list[str]) -> list[str]:
        """A command for the namespace of a device process, by its index."""
        return inside(self.devices[index], command)

    def server_host(self, index: int) -> str:
        """The server's address on the link of a device process."""
        return str(_LINKS[index][1])

    def cut(self, index: int) -> None:
        """Have the link of a device process carry nothing; neither end is told."""
        run_batch("ip", self.server, [f"link set {_server_end(index)} down"])

    def restore(self, index: int) -> None:
        """Have it carry again."""
        run_batch("ip", self.server, [f"link set {_server_end(index)} up"])


@contextmanager
def shaped_network(
    devices: int, uplink: str | None = None, downlink: str | None = None
) -> Iterator[Network]:
    """Make the namespaces and links; they go with the block and what runs in them.

    Args:
        devices: How many device processes.
        uplink: What each link carries to the server, such as "10mbit"; None: as much as
            the machine can.
        downlink: The same from the server.

    Raises:
        ConfigError: A rate is none, or this system or user cannot do it; nothing was started.
    """
    up = bits_per_second("--uplink", uplink)
    down = bits_per_second("--downlink", downlink)
    if not 1 <= devices <= len(_LINKS):
        raise ConfigError(f"{devices} device processes: must be 1 to {len(_LINKS)} links")
    check_means()
    with ExitStack() as stack:
        server = stack.enter_context(namespace(_backlog(down)))
        holders = [stack.enter_context(namespace(_backlog(up))) for _ in range(devices)]
        network = Network(server, tuple(holders))
        _connect(network, up, down)
        yield network


def bits_per_second(option: str, rate: str | None) -> int | None:
    """The number in a rate such as "500kbit", "2.5mbit" or "1gbit"; units are decimal.

    Raises:
        ConfigError: It is none, or not from 1kbit to 100gbit.
    """
    if rate is None:
        return None
    if match := re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)(kbit|mbit|gbit)", rate):
        bits = round(float(match[1]) * _UNITS[match[2]])
        if 10**3 <= bits <= 10**11:
            return bits
    raise ConfigError(f"{option} {rate}: must be a rate from 1kbit to 100gbit, such as 10mbit")


def _connect(network: Network, up: int | None, down: int | None) -> None:
    """Join each device's namespace to the server's, and narrow both ends of what joins them."""
    ours, queues = ["link set lo up"], []
    for index, holder in enumerate(network.devices):
        name = _server_end(index)
        ours.append(f"link add {name} type veth peer name eth0 netns {holder}")
        ours += _configure(name, f"{_LINKS[index][1]}/30")
        queues += _narrow(name, down)
    run_batch("ip", network.server, ours)
    run_batch("tc", network.server, queues)
    keep_order(network.server, [_server_end(index) for index in range(len(network.devices))])
    for index, holder in enumerate(network.devices):
        theirs = ["link set lo up", *_configure("eth0", f"{_LINKS[index][2]}/30")]
        run_batch("ip", holder, theirs)
        run_batch("tc", holder, _narrow("eth0", up))
        keep_order(holder, ["eth0"])


def _server_end(index: int) -> str:
    """What the link of a device process is called in the server's namespace."""
    return f"device{index}"


def _configure(name: str, address: str) -> list[str]:
    # Packets as long as a wire's: otherwise a veth carries, and counts, 64 kB at a time.
    return [
        f"address add {address} dev {name}",
        f"link set {name} mtu 1500 gso_max_segs 1 up",
    ]


def _narrow(name: str, rate: int | None) -> list[str]:
    if rate is None:
        return []
    # A bucket of 2 ms: the timer that refills it may be late by that on a busy machine
    # without loss of rate, and a message of many packets is not faster than the rate.
    burst = max(_bytes_in(rate, 0.002), 2 * _FRAME_BYTES)
    # A packet that a queue of the sender's own host drops was counted as sent, and is sent
    # again: so the queue has room for all that the connection on this link may put there,
    # which is what keeps it short. The rest is for acknowledgements and a second connection.
    limit = 2 * _backlog(rate) + burst
    return [f"qdisc add dev {name} root tbf rate {rate}bit burst {burst} limit {limit}"]


def _backlog(rate: int | None) -> int:
    """How much a connection may have in its host's queues: 10 ms, at least 8 packets.

    In the kernel's own bytes, of which a packet takes up to 2304. Its default of 4 MiB is half
    a minute at 1 Mbit/s; a queue of 50 ms instead dropped a third of what a connection sent first.
    """
    return max(_bytes_in(rate or 10**9, 0.010), 8 * 2304)


def _bytes_in(rate: int, seconds: float) -> int:
    return int(rate / 8 * seconds)
