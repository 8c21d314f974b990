"""The small messages of a stream, and how large any of them may be."""

from collections.abc import Sequence

from google.protobuf.message import DecodeError

from comlad.config import Identity
from comlad.errors import MessageError, Status
from comlad.experiment import Prepared
from comlad.rounds import Plan, form_of, forms
from comlad.v1 import training_pb2 as pb
from comlad.wire._chunks import MAX_MESSAGE_BYTES

__all__ = [
    "MAX_JOIN_BYTES",
    "encode_finished",
    "encode_join",
    "encode_ready",
    "encode_refusal",
    "parse_join",
    "parse_ready",
    "parse_request",
    "parse_response",
    "plan_bound",
    "reply_bound",
    "transport_bound",
]

# Tags, lengths, round, plan, slot and dimension around a payload.
_FRAMING = 64
# Half a million ids: before a process has joined it has no right to more.
MAX_JOIN_BYTES = 2**21
# What gRPC lets through whatever the experiment, so that more is refused with our own words.
_LEAST_BOUND = 2**16


def plan_bound(prepared: Prepared, plan: Plan, devices: Sequence[int]) -> int:
    """The bytes that the answer of a process of these devices to a plan can have at most."""
    experiment, width = prepared.experiment, prepared.width
    if len(forms(experiment.estimator, experiment.compressor)) == 1:
        return reply_bound(prepared, len(devices))
    made = [form_of(experiment.estimator, experiment.compressor, plan, i) for i in devices]
    return sum(form.payload_bound(width) + _FRAMING for form in made) + _FRAMING


def reply_bound(prepared: Prepared, devices: int) -> int:
    """The bytes that a reply of a process of that many devices can have at most, ever."""
    experiment, width = prepared.experiment, prepared.width
    possible = forms(experiment.estimator, experiment.compressor)
    payload = max(form.payload_bound(width) for form in possible)
    return devices * (payload + _FRAMING) + _FRAMING


def transport_bound(prepared: Prepared) -> int:
    """The largest message that gRPC should let through to the server.

    No larger than can be a proper one, for it is in memory before it can be judged: a reply
    of all devices, which has more bytes for each than their Join.
    """
    largest = reply_bound(prepared, prepared.experiment.devices.count)
    return min(max(largest, _LEAST_BOUND), MAX_MESSAGE_BYTES)


def parse_request(data: bytes | bytearray, bound: int) -> pb.TrainRequest:
    """A device's message, as it came or put together.

    Raises:
        MessageError: It is larger than `bound` or no TrainRequest.
    """
    if len(data) > bound:
        raise MessageError(
            f"a message of {len(data)} bytes: must be at most {bound}", Status.RESOURCE_EXHAUSTED
        )
    try:
        return pb.TrainRequest.FromString(data)  # type: ignore[arg-type]  # a bytearray, too
    except DecodeError as error:
        raise MessageError("bytes that are no TrainRequest: cut off or not protobuf") from error


def parse_response(data: bytes | bytearray) -> pb.TrainResponse:
    """The server's message, as it came or put together.

    Raises:
        MessageError: It is no TrainResponse.
    """
    try:
        return pb.TrainResponse.FromString(data)  # type: ignore[arg-type]  # a bytearray, too
    except DecodeError as error:
        raise MessageError("bytes that are no TrainResponse") from error


def parse_join(
    request: pb.TrainRequest, device_count: int, identity: Identity | None = None
) -> tuple[int, ...]:
    """The devices that a new stream hosts.

    Args:
        request: What it says.
        device_count: N.
        identity: Who its certificate says that it is; None: it has none.

    Raises:
        MessageError: It is not a Join, or names devices that are not there or another's.
    """
    if request.WhichOneof("event") != "join":
        raise MessageError("a stream that did not join: must send Join first", Status.NOT_FOUND)
    devices = tuple(request.join.device_ids)
    if identity is not None and not devices:
        last = identity.ranges[-1][-1]
        if last < device_count:  # before there is memory for as many as the certificate says
            return tuple(device for some in identity.ranges for device in some)
        devices = (last,)
    if not devices or len(set(devices)) != len(devices):
        raise MessageError(f"join of {len(devices)} devices: must be one or more, each once")
    for device in devices:
        if identity is not None and device not in identity:
            raise MessageError(
                f"join of device {device} with the certificate of {identity}: "
                "must be of a device that the certificate names",
                Status.PERMISSION_DENIED,
            )
    if max(devices) >= device_count:
        raise MessageError(
            f"join of device {max(devices)}: must be one of 0 to {device_count - 1}",
            Status.NOT_FOUND,
        )
    return devices


def parse_ready(data: bytes) -> None:
    """Take what must be a Ready.

    Raises:
        MessageError: It is something else.
    """
    if parse_request(data, MAX_JOIN_BYTES).WhichOneof("event") != "ready":
        raise MessageError("a stream must send Ready before it replies", Status.FAILED_PRECONDITION)


def encode_join(devices: Sequence[int]) -> bytes:
    return pb.TrainRequest(join=pb.Join(device_ids=devices)).SerializeToString()


def encode_ready() -> bytes:
    return pb.TrainRequest(ready=pb.Ready()).SerializeToString()


def encode_finished(rounds: int) -> bytes:
    return pb.TrainResponse(finished=pb.Finished(rounds=rounds)).SerializeToString()


def encode_refusal(round: int, slot: int | None, status: Status, reason: str) -> bytes:
    refusal = pb.Refusal(round=round, slot=slot, status=status, reason=reason)
    return pb.TrainResponse(refusal=refusal).SerializeToString()
