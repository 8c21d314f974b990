"""`comlad keys`: an authority for one cluster, and a key for everyone in it."""

from comlad_deploy.keys._describe import describe_keys, keys_as_json
from comlad_deploy.keys._make import Made, make_keys

__all__ = ["Made", "describe_keys", "keys_as_json", "make_keys"]
