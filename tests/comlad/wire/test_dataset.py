import hashlib
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from samples import repeatable

from comlad.errors import ConfigError, MessageError
from comlad.estimators import Memory
from comlad.v1 import dataset_pb2 as pb
from comlad.v1.training_pb2 import FetchDatasetResponse, FetchEstimateResponse
from comlad.wire import (
    ARRAYS_CHUNK_BYTES,
    decode_dataset,
    decode_held,
    encode_dataset,
    encode_held,
    held_bound,
)
from comlad.wire._arrays import _TYPES

arrays = hnp.arrays(
    st.sampled_from([np.float64, np.float32, np.int64]),
    hnp.array_shapes(min_dims=0, max_dims=3, min_side=0),
)


def digest(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def refusal(**fields: Any) -> str:
    good: dict[str, Any] = {"name": "a", "element_type": pb.ELEMENT_TYPE_FLOAT64, "shape": [2]}
    array = pb.Array(**(good | {"data": bytes(16)} | fields))
    data = pb.Dataset(arrays=[array]).SerializeToString()
    with pytest.raises(MessageError) as caught:
        decode_dataset(data, digest(data))
    return str(caught.value)


@repeatable
@given(st.dictionaries(st.text(st.characters(codec="utf-8")), arrays, max_size=4))
def test_arrives_as_it_was(dataset: dict[str, Any]) -> None:
    encoded = encode_dataset(dataset)

    arrived = decode_dataset(encoded.data, encoded.sha256)

    assert arrived.keys() == dataset.keys()
    for name, array in dataset.items():
        assert arrived[name].dtype == array.dtype
        assert arrived[name].shape == array.shape
        assert arrived[name].tobytes() == array.tobytes()


def test_arrives_whichever_way_it_lay_in_memory() -> None:
    matrix = np.arange(6.0).reshape(2, 3)

    encoded = encode_dataset({"a": matrix.T, "b": matrix[:, ::2], "c": matrix.astype(">f8")})

    arrived = decode_dataset(encoded.data, encoded.sha256)
    assert arrived["a"].tolist() == matrix.T.tolist()
    assert arrived["b"].tolist() == matrix[:, ::2].tolist()
    assert arrived["c"].tolist() == matrix.tolist()


def test_has_a_digest_that_does_not_depend_on_the_order_of_its_arrays() -> None:
    one, two = np.ones(2), np.zeros(3)

    assert encode_dataset({"a": one, "b": two}) == encode_dataset({"b": two, "a": one})


@pytest.mark.parametrize("numbers", [0, 10, ARRAYS_CHUNK_BYTES // 8, ARRAYS_CHUNK_BYTES // 4 + 1])
def test_is_the_sum_of_its_chunks(numbers: int) -> None:
    encoded = encode_dataset({"a": np.arange(numbers, dtype=np.float64)})

    messages, payloads = zip(*encoded.chunks(), strict=True)
    chunks = [FetchDatasetResponse.FromString(message).chunk for message in messages]

    assert b"".join(chunks) == encoded.data
    assert list(payloads) == [len(chunk) for chunk in chunks]
    assert all(len(chunk) <= ARRAYS_CHUNK_BYTES for chunk in chunks)


def test_can_be_sent_in_grpcs_default_messages() -> None:
    encoded = encode_dataset({"a": np.zeros(ARRAYS_CHUNK_BYTES)})

    assert max(len(message) for message, _ in encoded.chunks()) < 4 * 2**20


@pytest.mark.parametrize("dtype", [np.int32, np.bool_, np.complex128, "U3"])
def test_cannot_hold_other_numbers(dtype: Any) -> None:
    with pytest.raises(ConfigError, match=r"^array 'a' of .*: must be float64, float32 or int64$"):
        encode_dataset({"a": np.zeros(2, dtype)})


def test_has_a_type_for_every_element_type() -> None:
    assert set(_TYPES) == set(pb.ElementType.values()) - {pb.ELEMENT_TYPE_UNSPECIFIED}


class TestWhatIsHeldOfADevice:
    """What the server remembers of it, sent to a device that has lost its own memory."""

    CHUNK: ClassVar[int] = ARRAYS_CHUNK_BYTES // 8  # numbers
    HELD: ClassVar[dict[str, Any]] = {
        "estimate": np.array([0.1, -0.0, 1e-300]),
        "shift": np.ones(3),
    }

    def sent(self, held: Memory) -> bytes:
        """What is put together of the chunks."""
        messages = [message for message, _ in encode_held(held)]
        return b"".join(FetchEstimateResponse.FromString(each).chunk for each in messages)

    def refusal(self, data: bytes) -> str:
        with pytest.raises(MessageError) as caught:
            decode_held(data, 3)
        return str(caught.value)

    def test_arrives_to_the_bit(self) -> None:
        arrived = decode_held(self.sent(self.HELD), 3)

        assert {name: vector.tobytes() for name, vector in arrived.items()} == {
            name: vector.tobytes() for name, vector in self.HELD.items()
        }

    def test_may_be_nothing(self) -> None:
        assert decode_held(self.sent({}), 3) == {}

    @pytest.mark.parametrize("width", [1, 3, 100_000])
    def test_has_no_more_bytes_than_a_device_takes(self, width: int) -> None:
        for vectors in range(3):
            held = {f"a_name_as_long_as_any_{i}": np.ones(width) for i in range(vectors)}

            assert len(self.sent(held)) <= held_bound(width, vectors)

    @pytest.mark.parametrize("vectors", [0, 1, 2])
    @pytest.mark.parametrize("width", [1, 6, CHUNK - 3, CHUNK, CHUNK + 1, 3 * CHUNK + 5])
    def test_is_never_charged_with_more_than_was_sent(self, width: int, vectors: int) -> None:
        held = {f"vector {number}": np.ones(width) for number in range(vectors)}
        message_bytes = payload_bytes = 0

        for message, payload in encode_held(held):
            message_bytes += len(message)
            payload_bytes += payload

            assert payload >= 0
            assert payload_bytes <= message_bytes
        assert payload_bytes == 8 * width * vectors

    @pytest.mark.parametrize(
        "array",
        [
            np.ones(3, np.float32),
            np.ones(3, np.int64),
            np.ones(2),
            np.ones(4),
            np.ones(0),
            np.array(1.0),
            np.ones((3, 1)),
            np.ones((1, 3)),
            np.array([1.0, np.nan, 1.0]),
            np.array([1.0, 1.0, np.inf]),
            np.array([-np.inf, 1.0, 1.0]),
        ],
        ids=lambda array: f"{array.dtype} {array.tolist()}",
    )
    def test_is_finite_float64_vectors_of_one_length(self, array: Any) -> None:
        data = encode_dataset({"estimate": np.ones(3), "shift": array}).data

        assert self.refusal(data) == "'shift', held of a device: must be 3 finite float64"

    @pytest.mark.parametrize("data", [b"\xff", encode_dataset(HELD).data[:-1]])
    def test_is_whole_protobuf(self, data: bytes) -> None:
        assert self.refusal(data) == "bytes that are no Dataset"

    def test_has_the_size_that_it_says(self) -> None:
        array = pb.Array(name="shift", element_type=pb.ELEMENT_TYPE_FLOAT64, shape=[3])

        message = self.refusal(pb.Dataset(arrays=[array]).SerializeToString())

        assert message == "array 'shift' of shape (3,) in 0 bytes: does not fit"


class TestRefuses:
    def test_another_dataset(self) -> None:
        encoded = encode_dataset({"a": np.ones(2)})

        with pytest.raises(MessageError, match=f"^a dataset with digest .*: must be {'00' * 32}$"):
            decode_dataset(encoded.data, bytes(32))

    def test_no_dataset(self) -> None:
        with pytest.raises(MessageError, match=r"^bytes that are no Dataset$"):
            decode_dataset(b"\xff", digest(b"\xff"))

    @pytest.mark.parametrize("element_type", [0, 4, 99])
    def test_elements_of_an_unknown_type(self, element_type: int) -> None:
        message = refusal(element_type=element_type)

        assert message == f"array 'a' of element type {element_type}: unknown"

    @pytest.mark.parametrize(
        ("shape", "size"),
        [([3], 16), ([2, 2], 16), ([2], 15), ([0], 16), ([], 16), ([2**63, 2**63], 0), ([2], 0)],
    )
    def test_a_shape_that_does_not_fit_the_data(self, shape: list[int], size: int) -> None:
        message = refusal(shape=shape, data=bytes(size))

        assert message == f"array 'a' of shape {tuple(shape)} in {size} bytes: does not fit"

    @pytest.mark.parametrize("shape", [[0, 2**63], [0, 2**64 - 1], [1] * 65 + [2]])
    def test_a_shape_that_no_array_has(self, shape: list[int]) -> None:
        message = refusal(shape=shape, data=bytes(0 if 0 in shape else 16))

        assert message.startswith("array 'a' of shape (")
