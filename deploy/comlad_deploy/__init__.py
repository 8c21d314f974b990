"""Puts a cluster somewhere and looks at what came of it; the `comlad` command."""
