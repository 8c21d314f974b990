"""What a device asks the server for beside its stream: the data, and what is held of it."""

from typing import Any

import grpc
import grpc.aio

from comlad.errors import MessageError
from comlad.estimators import Memory
from comlad.rounds import Plan, Site
from comlad.v1 import training_pb2 as pb
from comlad.wire import Welcome, decode_held, held_bound

__all__ = ["SERVICE", "TooLateError", "fetch_dataset", "fetch_held"]

SERVICE = pb.DESCRIPTOR.services_by_name["TrainingService"].full_name


class TooLateError(Exception):
    """What was asked for is there no more: the round is closed."""


async def fetch_dataset(channel: grpc.aio.Channel, welcome: Welcome) -> bytes:
    """The dataset in its serialised form; never more of it than was announced."""
    request = pb.FetchDatasetRequest(sha256=welcome.dataset_sha256)
    most = welcome.dataset_bytes
    return await _fetch(channel, "FetchDataset", request, pb.FetchDatasetResponse, most)


async def fetch_held(channel: grpc.aio.Channel, site: Site, plan: Plan, slot: int) -> Memory:
    """What an estimator goes on from whose memory is lost: what the server holds of the device.

    Raises:
        TooLateError: The round is closed.
        AioRpcError: The server will not tell.
        MessageError: It is not what the estimator needs.
    """
    estimator, width = site.estimator, site.coding.width(site.objective.dimension)
    request = pb.FetchEstimateRequest(device_id=site.devices[slot], plan=plan.number)
    most = held_bound(width, estimator.footprint.server)
    try:
        data = await _fetch(channel, "FetchEstimate", request, pb.FetchEstimateResponse, most)
    except grpc.aio.AioRpcError as error:
        if error.code() == grpc.StatusCode.FAILED_PRECONDITION:
            raise TooLateError from error
        raise
    try:
        return estimator.restart(decode_held(data, width), plan.model)
    except KeyError as error:
        raise MessageError(f"what the server holds of a device is without {error}") from error


async def _fetch(
    channel: grpc.aio.Channel, method: str, request: Any, response: Any, most: int
) -> bytes:
    """All chunks of a response, together never more bytes than `most`."""
    call = channel.unary_stream(
        f"/{SERVICE}/{method}", type(request).SerializeToString, response.FromString
    )
    data = bytearray()
    async for piece in call(request):
        data += piece.chunk
        if len(data) > most:
            raise MessageError(f"more than {most} bytes from {method}: must be no more")
    return bytes(data)
