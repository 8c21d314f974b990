"""`comlad report`: what a run came to, from the files it left."""

from comlad_deploy.report._command import Options, report

__all__ = ["Options", "report"]
