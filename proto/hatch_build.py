"""Generates common/comlad/v1 from the .proto files whenever comlad is built or installed."""

from importlib.resources import files
from pathlib import Path
from typing import Any

from grpc_tools import protoc
from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ProtoBuildHook(BuildHookInterface):
    """Runs protoc with the plugins for messages, services and their type stubs."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        source, target = Path(self.root, "proto"), Path(self.root, "common")
        arguments = [
            "protoc",
            f"--proto_path={source}",
            f"--proto_path={files('grpc_tools') / '_proto'}",
            f"--python_out={target}",
            f"--grpc_python_out={target}",
            f"--mypy_out=quiet:{target}",
            f"--mypy_grpc_out=quiet:{target}",
            *sorted(str(path) for path in source.rglob("*.proto")),
        ]
        if status := protoc.main(arguments):
            raise RuntimeError(f"protoc failed with status {status}")
