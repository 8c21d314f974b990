"""deploy/kubernetes/hold.sh, which keeps a pod there after its run."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from cluster import wait_until

HOLD = Path(__file__).parent.parent.parent / "deploy" / "kubernetes" / "hold.sh"


@contextmanager
def held(over: Path, *command: str) -> Iterator[tuple[subprocess.Popen[str], IO[str]]]:
    """hold.sh with a command, and what they print."""
    words = ["sh", str(HOLD), str(over), *command]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process, process.stdout
        finally:
            process.terminate()


def test_ends_as_what_failed_did(tmp_path: Path) -> None:
    over = tmp_path / "over"
    over.touch()  # by a run before

    with held(over, "sh", "-c", "exit 3") as (process, _):
        assert process.wait(20) == 3
    assert not over.exists()


def test_waits_after_success_until_it_is_told_to_end(tmp_path: Path) -> None:
    over = tmp_path / "over"

    with held(over, "echo", "done") as (process, output):
        assert output.readline() == "done\n"
        wait_until(over.exists, "hold.sh to say that it is over")
        assert process.poll() is None
        process.terminate()
        assert process.wait(20) == 0


def test_passes_a_signal_on_and_waits_for_what_is_still_done(tmp_path: Path) -> None:
    saving = (
        "import signal, sys\n"
        "signal.signal(signal.SIGTERM, lambda *_: (print('saved', flush=True), sys.exit(7)))\n"
        "print('up', flush=True)\n"
        "while True: signal.pause()\n"
    )

    with held(tmp_path / "over", sys.executable, "-c", saving) as (process, output):
        assert output.readline() == "up\n"
        process.terminate()
        assert process.wait(20) == 7
        assert output.read() == "saved\n"
