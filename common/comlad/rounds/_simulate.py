"""A whole run in this process, without messages: for who wants the model and not the bytes."""

from collections.abc import Callable, Iterator, Sequence

from comlad.compression import Payload
from comlad.errors import MessageError
from comlad.experiment import Prepared
from comlad.rounds._close import Outcome, close_round
from comlad.rounds._devices import device_messages
from comlad.rounds._forms import form_of
from comlad.rounds._memories import Memories, after_close
from comlad.rounds._plan import Plan, State, initial_state, plan_round
from comlad.rounds._site import local_site

__all__ = ["simulate"]


def simulate(
    prepared: Prepared, watch: Callable[[Plan, Sequence[Payload | None]], object] | None = None
) -> Iterator[tuple[State, Outcome]]:
    """The state after every round, as an engine that moves messages would reach it, to the bit.

    Unlike those it goes on where the loss is no longer finite. BLAS must be held at one
    thread, as for any run.

    Args:
        prepared: What is run.
        watch: Called with the plan of every round and what each device sends.

    Raises:
        ConfigError: The attack is a program of its own.
    """
    state, site = initial_state(prepared), local_site(prepared)
    memories: Memories = {}
    for _ in range(prepared.experiment.rounds):
        plan = plan_round(prepared, state)
        before = memories
        payloads, memories = device_messages(site, plan, before)
        if watch is not None:
            watch(plan, payloads)
        lying, votes, refused = site.liars(plan.round), {}, 0
        for device, payload in zip(site.devices, payloads, strict=True):
            if payload is not None and (
                device not in lying or _admitted(prepared, plan, device, payload)
            ):
                votes[device] = payload
            elif payload is not None:
                refused += 1
        state, outcome = close_round(prepared, plan, state, votes, refused)
        memories = after_close(before, memories, state)
        yield state, outcome


def _admitted(prepared: Prepared, plan: Plan, device: int, payload: Payload) -> bool:
    """Whether the server would take a liar's payload. One not finite is left to the rule."""
    experiment = prepared.experiment
    form = form_of(experiment.estimator, experiment.compressor, plan, device)
    try:
        form.admit(payload, prepared.width)
    except MessageError:
        return False
    return True
