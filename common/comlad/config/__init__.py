"""Turning what a person wrote into values, or into one line that says what to change."""

from comlad.config._addresses import check_address, is_loopback
from comlad.config._checks import at, mistake, require, unknown
from comlad.config._fields import read_fields, write_fields
from comlad.config._identities import SERVER, SERVER_NAME, WATCHER, Identity, parse_identity
from comlad.config._ids import parse_ids, write_ids
from comlad.config._keys import Keys, key_directories, read_keys
from comlad.config._text import inline, parse_toml, read_toml, with_assignments

__all__ = [
    "SERVER",
    "SERVER_NAME",
    "WATCHER",
    "Identity",
    "Keys",
    "at",
    "check_address",
    "inline",
    "is_loopback",
    "key_directories",
    "mistake",
    "parse_identity",
    "parse_ids",
    "parse_toml",
    "read_fields",
    "read_keys",
    "read_toml",
    "require",
    "unknown",
    "with_assignments",
    "write_fields",
    "write_ids",
]
