"""TOML text, and the command line's `a.b=value` laid over it."""

import json
import tomllib
from collections.abc import Iterable, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

from comlad.errors import ConfigError


def parse_toml(text: str, source: str) -> dict[str, Any]:
    """The tables of a TOML text.

    Args:
        text: The text.
        source: What to call it in an error, for instance its path.

    Raises:
        ConfigError: The text is not TOML; says where.
    """
    try:
        return tomllib.loads(text)
    except ValueError as error:  # TOMLDecodeError, or an integer of thousands of digits
        raise ConfigError(f"{source} is not TOML: {error}") from error


def read_toml(path: Path) -> dict[str, Any]:
    """The tables of a TOML file.

    Raises:
        ConfigError: The file is not there, cannot be read or is not TOML.
    """
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read ({error})") from error
    return parse_toml(text, str(path))


def with_assignments(tables: dict[str, Any], assignments: Iterable[str]) -> dict[str, Any]:
    """The tables with each `a.b=value` laid over them; values are TOML, or else plain words."""
    result = deepcopy(tables)
    for assignment in assignments:
        path, equals, text = assignment.partition("=")
        keys = path.strip().split(".")
        if not equals or not all(keys):
            raise ConfigError(f"--set {assignment}: must be of the form table.key=value")
        table = result
        for key in keys[:-1]:
            table = table.setdefault(key, {})
            if not isinstance(table, dict):
                raise ConfigError(f"--set {assignment}: {key} is not a table")
        table[keys[-1]] = _value(text.strip())
    return result


def inline(value: Any) -> str:
    """A value as `with_assignments` reads it back: TOML on one line, tables and all."""
    if isinstance(value, Mapping):
        pairs = (f"{inline(str(key))} = {inline(item)}" for key, item in value.items())
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(inline, value)) + "]"
    if isinstance(value, str):
        # As in JSON, where DEL may stand as it is.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, bool):
        return str(value).lower()
    return float.__repr__(value) if isinstance(value, float) else str(value)


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except ValueError:
        return text
