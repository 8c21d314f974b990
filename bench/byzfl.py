"""byzfl 0.0.11, to be compared with: of the dependency group of that name, not of `dev`."""

import sys
from importlib import import_module
from importlib.machinery import ModuleSpec
from importlib.util import find_spec, module_from_spec
from typing import Any

__all__ = ["load_byzfl"]


def load_byzfl() -> tuple[Any, Any]:
    """Its modules of aggregators and of pre-aggregators, without the rest of it.

    Importing byzfl itself takes in its benchmark, with torchvision and all else that needs.
    """
    found = find_spec("byzfl")
    if found is None:
        raise SystemExit("byzfl is not installed: pip install --group byzfl")
    package = ModuleSpec("byzfl", None, is_package=True)
    package.submodule_search_locations = found.submodule_search_locations
    sys.modules["byzfl"] = module_from_spec(package)
    return (
        import_module("byzfl.aggregators.aggregators"),
        import_module("byzfl.aggregators.preaggregators"),
    )
