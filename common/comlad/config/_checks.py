"""The form of every complaint: key, what was found, what would be right."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches

from comlad.errors import ConfigError


def mistake(key: str, found: object, right: str) -> ConfigError:
    """The error for a key whose value cannot be."""
    return ConfigError(f"{key} = {found!r}: {right}")


def require(condition: bool, key: str, found: object, right: str) -> None:
    """Raise the error for a key unless the condition holds."""
    if not condition:
        raise mistake(key, found, right)


def unknown(what: str, name: str, known: Iterable[str]) -> ConfigError:
    """The error for a name that is in no table, with the nearest that is."""
    names = sorted(known)
    if not names:
        return ConfigError(f"unknown {what} {name!r}: it has none")
    near = get_close_matches(name, names, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return ConfigError(f"unknown {what} {name!r}: {hint}one of {', '.join(names)}")


@contextmanager
def at(place: str) -> Iterator[None]:
    """Put the table's name, such as "[coding]", before the complaints made inside."""
    try:
        yield
    except ConfigError as error:
        raise ConfigError(f"{place} {error}") from error
