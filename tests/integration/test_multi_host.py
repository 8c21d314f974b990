"""docs/multi-host.md: its walk, each host a directory of this machine, and its other commands."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest
from command_lines import commands_in, unknown_options

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "multi-host.md").read_text("utf-8")
# The walk is in sh blocks, what else there is in bash blocks.
WALK = re.findall(r"^```sh\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
BLOCKS = re.findall(r"^```(?:ba)?sh\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
PLACES = ["home", "server", "host-a", "host-b", "home", "home", "one machine"]

# Hosts are directories: copies with what the walk uses of scp.
SCP = f"""#!{sys.executable}
import shutil, sys
from pathlib import Path

hosts, *words = Path(sys.argv[0]).parent.parent, *sys.argv[1:]
words = [word for word in words if word != "-r"]

def local(word):
    host, colon, path = word.rpartition(".example.org:")
    return hosts / host / path if colon else Path(word)

*sources, target = map(local, words)
for source in sources:
    if source.is_dir():
        shutil.copytree(source, target / source.name)
    else:
        shutil.copy(source, target)
"""


@pytest.fixture
def hosts(tmp_path: Path) -> Path:
    """A directory for each place of the walk, and a way to copy between them."""
    for place in ("bin", *PLACES):
        (tmp_path / place).mkdir(exist_ok=True)
    (tmp_path / "bin" / "scp").write_text(SCP)
    (tmp_path / "bin" / "scp").chmod(0o755)
    (experiment,) = re.findall(r"^```toml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    experiment, changed = re.subn(r"(?m)^rounds = \d+$", "rounds = 20", experiment)
    assert changed == 1
    (tmp_path / "home" / "experiment.toml").write_text(experiment)
    return tmp_path


@contextmanager
def follow(hosts: Path, place: str, block: str, port: int) -> Iterator[subprocess.Popen[str]]:
    """Do what a block says, in its place; ended with the block, and all that it started."""
    block = block.replace("server.example.org:5757", f"127.0.0.1:{port}").replace("5757", str(port))
    programs = f"{hosts / 'bin'}:{Path(sys.executable).parent}"
    with subprocess.Popen(
        ["bash", "-euc", block],
        cwd=hosts / place,
        env={**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def complete(process: subprocess.Popen[str]) -> str:
    """Wait for its end; what it printed."""
    output, errors = process.communicate(timeout=100)
    assert process.returncode == 0, errors
    return output


def test_leads_from_bare_hosts_to_a_result(hosts: Path) -> None:
    port = free_port()
    keys, server, host_a, host_b, watch, result = zip(PLACES[:6], WALK[:6], strict=True)

    with follow(hosts, *keys, port) as process:
        complete(process)
    with ExitStack() as stack:
        running = [stack.enter_context(follow(hosts, *step, port)) for step in (server, watch)]
        watching = running[1].stdout
        assert watching is not None
        assert watching.readline()  # before there is a run that it could miss
        running += [stack.enter_context(follow(hosts, *step, port)) for step in (host_a, host_b)]
        for process in running:
            complete(process)
    with follow(hosts, *result, port) as process:
        output = complete(process)

    summary = json.loads((hosts / "home" / "out" / "summary.json").read_text())
    assert summary["transport"] == "mtls"
    assert summary["rounds"] == 20
    assert summary["loss"]["final"] < summary["loss"]["initial"]
    assert len(re.findall(r"[0-9a-f]{64}", output)) > 1
    assert len(set(re.findall(r"[0-9a-f]{64}", output))) == 1
    assert {path.name for path in (hosts / "host-b").iterdir()} == {
        *("device-3", "device-4", "device-5")
    }


def test_leads_to_a_result_on_one_machine(hosts: Path) -> None:
    shutil.copy(hosts / "home" / "experiment.toml", hosts / PLACES[-1])

    with follow(hosts, PLACES[-1], WALK[-1], free_port()) as process:
        output = complete(process)

    assert "model_sha256" in output
    assert len(WALK) == len(PLACES)


def test_programs_know_every_option_they_are_given() -> None:
    prose = re.sub(r"^```.*?^```", "", PAGE, flags=re.MULTILINE | re.DOTALL)
    texts = [*BLOCKS, *re.findall(r"`([^`\n]*comlad[^`\n]*)`", prose)]
    commands = [command for text in texts for command in commands_in(text)]

    assert len(commands) > 10
    for command in commands:
        assert not unknown_options(command), command


def test_links_to_files_that_are_there() -> None:
    for link in re.findall(r"\]\((?!https?:)([^)#]+)\)", PAGE):
        assert (ROOT / "docs" / link).exists(), link
