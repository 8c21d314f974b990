import argparse
import json
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from comlad.logs import add_log_options

PROGRAM = """
import logging, sys
from comlad.logs import complain, start_logging
start_logging("info", sys.argv[1])
logging.getLogger("a.b").info("round %d:\\n%s", 3, "é", extra={"round": 3, "devices": [0, 1]})
logging.getLogger("a.b").debug("not this")
try:
    1 / 0
except ZeroDivisionError:
    logging.getLogger("a.b").exception("failed")
complain("program", "no such file", sys.argv[1])
assert ("pythonjsonlogger" in sys.modules) == (sys.argv[1] == "json")
"""


def stderr_of(form: str) -> list[str]:
    words = [sys.executable, "-c", PROGRAM, form]
    return subprocess.run(words, capture_output=True, text=True, check=True).stderr.splitlines()


def test_writes_a_json_object_a_line() -> None:
    first, failed, last = map(json.loads, stderr_of("json"))

    assert first.pop("time")
    assert first == {
        "level": "INFO",
        "logger": "a.b",
        "message": "round 3:\né",
        "round": 3,
        "devices": [0, 1],
    }
    assert "ZeroDivisionError" in failed["exc_info"]
    assert (last["logger"], last["level"], last["message"]) == ("program", "ERROR", "no such file")
    when = datetime.fromisoformat(last["time"])
    assert when.utcoffset() == UTC.utcoffset(None)
    assert abs((datetime.now(UTC) - when).total_seconds()) < 60


def test_writes_lines_for_people() -> None:
    lines = stderr_of("text")

    assert lines[0].endswith("INFO round 3:")
    assert lines[-1] == "program: no such file"


def test_has_the_options_of_every_program() -> None:
    parser = argparse.ArgumentParser()
    add_log_options(parser)

    defaults = vars(parser.parse_args([]))

    assert defaults == {"log_level": "info", "log_format": "text"}
    with pytest.raises(SystemExit):
        parser.parse_args(["--log-format", "xml"])
