"""The tables of an experiment's parts: what a `kind` in a configuration file stands for.

A part is a frozen dataclass whose fields are its parameters. Those that come with
comlad stand in a literal table in each family's package; another package adds one
by an entry point in the family's group, for instance in its pyproject.toml:

    [project.entry-points."comlad.aggregators"]
    my-rule = "my_package:MyRule"
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import is_dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from comlad.config import at, mistake, read_fields, unknown, write_fields
from comlad.errors import ConfigError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

__all__ = ["Table"]

T = TypeVar("T")


class Table(Generic[T]):
    """The named implementations of one family.

    Args:
        family: The family in the plural, which also names the group of entry points:
            "aggregators" is extended by "comlad.aggregators".
        own: The implementations that come with comlad, by kind.
    """

    def __init__(self, family: str, own: Mapping[str, type[T]]) -> None:
        self.family = family
        self.own = dict(own)

    @property
    def group(self) -> str:
        return f"comlad.{self.family}"

    def kinds(self) -> list[str]:
        """Every kind that can be used here, those of other packages included."""
        return sorted({*self.own, *self._foreign()})

    def shadowed(self) -> dict[str, str]:
        """Kinds that another package offers and comlad has itself, which is used; by package."""
        foreign = self._foreign()
        return {
            kind: foreign[kind].value.partition(":")[0].partition(".")[0]
            for kind in sorted(foreign.keys() & self.own)
        }

    def lookup(self, kind: str) -> type[T]:
        """The class of a kind.

        Raises:
            ConfigError: Nobody offers the kind, or what is offered cannot be used.
        """
        if kind in self.own:
            return self.own[kind]
        foreign = self._foreign()
        if kind not in foreign:
            raise unknown(f"kind of {self.family}", kind, [*self.own, *foreign])
        try:
            part = foreign[kind].load()
        except Exception as error:
            raise ConfigError(f"{self.group} {kind!r} does not load: {error}") from error
        if not (isinstance(part, type) and is_dataclass(part)):
            raise ConfigError(f"{self.group} {kind!r} is {part!r}: must be a dataclass")
        return cast("type[T]", part)

    def read(self, table: Mapping[str, object]) -> T:
        """The configured part from a table with `kind` and the part's parameters."""
        if "kind" not in table:
            raise ConfigError(f"kind is missing: one of {', '.join(self.kinds())}")
        if not isinstance(kind := table["kind"], str):
            raise mistake("kind", kind, f"must be one of {', '.join(self.kinds())}")
        parameters = {key: value for key, value in table.items() if key != "kind"}
        part = self.lookup(kind)
        with at(f"(kind {kind!r})"):
            return read_fields(part, parameters)

    def write(self, part: T) -> dict[str, Any]:
        """The table that `read` reads back to an equal part, defaults written out."""
        return {"kind": self.kind_of(part), **write_fields(part)}

    def kind_of(self, part: T) -> str:
        for kind, own in self.own.items():  # first, because looking for others takes long
            if type(part) is own:
                return kind
        for kind in self._foreign():
            with suppress(ConfigError):  # broken and not what is looked for
                if type(part) is self.lookup(kind):
                    return kind
        raise ConfigError(f"{part!r} is in no table of {self.family}")

    def _foreign(self) -> "dict[str, EntryPoint]":
        from importlib.metadata import entry_points  # 3 MB that a device need not carry

        return {entry.name: entry for entry in entry_points(group=self.group)}
