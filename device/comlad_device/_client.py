"""A device process's end of the connection."""

import asyncio
import logging
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import grpc
import grpc.aio
from threadpoolctl import threadpool_limits

from comlad.attacks import Attack
from comlad.compression import mask_scope
from comlad.config import write_ids
from comlad.errors import MessageError
from comlad.estimators import remembers
from comlad.problems import Arrays
from comlad.rounds import (
    Plan,
    Recollection,
    Secrets,
    Site,
    device_messages,
    nobody,
)
from comlad.wire import (
    Download,
    Welcome,
    broadcast_bound,
    decode_dataset,
    decode_round,
    decode_welcome,
    encode_join,
    encode_ready,
    reply_messages,
)
from comlad_device._fetching import SERVICE, TooLateError, fetch_dataset, fetch_held
from comlad_device._lateness import Lateness
from comlad_device._stream import Stream
from comlad_device.connection import (
    FIRST_PAUSE_S,
    LONGEST_PAUSE_S,
    ServerRefusedError,
    connected,
)

__all__ = ["Client"]

logger = logging.getLogger(__name__)

# Reasons to try again; any other status means that trying again is no use.
_PASSING = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED}


@dataclass
class Client:
    """Serves some devices until the server says that the run is over.

    Args:
        server: HOST:PORT.
        devices: Their ids; none: those that the certificate names, which the server tells.
        attack: What those that lie send instead.
        liars: Which devices lie in a round; None: all, where there is an attack.
        secrets: What everybody draws from, for an attack that is to know it; None: it does not.
        keys: Where the keys are that make it TLS; they are read again for every connection.
        give_up_s: How long to wait for a server that is not there; None: for ever.
    """

    server: str
    devices: tuple[int, ...] = ()
    attack: Attack | None = None
    liars: Callable[[int], frozenset[int]] | None = None
    secrets: Secrets | None = None
    keys: Path | None = None
    give_up_s: float | None = None
    _welcome_before: Welcome | None = None
    _pause_s: float = FIRST_PAUSE_S
    _datasets: dict[bytes, Arrays] = field(default_factory=dict)
    _recollection: Recollection = field(default_factory=Recollection)

    async def run(self) -> int:
        """Take part; gives the number of rounds that the run had.

        Waits for a server that is not there, and comes back to one that went away.

        Raises:
            ServerRefusedError: Trying again would be no use.
            NoServerError: There was none for too long.
            ConfigError: The keys cannot be read.
        """
        while True:
            async with connected(self.server, self.keys, self.give_up_s) as channel:
                try:
                    return await self._take_part(channel)
                except grpc.aio.AioRpcError as error:
                    # Once it was welcome, it can only be itself that is connected already:
                    # the server has not noticed yet that the old stream broke.
                    taken = error.code() == grpc.StatusCode.ALREADY_EXISTS and self._welcome_before
                    if error.code() not in _PASSING and not taken:
                        raise ServerRefusedError(
                            f"{error.code().name}: {error.details()}"
                        ) from error
                    logger.warning("lost the server (%s); trying again", error.details())
                except MessageError as error:
                    raise ServerRefusedError(f"not understood: {error}") from error
            # Up to twice as long, so that devices that were lost together do not all
            # come back together.
            await asyncio.sleep(self._pause_s * random.uniform(1, 2))
            self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)

    async def _take_part(self, channel: grpc.aio.Channel) -> int:
        """One stream from Join to Finished."""
        stream = Stream(channel.stream_stream(f"/{SERVICE}/Train")())
        try:
            await stream.write(encode_join(self.devices))
            welcome, site = await self._welcome(channel, stream)
            await stream.write(encode_ready())
            ids = write_ids(welcome.devices)
            logger.info("takes part as devices %s", ids, extra={"devices": list(welcome.devices)})
            return await self._rounds(channel, stream, welcome, site)
        finally:
            stream.cancel()

    async def _rounds(
        self, channel: grpc.aio.Channel, stream: Stream, welcome: Welcome, site: Site
    ) -> int:
        """Answer every round; gives how many there were."""
        count = len(welcome.devices)
        numbers = welcome.dimension, welcome.device_count, count
        download = Download(broadcast_bound(*numbers))
        plan, lateness = None, Lateness()
        coming = asyncio.create_task(stream.next(download))
        try:
            while True:
                response = await coming
                match response.WhichOneof("event"):
                    case "round":
                        plan = decode_round(
                            response.round,
                            devices=count,
                            device_count=welcome.device_count,
                            dimension=welcome.dimension,
                            coding=welcome.coding,
                            scope=mask_scope(welcome.compressor),
                            base=plan,
                            remembers=remembers(welcome.estimator),
                        )
                        del response  # a model that the plan has as well
                        # Read on: a server that hangs up in mid-answer has said why before.
                        coming = asyncio.create_task(stream.next(download))
                        if await lateness.overtaken(coming):
                            continue
                        try:
                            await self._restore(channel, site, plan)
                        except TooLateError:
                            continue  # a newer round is on its way
                        try:
                            await self._answer(stream, site, plan)
                        except grpc.aio.AioRpcError:
                            await asyncio.wait([coming])
                            if coming.exception() is not None:
                                raise
                    case "finished":
                        await stream.ended()  # let the server hang up first
                        return response.finished.rounds
                    case other:
                        raise MessageError(f"{other or 'nothing'} in the middle of a run")
        finally:
            coming.cancel()

    async def _restore(self, channel: grpc.aio.Channel, site: Site, plan: Plan) -> None:
        """Ask for what the server holds of devices that have lost their memory."""
        _, lost = self._recollection.before(plan, site)
        for slot in lost:
            assert plan.answered is not None  # else nothing is remembered
            device = site.devices[slot]
            logger.info("device %d begins from what the server holds", device)
            memory = await fetch_held(channel, site, plan, slot)
            self._recollection.restore(device, plan.answered[slot], memory)

    async def _answer(self, stream: Stream, site: Site, plan: Plan) -> None:
        """Remember what the devices learn, and send what they have to say."""
        memories, _ = self._recollection.before(plan, site)
        payloads, memories = device_messages(site, plan, memories)
        # Before it is sent: the server says whether it counts, and may have it when we are told
        # that the connection broke.
        self._recollection.keep(plan.round, memories)
        if any(payload is not None for payload in payloads):
            for message in reply_messages(plan, payloads):
                await stream.write(message)

    async def _welcome(self, channel: grpc.aio.Channel, stream: Stream) -> tuple[Welcome, Site]:
        response = await stream.read()
        if response.WhichOneof("event") != "welcome":
            raise MessageError("a stream that does not begin with Welcome")
        welcome = decode_welcome(response.welcome, self.devices)
        self._pause_s = FIRST_PAUSE_S
        run = replace(welcome, rounds=0)  # of which there may be more when it is gone on with
        if run != self._welcome_before:
            self._welcome_before, self._recollection = run, Recollection()
        self.devices = welcome.devices
        threadpool_limits(1)  # of what a plug-in brought
        digest = welcome.dataset_sha256
        if digest not in self._datasets:
            data = await fetch_dataset(channel, welcome)
            self._datasets = {digest: decode_dataset(data, digest)}
        return welcome, welcome.site(
            self._datasets[digest],
            self.attack,
            self._liars(frozenset(welcome.devices)),
            self.secrets,
        )

    def _liars(self, devices: frozenset[int]) -> Callable[[int], frozenset[int]]:
        if self.attack is None:
            return nobody
        return self.liars or (lambda _: devices)
