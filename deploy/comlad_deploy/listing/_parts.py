"""The parts of every family: in short for people, and as JSON has them."""

import inspect
from dataclasses import MISSING, fields
from types import NoneType
from typing import Any, Union, get_args, get_origin, get_type_hints

from comlad.aggregation import AGGREGATORS, PREAGGREGATORS
from comlad.attacks import ATTACKS
from comlad.coding import CODINGS
from comlad.compression import COMPRESSORS
from comlad.config import unknown
from comlad.errors import ConfigError
from comlad.estimators import ESTIMATORS
from comlad.parts import Table
from comlad.problems import PROBLEMS
from comlad.steps import STEPS

__all__ = ["FAMILIES", "describe_parts", "print_parts", "type_name_of"]

FAMILIES: dict[str, Table[Any]] = {
    table.family: table
    for table in (
        PROBLEMS,
        CODINGS,
        ESTIMATORS,
        COMPRESSORS,
        ATTACKS,
        PREAGGREGATORS,
        AGGREGATORS,
        STEPS,
    )
}


def describe_parts(family: str | None) -> dict[str, list[dict[str, Any]]]:
    """Kind, summary, parameters and origin of every part of one family, or of all."""
    if family is not None and family not in FAMILIES:
        raise unknown("family", family, FAMILIES)
    return {
        name: [_describe(table, kind) for kind in table.kinds()]
        + [_shadowed(kind, package) for kind, package in table.shadowed().items()]
        for name, table in FAMILIES.items()
        if family in (None, name)
    }


def print_parts(family: str | None) -> None:
    """The same for people."""
    for name, parts in describe_parts(family).items():
        print(name)
        for part in parts:
            parameters = ", ".join(
                key if value["required"] else f"{key} = {value['default']!r}"
                for key, value in part["parameters"].items()
            )
            origin = "" if part["package"] == "comlad" else f"  [{part['package']}]"
            print(f"  {part['kind']}({parameters}){origin}\n      {part['summary']}")


def _shadowed(kind: str, package: str) -> dict[str, Any]:
    summary = f"Not used: comlad has a {kind!r} of its own; give it another name."
    return {"kind": kind, "summary": summary, "package": package, "parameters": {}}


def _describe(table: Table[Any], kind: str) -> dict[str, Any]:
    try:
        part = table.lookup(kind)
    except ConfigError as error:
        return {"kind": kind, "summary": str(error), "package": "broken", "parameters": {}}
    doc = inspect.getdoc(part) or ""
    return {
        "kind": kind,
        "summary": " ".join(doc.split("\n\n")[0].split()),
        "package": part.__module__.partition(".")[0],
        "parameters": {
            field.name: {
                "type": type_name_of(part, field.name),
                "required": field.default is MISSING,
                "default": None if field.default is MISSING else field.default,
            }
            for field in fields(part)
        },
    }


def type_name_of(part: type[Any], name: str) -> str:
    """The type of a parameter, as Python writes it."""
    return _type_name(get_type_hints(part)[name])


def _type_name(hint: Any) -> str:
    if get_origin(hint) is Union:  # of a Literal and another; Python writes Union[…]
        return " | ".join(map(_type_name, get_args(hint)))
    if hint is NoneType:
        return "None"
    return hint.__name__ if isinstance(hint, type) else str(hint).replace("typing.", "")
