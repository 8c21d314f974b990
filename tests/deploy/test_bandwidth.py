import json
import re
from pathlib import Path
from typing import Any

import pytest
from cluster import SMALL, write_experiment_file
from rich.console import Console

from comlad.errors import ConfigError
from comlad_deploy import cli
from comlad_deploy.bandwidth._methods import LINKS, STANDARD, from_files
from comlad_deploy.bandwidth._page import page
from comlad_deploy.bandwidth._results import Run, compare, flat
from comlad_deploy.bandwidth._tables import bytes_sheet, links_sheet, worth_sheet
from comlad_deploy.inprocess import run_inprocess
from comlad_deploy.namespaces import check_means
from comlad_deploy.sheets import Sheet
from comlad_deploy.traces import read_trace
from comlad_server.results import Results

try:
    check_means()
    CANNOT = ""
except ConfigError as error:
    CANNOT = f"NOT TESTED HERE: {error}"

TINY: dict[str, Any] = {**SMALL, "name": "tiny", "rounds": 3, "devices": {"count": 2}}
PNG = b"\x89PNG\r\n\x1a\n"


def run(directory: Path, **changes: Any) -> Run:
    """A run in this process, without a tcp layer."""
    file = write_experiment_file(directory, {**TINY, **changes})
    (method,) = from_files([file], None, None)
    out = directory / method.slug
    with Results(out, method.prepared.experiment) as results:
        summary = run_inprocess(method.prepared, results)
    return Run(method, out, summary, read_trace(out, summary))


def entry(name: str, **changes: Any) -> dict[str, Any]:
    """A method as in links.json, with large numbers."""
    counts = {"payload": 800_010.25, "message": 800_032.5, "tcp": 809_027.1, "link": 859_093.4}
    pieces = {"grpc_prefix": 5.0, "http2_frames": 441.0, "rest": 8_549.7, "estimated": []}
    return {
        "name": name,
        "rounds": 20,
        "seed": 0,
        "bytes": {"up": counts, "down": counts},
        "overhead": {"up": pieces, "down": pieces},
        "bits_per_coordinate": {"payload": 128.0, "bound": None},
        "uplink": {"bytes": 160_000_000, "ratio": 10.0},
        "loss": {"initial": 2e5, "final": None},
        "accuracy": 0.95,
        "at_equal_bytes": {"rounds": 123.4, "loss": 123_456.7, "accuracy": None},
        **changes,
    }


def results(**changes: Any) -> dict[str, Any]:
    """links.json."""
    timed = {"name": "x" * 26, "rounds": 20, "seconds": 131.25, "predicted": 130.4}
    late = {"name": "y", "rounds": None, "seconds": None, "predicted": None}
    return {
        "results": "links",
        "command": "comlad bandwidth --uplink 1mbit",
        "setting": "A setting.",
        "legend": "",
        "cpus": 2,
        "equal_bytes": {"layer": "tcp", "bytes": 1_210_000, "method": "y"},
        "methods": [entry("x" * 26), entry("y")],
        "target": {"loss": 92_433.9, "given": False},
        "links": [
            {"name": "up 100mbit", "uplink": "100mbit", "downlink": None, "methods": [timed, late]}
        ],
        "figures": {"layers": "l.png", "loss": "c.png", "seconds": "s.png"},
        "wall_seconds": 12.3,
        "versions": {"comlad": "1"},
        **changes,
    }


def shown(sheet: Sheet) -> list[str]:
    console = Console(width=100)
    with console.capture() as capture:
        console.print(sheet.table())
    return capture.get().splitlines()


@pytest.mark.integration
def test_runs_experiment_files_and_leaves_what_they_sent(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write_experiment_file(tmp_path, TINY)
    out = tmp_path / "out"

    cli.main(["bandwidth", str(file), "--seed", "3", "--out", str(out), "--json"])

    found = json.loads(capsys.readouterr().out)
    assert found == json.loads((out / "bandwidth.json").read_text())
    (method,) = found["methods"]
    assert (method["name"], method["rounds"], method["seed"]) == ("tiny", 3, 3)
    assert method["bits_per_coordinate"] == {"payload": 64.0, "bound": 64.0}
    assert method["at_equal_bytes"] == {"rounds": 3.0, "loss": method["loss"]["final"]}
    for way in method["bytes"].values():
        assert way["payload"] < way["message"] <= way.get("tcp", way["message"])
    assert method["bytes"]["up"]["payload"] == 8 * 20
    assert sorted(path.name for path in out.iterdir()) == [
        "bandwidth-layers.png",
        "bandwidth-loss.png",
        "bandwidth.csv",
        "bandwidth.json",
        "bandwidth.md",
        "tiny",
    ]
    assert (out / "bandwidth-layers.png").read_bytes().startswith(PNG)
    assert "seed = 3" in (out / "tiny" / "experiment.toml").read_text()


@pytest.mark.integration
@pytest.mark.skipif(bool(CANNOT), reason=CANNOT)
def test_times_methods_on_narrow_links(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dimension = {"kind": "linear-regression", "dimension": 4000}
    file = write_experiment_file(tmp_path, {**TINY, "problem": dimension})
    out = tmp_path / "out"

    cli.main(["bandwidth", str(file), "--uplink", "2mbit", "--out", str(out), "--json"])

    found = json.loads(capsys.readouterr().out)
    (method,), (link,) = found["methods"], found["links"]
    for way in method["bytes"].values():
        assert way["payload"] < way["message"] < way["tcp"] < way["link"]
    (timed,) = link["methods"]
    assert found["target"] == {"loss": method["loss"]["final"], "given": False}
    assert timed["rounds"] == 3
    transfer = 3 * timed["round_bytes"]["up"] * 8 / 2e6
    assert timed["predicted"] == pytest.approx(timed["fast_seconds"] + transfer)
    assert timed["seconds"] > 0.8 * transfer
    assert (out / "links-seconds.png").read_bytes().startswith(PNG)
    assert (out / "up-2mbit" / "tiny" / "summary.json").exists()


def test_compares_at_the_bytes_of_the_method_that_sends_least(tmp_path: Path) -> None:
    dense = run(tmp_path)
    sparse = run(tmp_path, name="sparse", compressor={"kind": "random-sparsification", "keep": 5})

    found = compare([dense, sparse])

    least = sparse.summary["bytes"]["up"]["message"]
    assert found["equal_bytes"] == {"layer": "message", "bytes": least, "method": "sparse"}
    first, second = found["methods"]
    losses, sent = dense.trace.losses, dense.trace.uplink["message"]
    assert sent[0] < least < sent[1]
    part = least / sent[1]
    assert first["at_equal_bytes"]["rounds"] == pytest.approx(part)
    assert first["at_equal_bytes"]["loss"] == pytest.approx(
        losses[0] + part * (losses[1] - losses[0])
    )
    assert second["at_equal_bytes"]["loss"] == sparse.summary["loss"]["final"]
    assert second["uplink"] == {"bytes": least, "ratio": least / sent[-1]}


def test_divides_the_bits_of_longer_vectors_by_the_length_of_the_model(tmp_path: Path) -> None:
    coded = run(tmp_path, devices={"count": 5}, coding={"kind": "draco-cyclic", "load": 3})

    (method,) = compare([coded])["methods"]

    assert method["bits_per_coordinate"] == {"payload": 128.0, "bound": 128.0}


@pytest.mark.parametrize("sheet", [bytes_sheet, worth_sheet, links_sheet])
def test_fits_tables_into_100_columns(sheet: Any) -> None:
    lines = shown(sheet(results()))

    assert max(map(len, lines)) <= 100
    assert not any("…" in line for line in lines)


def test_shows_a_dash_for_what_is_not_known() -> None:
    bare = entry("z", overhead={}, bytes={"up": {"payload": 8.0, "message": 10.0}})
    cells = bytes_sheet(results(methods=[entry("a"), bare])).rows[-1]

    assert cells == ["z", "up", "8.0", "10.0", "–", "–", "–", "–", "–"]
    assert links_sheet(results()).rows[1][2:] == ["–"] * 5


def test_writes_a_page_of_all_results_there_are() -> None:
    text = page([results()])

    assert "| up 100mbit | " + "x" * 26 + " | 20 | 131 | 130 | 1.01 | 1.00 |" in text
    assert "![Seconds to the same loss, measured and predicted](s.png)" in text
    assert "## What a byte buys" not in text
    assert "## How each layer is counted" in text


def test_shows_names_as_they_are() -> None:
    odd = results(methods=[entry("[/red] a|b $x$"), entry("y")])

    assert any("[/red] a|b $x$" in line for line in shown(bytes_sheet(odd)))
    assert "| [/red] a\\|b $x$ | up |" in bytes_sheet(odd).markdown()


def test_flattens_tables_for_the_csv() -> None:
    tables = {"name": "x", "bytes": {"up": {"tcp": 5.5}}, "estimated": ["rest"]}

    assert dict(flat(tables)) == {"name": "x", "bytes_up_tcp": 5.5}


@pytest.mark.parametrize("methods", [STANDARD, LINKS])
def test_has_standard_sets_that_differ_in_what_is_sent(methods: Any) -> None:
    prepared = methods.prepare(rounds=7, seed=5)

    assert len({method.slug for method in prepared}) == len(methods.methods)
    assert max(len(method.name) for method in prepared) <= 26
    experiments = [method.prepared.experiment for method in prepared]
    for key in ("rounds", "seed", "devices", "problem", "attack"):
        assert len({repr(getattr(experiment, key)) for experiment in experiments}) == 1


def test_tells_experiments_of_one_name_apart_by_their_files(tmp_path: Path) -> None:
    file = write_experiment_file(tmp_path, TINY)
    other = file.with_name("other.toml")
    other.write_text(file.read_text())

    methods = from_files([file, other], None, None)

    assert [method.name for method in methods] == [str(file), str(other)]
    assert len({method.slug for method in methods}) == 2


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["missing.toml"], "^comlad: missing.toml: cannot be read"),
        (["tiny.toml", "broken.toml"], r"broken.toml: .*rounds"),
        (["tiny.toml", "tiny.toml"], "tiny.toml: must be given once"),
        (["tiny.toml", "--rounds", "0"], "--rounds = 0: must be from 1"),
        (["tiny.toml", "--seed", "-1"], "--seed = -1: must be from 0"),
        (["tiny.toml", "--target", "1"], "--target = 1.0: is the loss to reach on links"),
        (["tiny.toml", "--uplink", "1mbit", "--target", "nan"], "--target = nan: must be a finite"),
        (["tiny.toml", "--uplink", "1mbit,1mbit"], "--uplink = '1mbit,1mbit': must name"),
        (["tiny.toml", "--uplink", "10mbit,5"], "--uplink 5: must be a rate"),
        (["tiny.toml", "--uplink", "10mbit"], r"shaped links: .*root"),
        (["tiny.toml", "--namespaces"], r"shaped links: .*root"),
    ],
)
def test_refuses_before_anything_starts(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    complaint: str,
) -> None:
    write_experiment_file(tmp_path, TINY)
    write_experiment_file(tmp_path, {**TINY, "name": "broken", "rounds": 0})
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", "")  # so that nobody finds ip and tc

    with pytest.raises(SystemExit) as ended:
        cli.main(["bandwidth", *arguments, "--out", "out"])

    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert re.search(complaint, line)
    assert not Path("out").exists()
