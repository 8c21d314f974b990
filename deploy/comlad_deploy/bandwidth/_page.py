"""bandwidth.md: the tables and figures of all results in a directory."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from comlad_deploy.bandwidth._report import describe_bits, describe_equal, describe_links
from comlad_deploy.bandwidth._tables import bytes_sheet, links_sheet, worth_sheet

__all__ = ["STEMS", "page", "read_results"]

Results = Mapping[str, Any]

# What files of results are called: without and with links of a rate.
STEMS = ("bandwidth", "links")

_HEAD = """# Bandwidth

What methods send, counted at every layer and in both directions, and what that buys. This page
is made by `comlad bandwidth` from its results. Payload and message bytes are a matter of the
experiment, as long as every device answers in time; those of tcp and link move a little from run to
run; of seconds, which depend on the machine and on what else it does, only ratios mean something.
"""

_COUNTED = """## How each layer is counted

| layer | what | counted by |
|---|---|---|
| payload | encoded vectors: values and indices | the encoder, exactly |
| message | the protobuf messages with them | what is handed to gRPC or taken from it, exactly |
| tcp | all that the connections carried | the kernel, from TCP_INFO |
| link | all packets, headers included | the network interfaces, in namespaces of their own |

The payload down is the model, the permutation and the keys of masks. What trails behind a round is
charged to the next one at tcp and link; joining, the data and the farewell belong to no round and
are left out. Packets that only acknowledge count at link, in the direction in which they go: a
large model down costs some of the uplink.

Where the bytes between message and tcp go:

- *gRPC prefix*: five bytes before every message. Exact.
- *HTTP/2 frames*: nine bytes before every frame. **Estimated**: as few frames as the messages fit
  into, 4 MiB each, on which gRPC's peers agree. Where flow control interrupts one, there are more.
- *rest*: what is left over, **so an estimate as well**: HTTP/2's window updates, pings with their
  acknowledgements, headers of calls, and whatever was sent twice.

The bound beside the bits is what the compressor needs: values as they travel, indices at their
entropy, log₂ of the number of ways to choose so many; none where the server knows which. It is
divided by the length of the model, also where a code makes vectors longer, as DRACO's does: its
entries are complex.
"""

_LIMITS = """## Limits

- Server and devices share one machine: what they compute takes longer than on as many machines.
  Time on the links would be the same there.
- Links have a rate and a short queue, but no delay and no loss of their own. On a long path every
  round costs a round trip too, which compression does not shorten. After a pause a link lets 3 kB
  pass at once, or what its rate allows in 2 ms if that is more: of a short message, much.
- The prediction adds up what is taken to follow on each other. Where receiving, computing and
  sending overlap, less than that is measured; where a busy machine holds things up, more.
- One problem and one seed a table. How many more rounds compression needs depends on the problem,
  the rule, the attack and the step.
"""


def read_results(directory: Path) -> list[dict[str, Any]]:
    """The results that are in a directory and whole."""
    found = []
    for stem in STEMS:
        try:
            results = json.loads((directory / f"{stem}.json").read_text("utf-8"))
        except (OSError, ValueError):  # not there, or torn
            continue
        if isinstance(results, dict) and results.get("figures"):
            found.append(results)
    return found


def page(found: Sequence[Results]) -> str:
    """The page as Markdown."""
    sections = [_HEAD]
    for results in found:
        sections.append("\n".join(_links(results) if "links" in results else _methods(results)))
    return "\n".join([*sections, _COUNTED, _LIMITS])


def _methods(results: Results) -> Iterator[str]:
    yield "## What a device sends and receives\n"
    yield f"{results['setting']} {_rounds(results)}\n"
    if results["legend"]:
        yield f"{results['legend']}\n"
    yield bytes_sheet(results).markdown() + "\n"
    yield _picture(results, "layers", "Bytes a round and device, by layer")
    yield "## What a byte buys\n"
    yield worth_sheet(results).markdown() + "\n"
    yield f"{describe_bits()} {describe_equal(results)}\n"
    yield _picture(results, "loss", "Loss over uplink bytes")
    yield _origin(results)


def _links(results: Results) -> Iterator[str]:
    yield "## Seconds to a loss on narrow links\n"
    yield f"{results['setting']} {_rounds(results)}\n"
    if results["legend"]:
        yield f"{results['legend']}\n"
    yield links_sheet(results).markdown() + "\n"
    yield f"{describe_links(results)}\n"
    yield _picture(results, "seconds", "Seconds to the same loss, measured and predicted")
    yield "What was sent, on links as fast as the machine is:\n"
    yield bytes_sheet(results).markdown() + "\n"
    yield worth_sheet(results).markdown() + "\n"
    yield _origin(results)


def _rounds(results: Results) -> str:
    rounds, seeds = (
        " or ".join(str(value) for value in sorted({method[key] for method in results["methods"]}))
        for key in ("rounds", "seed")
    )
    return f"{rounds} rounds, seed {seeds}."


def _picture(results: Results, figure: str, what: str) -> str:
    return f"![{what}]({results['figures'][figure]})\n"


def _origin(results: Results) -> str:
    return (
        f"`{results['command']}`: {results['wall_seconds']:.0f} s in all on {results['cpus']} "
        "cores; " + ", ".join(f"{name} {version}" for name, version in results["versions"].items())
    ) + ".\n"
