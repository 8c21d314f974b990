"""Turning what a person wrote into values, or into one line that says what to change."""

from comlad.config._addresses import check_address
from comlad.config._checks import at, mistake, require, unknown
from comlad.config._fields import read_fields, write_fields
from comlad.config._text import inline, parse_toml, read_toml, with_assignments

__all__ = [
    "at",
    "check_address",
    "inline",
    "mistake",
    "parse_toml",
    "read_fields",
    "read_toml",
    "require",
    "unknown",
    "with_assignments",
    "write_fields",
]
