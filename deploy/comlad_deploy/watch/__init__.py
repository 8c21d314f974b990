"""`comlad watch`: what a running server shows of its run, live."""

from comlad_deploy.watch._command import Options, watch
from comlad_deploy.watch._follow import WatchError
from comlad_deploy.watch._state import state_of

__all__ = ["Options", "WatchError", "state_of", "watch"]
