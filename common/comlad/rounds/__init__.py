"""A round of training as pure functions: what devices are told, send, and what becomes of it.

    plan = plan_round(prepared, state)                      # the server
    payloads, memory = device_messages(site, plan, memory)  # each device process
    votes = dict(zip(site.devices, payloads))               # of all processes
    state, outcome = close_round(prepared, plan, state, votes)  # the server

Same inputs, same outputs, to the last bit: who carries the values in between, and in
which order they arrive, makes no difference.
"""

from comlad.rounds._attendance import Attendance, read_attendance
from comlad.rounds._bytes import ByteCount, Direction, Layer
from comlad.rounds._close import Outcome, close_round
from comlad.rounds._devices import device_message, device_messages
from comlad.rounds._forms import form_of, forms
from comlad.rounds._framing import Traffic
from comlad.rounds._memories import DeviceMemory, Memories, after_close, recovered
from comlad.rounds._plan import (
    MASK_KEY_BYTES,
    Answered,
    Plan,
    State,
    initial_state,
    plan_round,
)
from comlad.rounds._quorum import lacks
from comlad.rounds._recollection import Recollection
from comlad.rounds._report import Report, model_sha256, round_record
from comlad.rounds._shadows import spied_on
from comlad.rounds._simulate import simulate
from comlad.rounds._site import Secrets, Site, local_site, nobody
from comlad.rounds._snapshot import Snapshot, experiment_sha256

__all__ = [
    "MASK_KEY_BYTES",
    "Answered",
    "Attendance",
    "ByteCount",
    "DeviceMemory",
    "Direction",
    "Layer",
    "Memories",
    "Outcome",
    "Plan",
    "Recollection",
    "Report",
    "Secrets",
    "Site",
    "Snapshot",
    "State",
    "Traffic",
    "after_close",
    "close_round",
    "device_message",
    "device_messages",
    "experiment_sha256",
    "form_of",
    "forms",
    "initial_state",
    "lacks",
    "local_site",
    "model_sha256",
    "nobody",
    "plan_round",
    "read_attendance",
    "recovered",
    "round_record",
    "simulate",
    "spied_on",
]
