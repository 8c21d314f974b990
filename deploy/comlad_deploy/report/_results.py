"""A run's files as one value: what the report's tables and figure are made of."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from comlad.errors import ConfigError
from comlad_deploy.report._own_word import OwnWord
from comlad_deploy.traces import Trace, read_trace

__all__ = ["Run", "describe", "read_run"]

# Different reasons for faults that are listed; a liar may make up any number.
_MAX_REASONS = 50


@dataclass(frozen=True, slots=True)
class Run:
    """A run that has ended.

    Args:
        directory: Where it was read from.
        summary: Its summary.json.
        records: The lines of its rounds.jsonl.
        trace: What it reached, round by round.
    """

    directory: Path
    summary: Mapping[str, Any]
    records: Sequence[Mapping[str, Any]]
    trace: Trace

    @property
    def count(self) -> int:
        """N."""
        count: int = self.summary["experiment"]["devices"]["count"]
        return count

    @property
    def layers(self) -> list[str]:
        """Those that were counted, innermost first."""
        return list(self.summary["bytes"]["up"])


def read_run(directory: Path) -> Run:
    """A run from what it left.

    Raises:
        ConfigError: It left no such files, or has not ended.
    """
    summary_file, rounds_file = directory / "summary.json", directory / "rounds.jsonl"
    if rounds_file.exists() and not summary_file.exists():
        raise ConfigError(f"{directory}: has no summary.json yet; the run must have ended")
    try:
        summary = json.loads(summary_file.read_text("utf-8"))
        records = [json.loads(line) for line in rounds_file.read_text("utf-8").splitlines()]
        return Run(directory, summary, records, read_trace(directory, summary))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{directory}: must be what a run left ({error})") from error
    except (KeyError, TypeError) as error:
        right = f"must be a run's (it has no {error})"
        raise ConfigError(f"{summary_file} or {rounds_file.name}: {right}") from error


def describe(run: Run, own_words: Sequence[OwnWord] | None) -> dict[str, Any]:
    """The report as JSON has it.

    Args:
        run: Which.
        own_words: What devices say that their interfaces carried; None: nobody asked them.
    """
    summary = run.summary
    result: dict[str, Any] = {
        "name": summary["experiment"]["name"],
        "directory": str(run.directory),
        **{key: summary[key] for key in _KEPT if key in summary},
        "by_device": [_device(run, device) for device in range(run.count)],
        "reasons": _reasons(run.records),
    }
    if own_words is not None:
        for word in own_words:
            if len(word.devices) == 1:
                own = {"up": word.up, "down": word.down}
                result["by_device"][word.devices[0]]["own_link"] = own
        result["own_link"] = _compare(run, own_words)
    return result


# Of summary.json, as they are there.
_KEPT = (
    *("engine", "transport", "rounds", "stopped", "loss", "accuracy", "byzantine"),
    *("model_sha256", "bytes", "setup", "streams", "overhead", "faults", "wall_seconds"),
)


def _device(run: Run, device: int) -> dict[str, Any]:
    faults = run.summary["faults"]["by_device"].get(str(device), {})
    away = sum(
        device in record["missing"] or str(device) in record["refused"] for record in run.records
    )
    return {
        "device": device,
        "byzantine": device in run.summary.get("byzantine", ()),
        "answered": len(run.records) - away,
        "missing": faults.get("missing", 0),
        "refused": faults.get("refused", 0),
        "bytes": {
            direction: {layer: counts[device] for layer, counts in layers.items()}
            for direction, layers in run.summary["devices"].items()
        },
    }


def _reasons(records: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Why devices were refused: the most frequent first."""
    counts: Counter[tuple[int, str]] = Counter()
    rounds: dict[tuple[int, str], list[int]] = {}
    for record in records:
        faults = [(int(device), reason) for device, reason in record["refused"].items()]
        for fault in [*faults, *map(tuple, record.get("stray", ()))]:
            counts[fault] += 1
            rounds.setdefault(fault, [record["round"]] * 2)[1] = record["round"]
    return [
        {"device": fault[0], "reason": fault[1], "times": times, "rounds": rounds[fault]}
        for fault, times in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    ][:_MAX_REASONS]


def _compare(run: Run, words: Sequence[OwnWord]) -> dict[str, Any]:
    """The devices' own word in all, beside what the server's interfaces carried."""
    result: dict[str, Any] = {
        "hosts": [
            {
                "name": word.name,
                "devices": list(word.devices),
                "up": word.up,
                "down": word.down,
                "packets": {"up": word.packets[0], "down": word.packets[1]},
            }
            for word in words
        ],
        "devices": sum(len(word.devices) for word in words),
        "up": sum(word.up for word in words),
        "down": sum(word.down for word in words),
    }
    setup = run.summary.get("setup", {})
    ways = {
        way: [run.summary["bytes"][way].get("link"), setup.get(way, {}).get("link")]
        for way in ("up", "down")
    }
    if all(None not in parts for parts in ways.values()):
        result["server"] = {way: sum(parts) for way, parts in ways.items()}
    return result
