"""`comlad list --markdown`: the same parts as a page, from their docstrings."""

import inspect
import json
import math
import re
from dataclasses import MISSING, fields
from typing import Any

from comlad.aggregation import Robust
from comlad.compression import Bounded
from comlad.errors import ConfigError
from comlad.parts import Table
from comlad_deploy.listing._parts import FAMILIES, type_name_of

__all__ = ["parameter_meanings", "parts_page"]

_ARGUMENTS = "\n\nArgs:\n"

_HEAD = """# Algorithms

Every part that an experiment can be made of: what it computes, its parameters, where it comes
from. Made by `comlad list --markdown` from the docstrings of the code, so that it says what the
code says; `comlad list` prints the short form, with the parts of other installed packages.

A part is named in an experiment file by its kind, and its parameters are the keys beside it:

```toml
[aggregator]
kind = "trimmed-mean"
trim = 0.1
before = [{ kind = "nnm" }]
```

Notation: N (or n) devices, H of them honest, f as many liars as a rule assumes; Q the length of the
model; d the load; x the model, g a gradient or a coded vector, C a compressor.
"""

_FAMILIES = {
    "problems": "Data, its cut into N subsets, and the loss f_k of each.",
    "codings": "Which subsets a device computes in a round, how it encodes their gradients, "
    "and whether the server decodes.",
    "estimators": "What a device makes of its coded gradient before compressing.",
    "compressors": "C(·), and the payload that travels. A list of two tables, `[[compressor]]`, "
    "is a chain: the second compresses the values that the first one keeps.",
    "attacks": "What a Byzantine device sends instead.",
    "preaggregators": "What is done to the vectors before the rule, in `[aggregator] before`; any "
    "number of them in any order.",
    "aggregators": "The robust rule. Vectors that are not finite never reach one: each is a fault "
    "of its device and one liar less to expect.",
    "steps": "How the model moves.",
}


def parts_page() -> str:
    """The page as Markdown; parts of other packages are left out."""
    sections = [_HEAD]
    for family, table in FAMILIES.items():
        sections.append(f"## {family.capitalize()}\n\n{_FAMILIES[family]}\n")
        if overview := _OVERVIEWS.get(family):
            sections.append(overview(table))
        sections += [_part(kind, table.own[kind]) for kind in sorted(table.own)]
    return "\n".join(sections)


def _part(kind: str, part: type[Any]) -> str:
    text, *_ = (inspect.getdoc(part) or "").partition(_ARGUMENTS)
    lines = [f"### {kind}", "", _escape(text), ""]
    if meanings := parameter_meanings(part):
        lines += ["| parameter | type | default | |", "|---|---|---|---|"]
        for field in fields(part):
            cells = (
                f"`{field.name}`",
                _readable(type_name_of(part, field.name)),
                "required" if field.default is MISSING else f"`{json.dumps(field.default)}`",
                meanings.get(field.name, ""),
            )
            lines.append("| " + " | ".join(_escape(cell) for cell in cells) + " |")
        lines.append("")
    return "\n".join(lines)


def _readable(type_name: str) -> str:
    choices = re.sub(r"Literal\[(.*?)\]", lambda found: found[1].replace(", ", " or "), type_name)
    return choices.replace(" | ", " or ").replace(" or None", "").replace("'", '"')


def parameter_meanings(part: type[Any]) -> dict[str, str]:
    """What the Args section of a part's docstring says of each parameter."""
    _, _, arguments = (inspect.getdoc(part) or "").partition(_ARGUMENTS)
    found = re.findall(r"^    (\w+): (.*(?:\n        .*)*)", arguments, re.MULTILINE)
    return {name: " ".join(text.split()) for name, text in found}


def _escape(text: str) -> str:
    """Vertical bars and angle brackets would be markup."""
    return text.replace("|", r"\|").replace("<", r"\<")


def _kappas(table: Table[Any]) -> str:
    """κ of every rule that has a proven one."""
    settings = [(100, 20), (100, 30), (20, 4)]
    lines = [
        "A rule is (f, κ)-robust if for any n − f of the vectors ‖A − mean‖² ≤ κ · (mean of "
        "‖vector − mean‖²) over those (LAD, Definition 1). Where that is proven, κ at",
        "",
        "| rule | " + " | ".join(f"n = {n}, f = {f}" for n, f in settings) + " |",
        "|---|" + "---|" * len(settings),
    ]
    for kind in sorted(table.own):
        try:
            rule = table.read({"kind": kind})
        except ConfigError:  # needs a parameter
            continue
        kappas = [rule.kappa(n, f) if isinstance(rule, Robust) else math.inf for n, f in settings]
        if any(map(math.isfinite, kappas)):
            cells = [f"{kappa:.3g}" if math.isfinite(kappa) else "–" for kappa in kappas]
            lines.append(f"| {kind} | " + " | ".join(cells) + " |")
    return "\n".join([*lines, ""])


def _errors(table: Table[Any]) -> str:
    """δ, α and bits of the compressors at one dimension."""
    dimension, samples = 100, {"keep": 30, "levels": 4}
    lines = [
        f"At Q = {dimension}, parameters by default but `keep = 30`, `levels = 4`: δ of "
        "E‖C(g) − g‖² ≤ δ‖g‖² for unbiased ones, α of E‖C(g) − g‖² ≤ (1 − α)‖g‖², and the "
        "bits that a vector needs, indices at their entropy.",
        "",
        "| compressor | δ | α | bits |",
        "|---|---|---|---|",
    ]
    for kind in sorted(table.own):
        names = {field.name for field in fields(table.own[kind])}
        part = table.read({"kind": kind, **{k: v for k, v in samples.items() if k in names}})
        if not isinstance(part, Bounded):
            continue
        numbers = part.delta(dimension), part.alpha(dimension), part.bits(dimension)
        cells = ["–" if number is None else f"{number:.4g}" for number in numbers]
        lines.append(f"| {kind} | " + " | ".join(cells) + " |")
    return "\n".join([*lines, ""])


_OVERVIEWS = {"aggregators": _kappas, "compressors": _errors}
