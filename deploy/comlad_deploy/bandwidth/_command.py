"""`comlad bandwidth`: what methods send, and what that buys."""

import json
import os
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from comlad.errors import ConfigError
from comlad_deploy.bandwidth._links import FAST, common_target
from comlad_deploy.bandwidth._methods import Method
from comlad_deploy.bandwidth._options import Options
from comlad_deploy.bandwidth._page import page, read_results
from comlad_deploy.bandwidth._report import print_report
from comlad_deploy.bandwidth._results import Run, compare, flat
from comlad_deploy.bandwidth._runs import Watch, check_links, run_method, time_method
from comlad_deploy.files import to_csv, write_text
from comlad_deploy.processes import ProcessError
from comlad_deploy.progress import progress
from comlad_server.results import versions

__all__ = ["bandwidth"]


def bandwidth(options: Options) -> None:
    """Run every method, write what it sent and what came of it, and print that.

    Raises:
        ConfigError: An option or an experiment cannot be, a package, program or right is
            missing, or `out` cannot be written to; nothing has been started.
        ProcessError: A run failed; the others are reported.
    """
    options.check()
    methods = options.methods
    if options.shaped or options.namespaces:
        check_links(methods, [FAST, *options.links])
    report = _Report(options)
    names = [method.name for method in methods]
    for link in options.links:
        names += [f"{method.name}, {link.name}" for method in methods]
    rounds = max(method.prepared.experiment.rounds for method in methods)
    with progress(rounds, hidden=options.as_json, names=names) as watch:
        runs, failures = _run_methods(methods, options, report, watch)
        if options.links:
            _time_methods(runs, options, report, watch)
    report.finish(runs)
    if options.as_json:
        print(json.dumps(report.results, indent=2))
    else:
        print_report(report.results, options.out)
    if failures:
        raise ProcessError(f"left out: {'; '.join(map(str, failures))}")


class _Report:
    """Results as they grow; what is written names only what is there."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._started = time.monotonic()
        self.results: dict[str, Any] = {}
        try:
            options.out.mkdir(parents=True, exist_ok=True)
            for ending in (".json", ".csv", "-layers.png", "-loss.png", "-seconds.png"):
                (options.out / f"{options.stem}{ending}").unlink(missing_ok=True)
            (options.out / "bandwidth.md").unlink(missing_ok=True)
        except OSError as error:
            raise ConfigError(f"--out {options.out}: cannot write there ({error})") from error

    def write(self, **tables: Any) -> None:
        """Write JSON and CSV of all that is known, with these tables too."""
        options = self._options
        self.results |= {
            "results": options.stem,
            "command": options.command,
            "setting": options.setting,
            "legend": options.legend,
            "cpus": os.cpu_count(),
            "namespaces": options.namespaces or options.shaped,
            **tables,
            "wall_seconds": time.monotonic() - self._started,
            "versions": {**versions(), "numpy": np.__version__},
        }
        text = json.dumps(self.results, indent=2)
        write_text(options.out / f"{options.stem}.json", text + "\n")
        write_text(options.out / f"{options.stem}.csv", to_csv(_lines(self.results)))

    def finish(self, runs: Sequence[Run]) -> None:
        """Draw the figures and write the page."""
        from comlad_deploy.bandwidth._draw import draw_layers, draw_loss, draw_seconds

        options, results = self._options, self.results
        names = ["layers", "loss", *["seconds"] * ("links" in results)]
        figures = {name: f"{options.stem}-{name}.png" for name in names}
        draw_layers(options.out / figures["layers"], results)
        draw_loss(options.out / figures["loss"], results, runs)
        if "links" in results:
            draw_seconds(options.out / figures["seconds"], results)
        self.write(figures=figures)
        write_text(options.out / "bandwidth.md", page(read_results(options.out)))


def _run_methods(
    methods: Sequence[Method], options: Options, report: _Report, watch: Watch
) -> tuple[list[Run], list[ProcessError]]:
    """Run each as fast as the machine is; those that fail are left out.

    Raises:
        ProcessError: All of them did.
    """
    runs: list[Run] = []
    failures: list[ProcessError] = []
    link = FAST if options.shaped or options.namespaces else None
    for method in methods:
        directory = options.out / (FAST.name if options.shaped else "") / method.slug
        try:
            runs.append(run_method(method, directory, link, watch))
        except ProcessError as error:
            failures.append(error)
            continue
        report.write(**compare(runs))
    if not runs:
        raise failures[0]
    return runs, failures


def _time_methods(runs: Sequence[Run], options: Options, report: _Report, watch: Watch) -> None:
    """Run each on links of every rate, to the target."""
    target = options.target
    if target is None:
        target = common_target([run.trace for run in runs])
    links: list[dict[str, Any]] = []
    for link in options.links:
        entries: list[dict[str, Any]] = []
        names = {"name": link.name, "uplink": link.uplink, "downlink": link.downlink}
        links.append({**names, "methods": entries})
        for run in runs:
            directory = options.out / link.slug / run.method.slug
            entries.append(time_method(run, target, directory, link, watch))
            report.write(target={"loss": target, "given": options.target is not None}, links=links)


def _lines(results: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The methods as lines of CSV; on links a line for each of these too."""
    links = results.get("links")
    entries = results["methods"]
    if links:
        entries = [{"link": link["name"], **entry} for link in links for entry in link["methods"]]
    lines = [dict(flat(entry)) for entry in entries]
    columns = dict.fromkeys(name for line in lines for name in line)
    return [{name: line.get(name) for name in columns} for line in lines]
