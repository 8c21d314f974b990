"""The report on a terminal."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from textwrap import fill
from typing import Any

from comlad_deploy.bandwidth._tables import bytes_sheet, links_sheet, worth_sheet
from comlad_deploy.text import readable_bytes

__all__ = ["describe_bits", "describe_equal", "describe_links", "print_report"]

Results = Mapping[str, Any]

_WIDTH = 100

_LAYERS = (
    "payload: encoded vectors; message: the protobuf messages with them; tcp: what the kernel "
    "counted on the connections; link: what the interfaces counted, with headers of Ethernet, IP "
    "and TCP. gRPC prefix, HTTP/2 frames and rest make up tcp − message: the prefix is exact, the "
    "frames (~) are as few as the messages fit into, the rest (~) is the difference: HTTP/2's "
    "headers, acknowledgements, pings, and what was sent twice."
)


def print_report(results: Results, out: Path) -> None:
    """Print the tables, what their columns mean, and where the files are."""
    from rich.console import Console

    console = Console(highlight=False, width=_WIDTH)
    parts = [
        (bytes_sheet(results), [_LAYERS]),
        (worth_sheet(results), [describe_bits(), describe_equal(results)]),
    ]
    if "links" in results:
        parts.append((links_sheet(results), [describe_links(results)]))
    for sheet, notes in parts:
        console.print(sheet.table())
        console.print()
        for note in notes:
            console.print(fill(note, _WIDTH, break_on_hyphens=False), style="dim", markup=False)
        console.print()
    if results["legend"]:
        console.print(
            f"{fill(results['legend'], _WIDTH, break_on_hyphens=False)}\n",
            style="dim",
            markup=False,
        )
    for path in _files(results):
        print(out / path)


def describe_bits() -> str:
    """What the columns of bits are."""
    return (
        "Bits: of what a device sends in a round, over the length of the model; the bound has "
        "values as they travel and indices at their entropy."
    )


def describe_equal(results: Results) -> str:
    """At how many bytes methods are compared."""
    equal = results["equal_bytes"]
    return (
        f"{readable_bytes(equal['bytes'])}: where each method was when its devices together had "
        f"sent so much at the {equal['layer']} layer, all that {equal['method']!r} sends, the one "
        "that sends least; on the line between two rounds."
    )


def describe_links(results: Results) -> str:
    """What was timed, and what the prediction is."""
    target, links = results["target"], results["links"]
    reached = all(method["rounds"] is not None for link in links for method in link["methods"])
    whose = "as asked for" if target["given"] else "which all methods reach"
    if not (target["given"] or reached):
        whose = "which all methods reach that get below where they began"
    ways = {way: all(link[way] is None for link in links) for way in ("uplink", "downlink")}
    free = " and ".join(way for way, unlimited in ways.items() if unlimited)
    return (
        f"Seconds from the first broadcast until the loss was at most {target['loss']:.6g}, "
        f"{whose}. Predicted: what the same rounds took on links as fast as the machine, and for "
        "each of them the link's bytes over its rate, up and down."
        + f" The {free} is as fast as the machine."
        * bool(free)
    )


def _files(results: Results) -> Iterator[str]:
    yield f"{results['results']}.json"
    yield f"{results['results']}.csv"
    yield from results["figures"].values()
    yield "bandwidth.md"
