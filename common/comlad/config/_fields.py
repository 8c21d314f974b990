"""Reading a table of a configuration file into a frozen dataclass, and writing it back.

The dataclass is the schema: its fields are the keys, their annotations the types,
their defaults the defaults; its `__post_init__` checks the values. A field that is
itself a table is of a class that knows how to read and write one: a `Nested`.
"""

from collections.abc import Mapping
from dataclasses import MISSING, fields
from types import NoneType, UnionType
from typing import (
    Any,
    Literal,
    Protocol,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    runtime_checkable,
)

from comlad.config._checks import at, mistake, unknown
from comlad.errors import ConfigError

T = TypeVar("T")


@runtime_checkable
class Nested(Protocol):
    """The value of a key that is a table of its own."""

    @classmethod
    def from_table(cls, table: Mapping[str, object]) -> "Nested":
        """The value of a table; raises ConfigError if it has none."""

    def to_table(self) -> dict[str, Any]:
        """The table that `from_table` reads back to an equal value."""


def read_fields(cls: type[T], table: Mapping[str, object]) -> T:
    """Construct `cls` from the keys of `table`.

    Raises:
        ConfigError: A key is unknown, missing, of another type, or of a value that
            the class refuses.
    """
    hints = get_type_hints(cls)
    schema = {field.name: field for field in fields(cls)}  # type: ignore[arg-type]
    for key in table:
        if key not in schema:
            raise unknown("key", key, schema)
    for key, field in schema.items():
        if key not in table and field.default is MISSING and field.default_factory is MISSING:
            raise ConfigError(f"{key} is missing: give {_describe(hints[key])}")
    return cls(**{key: _convert(key, value, hints[key]) for key, value in table.items()})


def write_fields(value: object) -> dict[str, Any]:
    """The table that `read_fields` reads back to an equal value, without keys that are None."""
    table = {field.name: getattr(value, field.name) for field in fields(value)}  # type: ignore[arg-type]
    return {key: _written(item) for key, item in table.items() if item is not None}


def _written(item: Any) -> Any:
    if isinstance(item, Nested):
        return item.to_table()
    return list(item) if isinstance(item, tuple) else item


def _convert(key: str, value: object, hint: Any) -> Any:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        for option in arguments:
            try:
                return _convert(key, value, option)
            except ConfigError:
                continue
    elif origin is Literal:
        if value in arguments:
            return value
    elif origin is tuple:
        if isinstance(value, list | tuple):
            return tuple(_convert(key, item, arguments[0]) for item in value)
    elif hint is float and isinstance(value, int) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError as error:
            raise mistake(key, value, "must be a number below 10^308") from error
    elif not isinstance(hint, type):
        raise ConfigError(f"{key}: a part cannot have a parameter of type {hint}")
    elif issubclass(hint, Nested) and isinstance(value, Mapping):
        with at(key):
            return hint.from_table(value)
    elif (hint is bool or not isinstance(value, bool)) and isinstance(value, hint):
        return value
    raise mistake(key, value, f"must be {_describe(hint)}")


def _describe(hint: Any) -> str:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return " or ".join(_describe(option) for option in arguments if option is not NoneType)
    if origin is Literal:
        return "one of " + ", ".join(repr(option) for option in arguments)
    if origin is tuple:
        return f"a list, each {_describe(arguments[0])}"
    if isinstance(hint, type) and issubclass(hint, Nested):
        return "a table"
    words = {int: "a whole number", float: "a number", str: "a string", bool: "true or false"}
    return words.get(hint, str(hint))
