"""Values of two bytes as messages: to the bit as the proto file says, and nothing else."""

import numpy as np
import pytest

from comlad.compression import Bfloat16Values, Float16Values
from comlad.errors import MessageError
from comlad.v1 import vector_pb2 as pb
from comlad.wire._values import decode_values, encode_values, raw_values


# Of three values each; all that is in them can be changed for the worse.
def halves(exponent: int = -14, halves: bytes = bytes.fromhex("0074007800f0")) -> pb.DenseVector:
    return pb.DenseVector(float16=pb.Float16Values(exponent=exponent, halves=halves))


def brains(bfloat16: bytes = bytes.fromhex("803f00c00100")) -> pb.DenseVector:
    return pb.DenseVector(bfloat16=bfloat16)


GOOD: dict[str, tuple[pb.DenseVector, list[float]]] = {
    "float16": (halves(), [1, 2, -0.5]),
    "float16, nothing": (halves(0, bytes(6)), [0, 0, 0]),
    "float16, the least": (
        halves(-1050, bytes.fromhex("010002800000")),
        [5e-324, -1e-323, 0],
    ),
    "float16, the greatest": (
        halves(1008, bytes.fromhex("ff7bfffb0000")),
        [65_504 * 2.0**1008, -65_504 * 2.0**1008, 0],
    ),
    "bfloat16": (brains(), [1, -2, 2.0**-133]),
    "bfloat16, nothing": (brains(bytes(6)), [0, 0, 0]),
}


@pytest.mark.parametrize(("message", "floats"), GOOD.values(), ids=GOOD)
def test_are_read_as_the_proto_file_says(message: pb.DenseVector, floats: list[float]) -> None:
    values, again = decode_values(raw_values(message), 3), pb.DenseVector()

    assert isinstance(values, Float16Values | Bfloat16Values)
    assert values.floats().tolist() == floats
    assert not np.signbit(values.floats()[values.floats() == 0]).any()
    encode_values(values, again)
    assert again == message


BAD: dict[str, tuple[pb.DenseVector, str]] = {
    "float16: too short": (halves(0, bytes(4)), "4 bytes for 3 codes of 16 bits: must be 6"),
    "float16: half a value": (halves(0, bytes(5)), "5 bytes for 3 codes of 16 bits: must be 6"),
    "float16: too long": (halves(0, bytes(7)), "7 bytes for 3 codes of 16 bits: must be 6"),
    "float16: empty": (pb.DenseVector(float16=pb.Float16Values()), "0 bytes for 3 codes of 16"),
    "float16: infinity": (
        halves(-14, bytes.fromhex("0074007c0000")),
        "an infinity or NaN as value 1: must be finite",
    ),
    "float16: not a number": (
        halves(-14, bytes.fromhex("0074000001fe")),
        "an infinity or NaN as value 2: must be finite",
    ),
    "float16: -0": (halves(-14, bytes.fromhex("007400800000")), "-0 as a code: zero must have no"),
    "float16: exponent too low": (halves(-1051), "-1051 as exponent: must be from -1050 to 1008"),
    "float16: exponent too high": (halves(1009), "1009 as exponent: must be from -1050 to 1008"),
    "float16: exponent of nothing": (
        halves(1, bytes(6)),
        "1 as exponent of zeros only: must be 0",
    ),
    "float16: too small for its exponent": (
        halves(1008, bytes.fromhex("ff7300000000")),
        "16376.0 as the greatest magnitude: must be from 2^14 to 2^15",
    ),
    "float16: too large for its exponent": (
        halves(-1050, bytes.fromhex("000001f80000")),
        "32800.0 as the greatest magnitude: must be from 2^14 to 2^15",
    ),
    "bfloat16: half a value": (brains(bytes(5)), "5 bytes for 3 codes of 16 bits: must be 6"),
    "bfloat16: too long": (brains(bytes(8)), "8 bytes for 3 codes of 16 bits: must be 6"),
    "bfloat16: infinity": (
        brains(bytes.fromhex("0000000080ff")),
        "an infinity or NaN as value 2: must be finite",
    ),
    "bfloat16: not a number": (
        brains(bytes.fromhex("ff7f00000000")),
        "an infinity or NaN as value 0: must be finite",
    ),
    "bfloat16: -0": (brains(bytes.fromhex("008000000000")), "-0 as a code: zero must have no"),
}


@pytest.mark.parametrize(("message", "reason"), BAD.values(), ids=BAD)
def test_are_refused(message: pb.DenseVector, reason: str) -> None:
    with pytest.raises(MessageError) as caught:
        decode_values(raw_values(message), 3)

    assert str(caught.value).startswith(reason)


@pytest.mark.parametrize("message", [halves(), brains()])
def test_cost_no_memory_before_their_length_is_known(message: pb.DenseVector) -> None:
    with pytest.raises(MessageError, match=r"^6 bytes for 1099511627776 codes of 16 bits: "):
        decode_values(raw_values(message), 2**40)
