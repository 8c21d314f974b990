"""The model as it is broadcast: whole, or what has changed since the device was told it last."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from comlad.compression import Sparse
from comlad.errors import MessageError
from comlad.rounds import Plan
from comlad.v1 import training_pb2 as pb
from comlad.wire._fields import Buffer, wrapped
from comlad.wire._vectors import RawVector, encode_sparse

__all__ = ["ToldModel", "encode_change", "encode_model", "told_model"]

FloatType = Literal["float64", "float32"]


def encode_model(model: NDArray[np.float64], floats: FloatType) -> list[Buffer]:
    """A serialised Round with the whole model, which is exact in that type.

    A view of the model, where the type is its own: it must not change while it is sent.
    """
    numbers = np.ascontiguousarray(model, "<f4" if floats == "float32" else "<f8")
    field = pb.Round.DESCRIPTOR.fields_by_name[f"model_{floats}"]
    return wrapped(field.number, [numbers.view(np.uint8).data])


def encode_change(model: NDArray[np.float64], base: Plan, floats: FloatType) -> pb.Round:
    """A Round with those coordinates of the model whose bits are not those of the base plan's."""
    changed = np.flatnonzero(model.view(np.uint64) != base.model.view(np.uint64))
    message = pb.Round()
    message.model_change.base = base.number
    encode_sparse(
        Sparse(len(model), changed, model[changed].astype(floats)), message.model_change.changed
    )
    return message


@dataclass(frozen=True, slots=True)
class ToldModel:
    """The model in a Round, taken out of the message once and not yet believed."""

    kind: str | None
    data: bytes
    base: int
    changed: RawVector | None

    @property
    def payload_bytes(self) -> int:
        """The bytes of values and indices."""
        return len(self.data) if self.changed is None else self.changed.payload_bytes

    def decode(self, dimension: int, base: Plan | None) -> NDArray[np.float64]:
        """The model, float64, shape (Q,).

        Raises:
            MessageError: It is not of that length, not finite where it is a change, or a
                change of a model that is not the base plan's.
        """
        if self.changed is not None:
            return self._change(self.changed, dimension, base)
        width = 4 if self.kind == "model_float32" else 8
        if self.kind is None or len(self.data) != width * dimension:
            raise MessageError(f"a model of {len(self.data)} bytes: must be {width * dimension}")
        return np.frombuffer(self.data, f"<f{width}").astype(np.float64, copy=False)

    def _change(self, changed: RawVector, dimension: int, base: Plan | None) -> NDArray[np.float64]:
        if base is None or base.number != self.base:
            raise MessageError(f"a change of the model of plan {self.base}: that is not known here")
        payload = changed.decode(dimension)
        assert isinstance(payload, Sparse)  # of_sparse gives nothing else
        model = base.model.copy()
        model[payload.indices] = payload.floats()
        return model


def told_model(message: pb.Round) -> ToldModel:
    """The model of a Round as it came."""
    match kind := message.WhichOneof("model"):
        case "model_float64":
            return ToldModel(kind, message.model_float64, 0, None)
        case "model_float32":
            return ToldModel(kind, message.model_float32, 0, None)
        case "model_change":
            change = message.model_change
            return ToldModel(kind, b"", change.base, RawVector.of_sparse(change.changed))
        case _:
            return ToldModel(None, b"", 0, None)
