import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import pytest

from comlad.errors import ConfigError
from comlad.rounds import Traffic
from comlad_server import _link
from comlad_server._link import Links
from comlad_server._stream import Stream
from comlad_server._tcp import find_connection

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="links are counted on Linux only")


async def write(_: bytes) -> None: ...


class Meter:
    """A connection with a peer at an address, over the interface that is called as ours is."""

    def __init__(self, interface: str) -> None:
        self.ends = (interface, "192.0.2.1")

    def read(self) -> tuple[int, int]:
        return 0, 0

    def close(self) -> None: ...


class Counters(dict[str, Traffic]):
    """Counters of interfaces, and the means to have them count."""

    def carry(self, name: str, up: int, down: int) -> None:
        before = self.get(name, Traffic(0, 0, 0, 0))
        self[name] = Traffic(before[0] + up, before[1] + down, before[2] + 2, before[3] + 1)


@pytest.fixture
def counters(monkeypatch: pytest.MonkeyPatch) -> Counters:
    counters = Counters()
    monkeypatch.setattr(_link, "_counters", lambda: dict(counters))
    monkeypatch.setattr(_link, "_interface", lambda here, _: here)
    return counters


def stream(interface: str, *devices: int) -> Stream:
    stream = Stream(devices, write)
    stream.count_with(Meter(interface))
    return stream


def entered(*streams: Stream) -> Links:
    links = Links()
    for stream in streams:
        links.enter(stream)
    return links


class TestLinks:
    def test_charges_an_interface_to_the_stream_that_has_it_to_itself(
        self, counters: Counters
    ) -> None:
        counters.carry("veth3", 1000, 1000)
        left, right = stream("veth3", 3), stream("veth7", 7, 5)
        links = entered(left, right)

        counters.carry("veth3", 100, 900)
        counters.carry("veth7", 10, 90)

        assert list(links.count([left, right], [])) == [
            ((3,), Traffic(100, 900, 2, 1)),
            ((7, 5), Traffic(10, 90, 2, 1)),
        ]

    def test_charges_a_shared_interface_to_all_its_devices_together(
        self, counters: Counters
    ) -> None:
        streams = [stream("eth0", 2), stream("eth0", 0, 1)]
        links = entered(*streams)

        counters.carry("eth0", 100, 900)

        assert list(links.count(streams, [])) == [((0, 1, 2), Traffic(100, 900, 2, 1))]

    def test_leaves_an_interface_for_later_while_others_on_it_are_not_counted(
        self, counters: Counters
    ) -> None:
        early, late = stream("eth0", 0), stream("eth0", 1)
        links = entered(early, late)
        counters.carry("eth0", 100, 900)

        assert list(links.count([late], [early])) == []
        ((_, traffic),) = links.count([early, late], [])
        assert traffic == Traffic(100, 900, 2, 1)

    def test_counts_what_was_carried_once(self, counters: Counters) -> None:
        only = stream("eth0", 0)
        links = entered(only)
        counters.carry("eth0", 100, 900)

        list(links.count([only], []))

        assert list(links.count([only], [])) == [((0,), Traffic(0, 0, 0, 0))]

    def test_gives_nothing_for_an_interface_that_went_away(self, counters: Counters) -> None:
        counters.carry("veth0", 100, 900)
        only = stream("veth0", 0)
        links = entered(only)

        del counters["veth0"]

        assert list(links.count([only], [])) == [((0,), None)]

    def test_gives_nothing_for_a_stream_whose_connection_was_not_found(self) -> None:
        only = Stream((0,), write)

        assert list(entered(only).count([only], [])) == [((0,), None)]

    def test_refuses_another_system_than_linux(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "platform", "darwin")

        with pytest.raises(ConfigError, match=r"^--count-link: must be Linux .*found darwin"):
            Links()


@contextmanager
def connection(host: str) -> Iterator[str]:
    """A connection of this process with itself; gives the peer's name as gRPC does.

    As the accepting end sees it, which is another name behind a masquerade: what comes
    from docker0's address is given that of another interface, even on this host.
    """
    with socket.create_server((host, 0)) as server:
        with socket.create_connection(server.getsockname()):
            with server.accept()[0] as accepted:
                yield "ipv4:{}:{}".format(*accepted.getpeername())


def own_addresses() -> list[str]:
    return [
        entry.address
        for entries in psutil.net_if_addrs().values()
        for entry in entries
        if entry.family == socket.AF_INET
    ]


# With any address of this host: the packets take the loopback all the same.
@pytest.mark.parametrize("host", own_addresses())
def test_no_link_carries_what_stays_on_this_host(host: str) -> None:
    with connection(host) as peer:
        local = Stream((0,), write)
        local.count_with(find_connection(peer))
        links = entered(local)

        assert local.ends == (host, peer.split(":")[1])
        assert list(links.count([local], [])) == [((0,), None)]
        local.close()
