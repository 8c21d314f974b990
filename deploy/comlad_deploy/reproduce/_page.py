"""reproduction.md: every figure's settings, picture and claims, from the figures' JSON files."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from textwrap import fill
from typing import Any

__all__ = ["page", "read_results", "summary"]

Results = Mapping[str, Any]

_HANGING = 9

_HEAD = """# Reproduction of two papers

The figures of LAD, [*Byzantine-Robust and Communication-Efficient Distributed Training:
Compressive and Cyclic Gradient Coding*](https://arxiv.org/abs/2603.28780), computed by this code,
and what the paper says of each of them, judged. Then the claims of Byz-DM21 and Byz-VR-DM21,
[*Accelerating Byzantine-Robust Distributed Learning with Compressed Communication via Double
Momentum and Variance Reduction*](https://arxiv.org/abs/2603.15144), in a setting like its own.
This page is made by `comlad reproduce` from its results.
"""

_READING = """
A claim is judged after T rounds (of dm21, by the last fifth of them, unless it says otherwise),
over several seeds, each a draw of the data, of who lies and of all else. Numbers are computed
within a seed, and **a claim holds if their means over the seeds say so**; a mean is followed by
its standard error and by the number of seeds that say so alone. "Within error" is what less than
two standard errors decide: other seeds could turn it. Where a paper gives no threshold, the one
that is used stands with the claim; what no paper claims is "ours". In LAD's figures `A / B` is a
ratio of losses F(x_T): below 1, A is better. That paper gives neither T nor the number of seeds,
and the order of curves changes with T: the columns on the right have, for fewer rounds, whether
the claim held and in how many seeds.
"""


def read_results(directory: Path, keys: Sequence[str]) -> list[dict[str, Any]]:
    """The figures of which there are results, in the order of their keys."""
    found = []
    for key in keys:
        try:
            results = json.loads((directory / f"{key}.json").read_text("utf-8"))
        except (OSError, ValueError):  # not there, or torn
            continue
        if isinstance(results, dict) and results.get("figure") == key:
            found.append(results)
    return found


def page(figures: Sequence[Results]) -> str:
    """The page as Markdown."""
    reading = [_READING] if any("rounds" in figure for figure in figures) else []
    sections = ["\n".join(_section(figure)) for figure in figures]
    return "\n".join([_HEAD, _overview(figures), *reading, *sections])


def summary(figure: Results) -> str:
    """A figure's claims for a terminal."""
    held, count = _held(figure)
    at = f" at T = {figure['rounds']}, seeds: {figure['seeds']}" if "rounds" in figure else ""
    lines = [f"{_name(figure)}: {figure['title']}.", f"{held} of {count} claims hold{at}."]
    for claim in figure["claims"]:
        doubt = " (within error)" if claim.get("clear") is False else ""
        text = f"  {'holds' if claim['holds'] else 'FAILS'}  {claim['claim']}{doubt}"
        lines.append(_fill(text, indent=0))
        if not claim["holds"]:
            paragraphs = [claim["measured"], *claim["reasons"]]
            lines += [_fill(text) for text in paragraphs]
    if "networked" in figure:
        lines.append(_fill(_networked(figure["networked"]).replace("*", "")))
    return "\n".join(lines)


def _fill(text: str, indent: int = _HANGING) -> str:
    """Lines of at most 98 characters that line up below what holds or fails."""
    hanging = " " * _HANGING
    return fill(
        text, 98, initial_indent=" " * indent, subsequent_indent=hanging, break_on_hyphens=False
    )


def _overview(figures: Sequence[Results]) -> str:
    lines = [
        _row("figure", "claims that hold", "T", "seeds", "time of one core"),
        _row(*["---"] * 5),
    ]
    for figure in figures:
        held, count = _held(figure)
        lines.append(
            _row(
                f"[{_name(figure)}](#{_name(figure).lower().replace(' ', '-')})",
                f"{held} of {count}",
                figure.get("rounds", "–"),
                figure.get("seeds", "–"),
                _duration(figure["core_seconds"]) if "core_seconds" in figure else "–",
            )
        )
    return "\n".join(lines) + "\n"


def _section(figure: Results) -> Iterator[str]:
    held, count = _held(figure)
    yield f"\n## {_name(figure)}\n"
    yield f"**{figure['title']}.** {held} of {count} claims hold.\n"
    yield f"![{_name(figure)}: {figure['title']}]({figure['figure']}.png)\n"
    for file, caption in figure.get("pictures", {}).items():
        yield f"![{caption}]({file})\n"
    yield f"{figure['setting']}\n"
    yield from _claims(figure)
    yield from _failures(figure)
    for remark in figure.get("remarks", ()):
        yield f"\n{remark}"
    if "curves" in figure:
        yield from _curves(figure)
    for sheet in figure.get("sheets", ()):
        yield f"\n{sheet['title']}:\n"
        yield _row(*sheet["columns"])
        yield _row(*["---"] * len(sheet["columns"]))
        yield from (_row(*row) for row in sheet["rows"])
    if "networked" in figure:
        yield f"\n{_networked(figure['networked'])}"
    yield f"\n{_origin(figure)}"


def _claims(figure: Results) -> Iterator[str]:
    rounds = [entry["rounds"] for entry in _horizons(figure)] or [figure.get("rounds")]
    earlier = rounds[:-1]
    measured = f"measured at T = {rounds[-1]}" if rounds[-1] else "measured"
    yield _row("claim", "holds", measured, *(f"at {round}" for round in earlier))
    yield _row(*["---"] * (3 + len(earlier)))
    for claim in figure["claims"]:
        before = [
            f"{_yes(entry['holds'])}, {entry['seeds_for']}"
            for entry in claim.get("horizons", ())[:-1]
        ]
        blank = [""] * (len(earlier) - len(before))
        text = claim["measured"] + _at_another_time(claim, rounds[-1])
        yield _row(claim["claim"], _held_in_words(claim), text, *before, *blank)


def _at_another_time(claim: Results, rounds: int | None) -> str:
    """T, if it is not that of all."""
    own = claim.get("rounds", rounds)
    return "" if own == rounds else f"; T = {own}"


def _held_in_words(claim: Results) -> str:
    word = "yes" if claim["holds"] else "**no**"
    return f"{word}, within error" if claim.get("clear") is False else word


def _failures(figure: Results) -> Iterator[str]:
    failures = [claim for claim in figure["claims"] if not claim["holds"]]
    if failures:
        yield "\nWhy those that do not hold do not, as far as it is known:\n"
    for claim in failures:
        reasons = " ".join(claim["reasons"]) or "No reason is known."
        yield f"- *{claim['claim']}*: {reasons}"


def _curves(figure: Results) -> Iterator[str]:
    yield "\n" + _row("curve", "d", "F(x_T) / F(x_0), by seed", "mean")
    yield _row(*["---"] * 4)
    for curve in figure["curves"]:
        ratios = curve["final_ratio"]
        finite = [ratio for ratio in ratios if ratio is not None]
        mean = f"{math.fsum(ratios) / len(ratios):.4f}" if len(finite) == len(ratios) else "–"
        shown = ", ".join("not finite" if ratio is None else f"{ratio:.4f}" for ratio in ratios)
        note = "" if curve["paper"] else " (not in the paper)"
        yield _row(curve["name"] + note, curve["load"], shown, mean)
    for key, what in (
        ("rounds_skipped", "rounds in which the model stayed where it was"),
        ("rounds_not_decoded", "rounds that could not be decoded"),
    ):
        counts = {curve["name"]: curve[key] for curve in figure["curves"] if curve[key]}
        for name, count in counts.items():
            yield f"\n{name}: {count} {what}, of all seeds together."


def _networked(point: Results) -> str:
    what = f"{point['rounds']} rounds of {point['curve']}, seed {point['seed']},"
    if "failed" in point:
        return f"**{what} could not be repeated with real processes:** {point['failed']}."
    how = f"by a server and {point['processes'] - 1} device processes over gRPC"
    if point["equal"]:
        digest = point["model_sha256"][:16]
        return f"{what} {how} gave the same model, bit for bit, as in one process (`{digest}…`)."
    return f"**{what} {how} gave another model than in one process.**"


def _origin(figure: Results) -> str:
    run = figure["run"]
    text = f"`{run['command']}`; " + ", ".join(
        f"{name} {version}" for name, version in figure["versions"].items()
    )
    if "core_seconds" not in figure:
        return text + "."
    return (
        f"{text}. {run['computed']} runs were computed and {run['found']} found from before, in "
        f"{_duration(run['wall_seconds'])} with {run['workers']} at a time."
    )


def _horizons(figure: Results) -> Sequence[Results]:
    """Those of any claim that has them; they are the same for all."""
    return next((claim["horizons"] for claim in figure["claims"] if claim.get("horizons")), ())


def _held(figure: Results) -> tuple[int, int]:
    return sum(claim["holds"] for claim in figure["claims"]), len(figure["claims"])


def _name(figure: Results) -> str:
    return figure.get("name") or f"Figure {figure['figure'].removeprefix('fig')}"


def _row(*cells: object) -> str:
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"


def _yes(holds: bool) -> str:
    return "yes" if holds else "no"


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.1f} min"
