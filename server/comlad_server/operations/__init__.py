"""What shows a run to those who operate it: log, live view, health, metrics, tables."""

from comlad_server.operations._operations import Operations

__all__ = ["Operations"]
