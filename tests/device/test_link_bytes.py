import json
import sys
from pathlib import Path

import pytest

from comlad.errors import ConfigError
from comlad_device._link_bytes import Counters, counted_since, link_bytes, parse_counters

# As Linux aligns it, but for some spaces.
TABLE = """\
Inter-|   Receive                          |  Transmit
 face |bytes packets errs drop fifo frame compressed multicast|bytes packets errs drop fifo colls
    lo:    5000  50 0 0 0 0 0 0     5000  50 0 0 0 0 0 0
  eth0: 1234567 1000 0 0 0 0 0 0  765432 900 0 0 0 0 0 0
enp0s31f6:10 1 0 0 0 0 0 0 20 2 0 0 0 0 0 0
"""


def test_reads_every_interface_but_the_loopback() -> None:
    assert parse_counters(TABLE) == {
        "eth0": Counters(up=765432, down=1234567, up_packets=900, down_packets=1000),
        "enp0s31f6": Counters(up=20, down=10, up_packets=2, down_packets=1),
    }


class TestCountedSince:
    def test_is_what_was_carried_in_between(self) -> None:
        before, now = {"eth0": Counters(10, 20, 1, 2)}, {"eth0": Counters(110, 220, 5, 7)}

        assert counted_since(before, now) == {"eth0": Counters(100, 200, 4, 5)}

    def test_is_all_of_an_interface_that_is_new_or_made_anew(self) -> None:
        before = {"eth0": Counters(10, 20, 1, 2)}
        now = {"eth0": Counters(5, 220, 1, 7), "eth1": Counters(7, 7, 1, 1)}

        assert counted_since(before, now) == now

    def test_forgets_an_interface_that_has_gone(self) -> None:
        assert counted_since({"eth0": Counters(10, 20, 1, 2)}, {}) == {}


@pytest.mark.skipif(sys.platform != "linux", reason="counted on Linux only")
class TestLinkBytes:
    @pytest.mark.parametrize("ends", [KeyboardInterrupt, SystemExit, None])
    def test_are_written_however_the_program_ends(
        self, ends: type[BaseException] | None, tmp_path: Path
    ) -> None:
        file = tmp_path / "device-3.json"

        try:
            with link_bytes(file, lambda: (3, 4)):
                if ends is not None:
                    raise ends
        except (KeyboardInterrupt, SystemExit):
            pass

        written = json.loads(file.read_text())
        assert written["devices"] == [3, 4]
        assert min(written["up"], written["down"], *written["packets"].values()) >= 0
        assert list(tmp_path.iterdir()) == [file]

    def test_take_the_place_of_an_earlier_run_s_at_once(self, tmp_path: Path) -> None:
        file = tmp_path / "device-3.json"
        file.write_text("{}")

        with link_bytes(file, lambda: (3,)):
            assert not file.exists()

        assert json.loads(file.read_text())["devices"] == [3]

    def test_refuse_a_file_that_cannot_be_written_before_anything_starts(
        self, tmp_path: Path
    ) -> None:
        started = []

        with pytest.raises(ConfigError, match=r"^--link-bytes .*none/x.json: cannot be written"):
            with link_bytes(tmp_path / "none" / "x.json", lambda: (0,)):
                started.append(True)

        assert not started

    def test_refuse_another_system_than_linux(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sys, "platform", "darwin")

        with pytest.raises(ConfigError, match=r"^--link-bytes: must be Linux .*found darwin"):
            with link_bytes(tmp_path / "x.json", lambda: (0,)):
                pass


def test_nothing_is_counted_without_a_file() -> None:
    with link_bytes(None, lambda: pytest.fail("nobody asked")):
        pass
