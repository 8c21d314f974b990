import shutil
import sys
from collections.abc import Callable

import pytest

from comlad.errors import ConfigError
from comlad_deploy.networks import bits_per_second, shaped_network


@pytest.mark.parametrize(
    ("rate", "bits"),
    [("10mbit", 10**7), ("1gbit", 10**9), ("500kbit", 500_000), ("2.5mbit", 2_500_000)],
)
def test_reads_a_rate(rate: str, bits: int) -> None:
    assert bits_per_second("--uplink", rate) == bits


@pytest.mark.parametrize(
    "rate",
    ["", "10", "mbit", "10 mbit", "10Mbit", "-1mbit", "0mbit", "1e3kbit", "101gbit", "\u0661mbit"],
)
def test_refuses_what_is_no_rate(rate: str) -> None:
    with pytest.raises(ConfigError, match=f"^--downlink {rate}: must be a rate from 1kbit"):
        bits_per_second("--downlink", rate)


@pytest.mark.parametrize("devices", [0, 16_385])
def test_refuses_more_links_than_there_are(devices: int) -> None:
    with pytest.raises(ConfigError, match=f"^{devices} device processes: must be 1 to 16384"):
        with shaped_network(devices):
            pass


def test_says_which_programs_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    which: Callable[[str], str | None] = shutil.which
    monkeypatch.setattr(shutil, "which", lambda name: None if name == "tc" else which(name))

    with pytest.raises(ConfigError, match=r"^shaped links: must have .*missing here:.*\btc"):
        with shaped_network(1):
            pass


def test_says_that_it_needs_linux(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")

    with pytest.raises(ConfigError, match=r"missing here: Linux \(this is darwin\)$"):
        with shaped_network(1):
            pass
