"""A server that is killed in the middle of a run, again and again, and devices that outlive it."""

import random
import socket
import subprocess
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from cluster import PATIENCE_S, Server, devices, read_rounds, serving, wait_until

from comlad.config import inline
from comlad.experiment import process_groups, read_experiment

__all__ = ["free_address", "random_moments", "start_devices", "survive"]


def free_address() -> str:
    """Where servers can follow each other."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


def random_moments(seed: int, kills: int, rounds: int) -> list[int]:
    """After how many closed rounds to kill, in order; not among the last, which are soon over."""
    return sorted(random.Random(seed).sample(range(1, rounds - rounds // 5), kills))


def start_devices(
    stack: ExitStack, tables: dict[str, Any], address: str
) -> list[subprocess.Popen[str]]:
    """A process for all honest devices and one for those that lie."""
    experiment = read_experiment(tables)
    honest, liars = process_groups(experiment.devices, experiment.seed, per_process=1000)
    attack = dict(tables.get("attack", {}))
    words = ["--attack", attack.pop("kind", "")]
    for key, value in attack.items():
        words += ["--set", f"{key}={inline(value)}"]
    started = []
    for group, options, program in [
        *((group, (), "comlad_device") for group in honest),
        *((group, words, "comlad_device.byzantine") for group in liars),
    ]:
        ids = ",".join(map(str, group))
        started += stack.enter_context(devices(address, ids, options=options, program=program))
    return started


def survive(
    tables: dict[str, Any], directory: Path, moments: Sequence[int], every: int
) -> tuple[dict[str, Any], list[int]]:
    """Run an experiment with a server that is killed, and resumed each time.

    Args:
        tables: The experiment.
        directory: Of everything.
        moments: After how many closed rounds to kill it.
        every: Rounds from one checkpoint to the next.

    Returns:
        The summary of the last server, and how many rounds were closed at each kill.
    """
    address, killed = free_address(), []
    options = ("--resume", "--checkpoint-every", every)
    with ExitStack() as stack:
        processes = start_devices(stack, tables, address)
        for moment in moments:
            with serving(tables, directory, *options, listen=address) as server:
                _wait_for(server, moment)
                assert server.process.poll() is None
            killed.append(server.rounds_closed())
        with serving(tables, directory, *options, listen=address) as server:
            summary = server.finish()
        assert [process.wait(PATIENCE_S) for process in processes] == [0] * len(processes)
        rounds = [record["round"] for record in read_rounds(server.out)]
    assert rounds == list(range(tables["rounds"]))
    return summary, killed


def _wait_for(server: Server, moment: int) -> None:
    wait_until(lambda: server.rounds_closed() >= moment, f"{moment} rounds")
    time.sleep(random.Random(moment).uniform(0, 0.004))  # anywhere in a round
