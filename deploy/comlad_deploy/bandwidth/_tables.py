"""The report's tables."""

from collections.abc import Iterator, Mapping
from typing import Any

from comlad_deploy.sheets import Sheet
from comlad_deploy.text import readable_bytes

__all__ = ["bytes_sheet", "links_sheet", "worth_sheet"]

Results = Mapping[str, Any]

_LAYERS = ("payload", "message", "tcp", "link")
_PIECES = {"grpc_prefix": "gRPC\nprefix", "http2_frames": "HTTP/2\nframes ~", "rest": "\nrest ~"}
_NONE = "–"


def bytes_sheet(results: Results) -> Sheet:
    """A round and device at every layer, and what tcp has beside messages."""
    methods = results["methods"]
    ways = [way for method in methods for way in method["bytes"].values()]
    layers = [layer for layer in _LAYERS if any(layer in way for way in ways)]
    pieces = _PIECES if any(method["overhead"] for method in methods) else {}
    rows = []
    for method in methods:
        for number, (direction, counts) in enumerate(method["bytes"].items()):
            beside = method["overhead"].get(direction, {})
            cells = [_bytes(counts.get(layer)) for layer in layers]
            cells += [_bytes(beside.get(piece)) for piece in pieces]
            rows.append([method["name"] if number == 0 else "", direction, *cells])
    headings = ["bytes a round\nand device", "", *layers, *pieces.values()]
    return Sheet(headings, rows, left=2)


def worth_sheet(results: Results) -> Sheet:
    """Bits, and what they buy after all rounds and at equal bytes."""
    methods, equal = results["methods"], results["equal_bytes"]
    scored = any("accuracy" in method for method in methods)
    headings = ["\nmethod", "bits:\nsent", "\nbound", "up\nin all", "of the\nfirst"]
    headings += ["at end:\nloss", *["\naccuracy"] * scored]
    headings += [f"{readable_bytes(equal['bytes'])}:\nrounds", "\nloss", *["\naccuracy"] * scored]
    return Sheet(headings, [list(_worth(method, scored)) for method in methods])


def links_sheet(results: Results) -> Sheet:
    """Seconds to the target on each link, beside what arithmetic says."""
    rows = []
    for link in results["links"]:
        first = link["methods"][0]["seconds"]
        for number, method in enumerate(link["methods"]):
            seconds, predicted = method["seconds"], method["predicted"]
            rows.append(
                [
                    link["name"] if number == 0 else "",
                    method["name"],
                    _NONE if method["rounds"] is None else str(method["rounds"]),
                    _seconds(seconds),
                    _seconds(predicted),
                    _ratio(seconds, predicted),
                    _ratio(first, seconds),
                ]
            )
    headings = ["\nlinks", "\nmethod", "\nrounds", "\nseconds", "\npredicted"]
    headings += ["of what was\npredicted", "times as fast\nas the first"]
    return Sheet(headings, rows, left=2)


def _worth(method: Results, scored: bool) -> Iterator[str]:
    bits, equal = method["bits_per_coordinate"], method["at_equal_bytes"]
    yield method["name"]
    yield f"{bits['payload']:.2f}"
    yield _number(bits["bound"], ".2f")
    yield readable_bytes(method["uplink"]["bytes"])
    yield f"{method['uplink']['ratio']:.1%}"
    yield _number(method["loss"]["final"], "#.4g")
    if scored:
        yield _number(method.get("accuracy"), ".3f")
    yield _number(equal["rounds"], ".1f")
    yield _number(equal["loss"], "#.4g")
    if scored:
        yield _number(equal.get("accuracy"), ".3f")


def _number(value: float | None, form: str) -> str:
    return _NONE if value is None else format(value, form)


def _bytes(count: float | None) -> str:
    if count is None:
        return _NONE
    return f"{count:,.0f}" if abs(count) >= 99.95 else f"{count:.1f}"


def _seconds(seconds: float | None) -> str:
    return _NONE if seconds is None else f"{seconds:#.3g}" if seconds < 100 else f"{seconds:.0f}"


def _ratio(value: float | None, reference: float | None) -> str:
    return f"{value / reference:.2f}" if value is not None and reference else _NONE
