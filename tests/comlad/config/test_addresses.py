import pytest

from comlad.config import check_address, is_loopback
from comlad.errors import ConfigError


@pytest.mark.parametrize(
    "address", ["127.0.0.1:0", "127.8.9.10:5757", "[::1]:5757", "localhost:5757"]
)
def test_knows_this_machine(address: str) -> None:
    assert is_loopback(address)


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0:5757",
        "[::]:5757",
        "10.0.0.1:5757",
        "128.0.0.1:5757",
        "[2001:db8::1]:5757",
        "::1:5757",  # which may mean host ::1 or the address ::1:5757
        "localhost.example.org:5757",
        "example.org:5757",
        "127.0.0.1.example.org:5757",
        "dns:///localhost:5757",
        "ipv4:127.0.0.1:5757",
        "2130706433:5757",
        "*:5757",
    ],
)
def test_takes_nothing_else_for_it(address: str) -> None:
    assert not is_loopback(address)


@pytest.mark.parametrize(
    "address", ["0.0.0.0:0", "[::]:5757", "[fe80::1%eth0]:5757", "example.org:65535"]
)
def test_takes_a_host_and_a_port(address: str) -> None:
    check_address("--server", address)


@pytest.mark.parametrize(
    "address",
    [
        *("example.org", "example.org:", ":5757", "example.org:65536", "example.org:-1"),
        *("::1:5757", "2001:db8::1:5757", "[::1:5757", "http://example.org:5757"),
    ],
)
def test_refuses_what_is_none(address: str) -> None:
    with pytest.raises(ConfigError, match=r"^--server .*: must be HOST:PORT"):
        check_address("--server", address)
