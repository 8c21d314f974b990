from pathlib import Path

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from google.protobuf.descriptor_pool import Default, DescriptorPool
from grpc_tools import protoc  # type: ignore[import-untyped]

import comlad.v1.dataset_pb2
import comlad.v1.training_pb2
import comlad.v1.vector_pb2
import comlad.v1.watch_pb2  # noqa: F401

PROTOS = Path(__file__).parents[3] / "proto"
NAMES = sorted(str(path.relative_to(PROTOS)) for path in PROTOS.rglob("*.proto"))


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> DescriptorPool:
    """The .proto files as they are now."""
    target = tmp_path_factory.mktemp("protos") / "set"
    assert protoc.main(["", f"-I{PROTOS}", f"--descriptor_set_out={target}", *NAMES]) == 0
    pool = DescriptorPool()
    for file in FileDescriptorSet.FromString(target.read_bytes()).file:
        pool.AddSerializedFile(file.SerializeToString())
    return pool


def described(pool: DescriptorPool, name: str) -> FileDescriptorProto:
    proto = FileDescriptorProto()
    pool.FindFileByName(name).CopyToProto(proto)
    for message in proto.message_type:
        for field in message.field:
            field.ClearField("json_name")  # generated code does without
    return proto


@pytest.mark.parametrize("name", NAMES)
def test_were_generated_from_the_files_as_they_are(name: str, compiled: DescriptorPool) -> None:
    fresh, installed = described(compiled, name), described(Default(), name)

    assert installed == fresh, f"{name} has changed since: run `make proto` or pip install -e ."


def test_were_generated_from_all_files() -> None:
    assert NAMES == [
        "comlad/v1/dataset.proto",
        "comlad/v1/training.proto",
        "comlad/v1/vector.proto",
        "comlad/v1/watch.proto",
    ]
