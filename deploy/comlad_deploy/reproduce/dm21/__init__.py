"""Byz-DM21 and its relatives: their setting run, drawn, and what their paper claims judged."""

from comlad_deploy.reproduce.dm21._command import Scope, dm21

__all__ = ["Scope", "dm21"]
