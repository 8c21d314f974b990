"""What methods send, at every layer and both ways, and what that buys on narrow links."""

from comlad_deploy.bandwidth._command import bandwidth
from comlad_deploy.bandwidth._options import Options

__all__ = ["Options", "bandwidth"]
