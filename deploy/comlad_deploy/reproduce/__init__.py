"""The LAD paper's figures: computed, drawn, and each of its claims judged."""

from comlad_deploy.reproduce._command import FIGURES, Options, reproduce

__all__ = ["FIGURES", "Options", "reproduce"]
