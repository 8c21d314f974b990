"""The in-process engine: a whole cluster in one process, without a network.

Every value goes through the same wire code as over the network, so that the model
agrees to the last bit and the payload and message layers to the last byte.
"""

import time
from collections.abc import Callable
from typing import Any

from threadpoolctl import threadpool_limits

from comlad.errors import RoundError
from comlad.experiment import Prepared, process_groups
from comlad.rounds import Memories, device_messages, local_site
from comlad.session import Session
from comlad.wire import reply_messages
from comlad_server.results import Results, versions

__all__ = ["run_inprocess"]


def run_inprocess(
    prepared: Prepared,
    results: Results,
    per_process: int = 1,
    watch: Callable[[dict[str, Any]], None] = lambda _: None,
) -> dict[str, Any]:
    """Run an experiment to its end.

    Args:
        prepared: What is run.
        results: Where it is written.
        per_process: How many devices would share a process; decides the bytes of messages.
        watch: Called with events: every round's record.

    Returns:
        The contents of summary.json.

    Raises:
        ConfigError: The attack is a program of its own.
        RoundError: The run diverged; what it reached is written.
    """
    experiment = prepared.experiment
    honest, byzantine = process_groups(experiment.devices, experiment.seed, per_process)
    site = local_site(prepared)
    memories: Memories = {}
    # Another number of BLAS threads changes the last bits of products.
    with threadpool_limits(1):
        started = time.perf_counter()
        session, told = Session(prepared), None
        try:
            while not session.over:
                before = time.perf_counter()
                opened = session.open_round()
                payloads, memories = device_messages(site, opened.plan, memories)
                for group in (*honest, *byzantine):
                    opened.broadcast.charge(opened.counted, group, told)
                    answers = [payloads[device] for device in group]
                    if any(answer is not None for answer in answers):
                        for message in reply_messages(opened.plan, answers):
                            opened.inbox.receive(group, message)
                told = opened.plan.number
                record = session.close_round(opened)
                record["seconds"] = time.perf_counter() - before
                results.add_round(record)
                watch({"event": "round", **record})
        except BaseException as error:
            interrupted = isinstance(error, KeyboardInterrupt)
            session.failure = "interrupted" if interrupted else f"failed: {error}"
            raise
        finally:
            seconds = time.perf_counter() - started
            summary = session.summary("inprocess", seconds, versions())
            results.finish(summary, session.state.model)
    if session.failure is not None:
        raise RoundError(session.failure)
    return summary
