"""Mutated messages against both doors: the server's inbox and the device's reading of a round.

python tests/fuzz.py [--messages 1000000] [--seed 0]

Honest messages of every way to tell indices and every form of values are taken apart into
their fields, which are dropped, repeated, renumbered, put in the place of others, or given
other contents and lengths; then bytes may be flipped, cut off or spliced. Nothing may come of
that but a vote that the compressor admits, or a refusal; and the address space is held, so
that nothing can be allocated by a message's word. The same seed gives the same messages.
"""

import argparse
import hashlib
import random
import re
import resource
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from samples import first_plan, permutation_of, small
from vector_samples import FORMS
from wire_trees import Nodes, broken, messed, parse, pool_of, write

from comlad.compression import mask_scope
from comlad.errors import MessageError, Status
from comlad.estimators import remembers
from comlad.experiment import Downlink, Prepared
from comlad.rounds import (
    Answered,
    ByteCount,
    Direction,
    Layer,
    Plan,
    device_messages,
    form_of,
    local_site,
)
from comlad.v1 import training_pb2 as pb
from comlad.wire import (
    Broadcast,
    Download,
    Inbox,
    broadcast_bound,
    decode_round,
    encode_ready,
    encode_reply,
    parse_response,
)

__all__ = ["STREAMS", "Fuzz", "Server", "Tally", "setups"]

# What arrives one after the other; most often one message.
Messages = list[bytes]

DEVICES, KEEP = 5, 12
SHORT, LONG = 40, 5000  # Q
STREAMS: tuple[tuple[int, ...], ...] = ((2,), (4, 0, 3))
INDICES = ("auto", "gaps", "bitmap", "rice", "seeded", "common")
DOWNLINKS = (
    Downlink(),
    Downlink("float32"),
    Downlink("float64", delta=True),
    Downlink("float32", delta=True, permutation="own"),
)
PIECE = 2**14  # the shortest chunk that is taken
# So many more bytes of address space than at the start are too many.
ROOM = 2**28
WARM, REPORT = 2000, 100_000  # messages
# What differs between refusals for one reason: digests, lists and numbers; and forms.
DETAILS = re.compile(
    r"(?<=digest )\w+|(?<=: must be )[0-9a-f]*$|\[[^a-z]*\]"
    r"|-?(?:\d[\d.]*(?:e[+-]\d+)?|\binf\b|\bnan\b)"
)
FORM = re.compile(r"^(?:dense|sparse|masked) .*")


def setups() -> dict[str, Prepared]:
    """An experiment for every way to tell indices and form of values; and for other ends.

    One has long vectors; two have an estimator with a memory.
    """
    prepared = {}
    for form, table in FORMS.items():
        prepared[f"dense {form}"] = _experiment(table)
        for index in INDICES:
            links = [{"kind": "random-sparsification", "keep": KEEP, "index": index}, table]
            prepared[f"{index} {form}"] = _experiment(links)
    prepared["long"] = _experiment(FORMS["float64"], LONG)
    # The first vectors of the one are whole, and of the other those of all its full rounds.
    top = {"kind": "top-k", "keep": KEEP}
    prepared["warm"] = _experiment(top, estimator={"kind": "byz-dm21", "start": "warm"})
    seeded = {"kind": "random-sparsification", "keep": KEEP, "index": "seeded"}
    prepared["marina"] = _experiment(seeded, estimator={"kind": "byz-vr-marina"})
    return prepared


class Door(Protocol):
    """Where messages arrive."""

    @property
    def name(self) -> str:
        """Whose it is."""

    @property
    def event(self) -> type[pb.TrainRequest] | type[pb.TrainResponse]:
        """What arrives."""

    @property
    def honest(self) -> list[Messages]:
        """What arrives where all are honest; first the two that matter most."""

    @property
    def plan(self) -> int:
        """The number of the plan that these are about."""

    def take(self, messages: Messages, rng: random.Random) -> str:
        """ "taken", or the reason why one was not; raises if a message does what it must not."""


class Server:
    """A server with an open round."""

    name, event = "server", pb.TrainRequest
    honest: list[Messages]

    def __init__(self, prepared: Prepared) -> None:
        self._prepared, self._plan = prepared, first_plan(prepared)
        self.plan = self._plan.number
        payloads, _ = device_messages(local_site(prepared), self._plan, {})
        replies = [
            encode_reply(self._plan, [payloads[device] for device in stream]) for stream in STREAMS
        ]
        self.honest = [[reply] for reply in replies] + [[encode_ready()]]
        self.honest += [in_chunks(self, reply) for reply in replies]
        self._renew()

    def take(self, messages: Messages, rng: random.Random) -> str:
        if rng.random() < 0.7:
            self._renew()
        inbox, stream = self._inbox, rng.choice(STREAMS)
        before = set(inbox.votes)
        verdicts = [verdict for data in messages for verdict in inbox.receive(stream, data)]
        self._received += sum(map(len, messages))
        assert self._counted.total(Direction.UP, Layer.MESSAGE) == self._received
        if not self._received % 8:  # which takes long
            assert min(self._counted.by_device()["up"]["message"]) >= 0
        for device in set(inbox.votes) - before:
            vote = inbox.votes[device]
            experiment = self._prepared.experiment
            form = form_of(experiment.estimator, experiment.compressor, self._plan, device)
            form.admit(vote, self._prepared.width)
            assert np.isfinite(vote.floats()).all()
            assert device in stream
        assert not set(inbox.votes) & set(inbox.refused)
        for verdict in verdicts:
            refusal = pb.TrainResponse.FromString(verdict.answer).refusal
            assert Status(refusal.status)
            assert refusal.reason == verdict.reason
        return verdicts[0].reason if verdicts else "taken"

    def _renew(self) -> None:
        self._received, self._counted = 0, ByteCount(DEVICES)
        self._inbox = Inbox(self._prepared, self._plan, self._counted)


class Device:
    """A device that was told a plan and waits for the next."""

    name, event = "device", pb.TrainResponse
    honest: list[Messages]

    def __init__(self, prepared: Prepared, downlink: Downlink) -> None:
        self._prepared, self._base = prepared, first_plan(prepared)
        plan = _next_plan(self._base, prepared, downlink)
        self.plan = plan.number
        broadcast = Broadcast(plan, downlink, self._base)
        whole = [broadcast.message([4, 1], told) for told in (None, self._base.number)]
        self.honest = [[message] for message in whole]
        self.honest += [in_chunks(self, message) for message in whole]

    def take(self, messages: Messages, rng: random.Random) -> str:
        download = Download(broadcast_bound(self._prepared.width, DEVICES, 2))
        for data in messages:
            try:
                plan = self._plan_of(data, download)
            except MessageError as error:
                return str(error)
            if plan is not None:
                assert plan.model.shape == (self._prepared.width,)
                assert len(plan.tasks) == 2
                assert (plan.permutation is None) != (plan.subsets is None)
                assert (plan.answered is None) == (self._base.answered is None)
                assert plan.answered is None or max(plan.answered).after <= plan.round
        return "taken"

    def _plan_of(self, data: bytes, download: Download) -> Plan | None:
        response = parse_response(data)
        if response.WhichOneof("event") == "chunk":
            whole = download.add(response.chunk)
            if whole is None:
                return None
            response = parse_response(whole)
        if response.WhichOneof("event") != "round":
            return None
        return decode_round(
            response.round,
            devices=2,
            device_count=DEVICES,
            dimension=self._prepared.width,
            coding=self._prepared.experiment.coding,
            scope=mask_scope(self._prepared.experiment.compressor),
            base=self._base,
            remembers=remembers(self._prepared.experiment.estimator),
        )


def in_chunks(door: Door, data: bytes) -> Messages:
    """A message of that door cut into chunks."""
    digest = hashlib.sha256(data).digest()
    chunks = [
        pb.Chunk(
            plan=door.plan,
            offset=start,
            data=data[start:end],
            sha256=digest if end == len(data) else b"",
        )
        for start, end in pairwise([*range(0, len(data), PIECE), len(data)])
    ]
    return [door.event(chunk=chunk).SerializeToString() for chunk in chunks]


@dataclass(slots=True)
class Tally:
    """What came of the messages at one kind of door: taken, or refused for which reasons."""

    taken: int = 0
    reasons: Counter[str] = field(default_factory=Counter)

    @property
    def refused(self) -> int:
        return self.reasons.total()


class Fuzz:
    """Doors of every kind and the mutated messages that come to them.

    Args:
        seed: What decides the messages.
    """

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(seed)
        experiments = setups()
        servers: list[Door] = [Server(prepared) for prepared in experiments.values()]
        devices: list[Door] = [
            Device(experiments[name], downlink)
            for name in ("auto float32", "seeded float32", "common float32", "long", "marina")
            for downlink in DOWNLINKS
        ]
        self._sides = [_Side(servers), _Side(devices)]
        self.tallies = {side.name: Tally() for side in self._sides}

    def run(self, messages: int) -> None:
        """Send so many more, three of four to servers.

        Raises:
            AssertionError: One did what it must not.
        """
        for _ in range(messages):
            side = self._sides[self._rng.random() > 0.75]
            door, mutated = side.draw(self._rng)
            try:
                came = door.take(mutated, self._rng)
            except Exception as error:
                sent = [data.hex() for data in mutated]
                raise AssertionError(
                    f"{error!r} from a {side.name} that was sent {sent}"
                ) from error
            if came == "taken":
                self.tallies[side.name].taken += 1
            else:
                reason = FORM.sub("a vector of another form", DETAILS.sub("#", came))
                self.tallies[side.name].reasons[reason] += 1


class _Side:
    """The doors of one kind, with what is sent to them taken apart."""

    def __init__(self, doors: Sequence[Door]) -> None:
        self.name = doors[0].name
        self._sent: list[tuple[Door, Messages, int, Nodes]] = [
            (door, messages, place, parse(message, door.event.DESCRIPTOR))
            for door in doors
            for messages in (*door.honest, *door.honest[:2] * 4)
            for place, message in enumerate(messages)
        ]
        self._pool = pool_of([nodes for *_, nodes in self._sent])

    def draw(self, rng: random.Random) -> tuple[Door, Messages]:
        """Messages of which one is mutated, and where they go."""
        door, messages, place, nodes = rng.choice(self._sent)
        for _ in range(rng.choice((1, 1, 1, 2, 3))):
            nodes = messed(nodes, self._pool, rng)
        data = write(nodes)
        if rng.random() < 0.1:
            data = broken(data, rng.choice(door.honest)[0], rng)
        if data and rng.random() < 0.1:
            return door, in_chunks(door, data)
        return door, [*messages[:place], data, *messages[place + 1 :]]


def _experiment(compressor: Any, dimension: int = SHORT, **changes: Any) -> Prepared:
    problem = {"kind": "linear-regression", "dimension": dimension}
    return small(compressor=compressor, problem=problem, **changes)


def _next_plan(base: Plan, prepared: Prepared, downlink: Downlink) -> Plan:
    """A plan after that one, with a model of which half has changed."""
    permutation, coding = permutation_of(base), prepared.experiment.coding
    own = downlink.permutation == "own"
    return replace(
        base,
        round=base.round + 1,
        number=base.number ^ 1,
        model=np.arange(len(base.model), dtype=np.float64) % 2,
        permutation=None if own else permutation,
        subsets=coding.subsets(base.tasks, permutation) if own else None,
        answered=None
        if base.answered is None
        else tuple(Answered(i % 2, i * 2**29) for i in range(5)),
    )


def _hold(room: int) -> None:
    """Let the program have so many more bytes of address space, and no more."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    used = pages * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + room, used + room))


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--messages", type=int, default=10**6)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    fuzz = Fuzz(options.seed)
    fuzz.run(WARM)
    _hold(ROOM)
    start, begun = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    for sent in range(0, options.messages, REPORT):
        fuzz.run(count := min(REPORT, options.messages - sent))
        rate = (sent + count) / (time.perf_counter() - begun)
        print(f"{sent + count} messages, {rate:.0f} a second", flush=True)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - start
    for name, tally in fuzz.tallies.items():
        print(
            f"\n{name}: {tally.taken} taken, {tally.refused} refused, {len(tally.reasons)} reasons"
        )
        for reason, count in tally.reasons.most_common():
            print(f"{count:>9} {reason}")
    print(f"\nat most {grown / 1024:.1f} MB more memory than after the first {WARM}")


if __name__ == "__main__":
    _main()
