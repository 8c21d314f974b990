"""The command: what it leaves, what it prints, what it refuses."""

import csv
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from comlad.experiment import read_experiment
from comlad_deploy.cli import main
from comlad_deploy.reproduce import FIGURES, Options, reproduce
from comlad_deploy.reproduce._command import _RUN
from comlad_deploy.reproduce._figure import LossFigure

PNG = b"\x89PNG\r\n\x1a\n"
ROUNDS, SEEDS = 3, 2
ALL = [make(True) for make in _RUN.values()]


def command(out: Path, *arguments: object) -> None:
    words = ["reproduce", *arguments, "--rounds", ROUNDS, "--seeds", SEEDS]
    main([*map(str, words), "--workers", "1", "--out", str(out)])


def results(out: Path, key: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((out / f"{key}.json").read_text("utf-8"))
    return found


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory in which two figures have been reproduced."""
    directory = tmp_path_factory.mktemp("reproduction")
    command(directory, "fig5", "fig2")
    return directory


@pytest.mark.integration
class TestReproducingAFigure:
    def test_leaves_picture_numbers_claims_and_a_page(self, out: Path) -> None:
        for key in ("fig2", "fig5"):
            assert (out / f"{key}.png").read_bytes().startswith(PNG)
        text = (out / "reproduction.md").read_text("utf-8")
        assert "## Figure 2" in text
        assert "## Figure 5" in text
        assert "## Figure 4" not in text
        assert "`comlad reproduce fig5 fig2 --rounds 3 --seeds 2`" in text

    def test_writes_every_loss_into_the_csv_file(self, out: Path) -> None:
        with (out / "fig5.csv").open(encoding="utf-8") as lines:
            rows = list(csv.DictReader(lines))

        figure = results(out, "fig5")
        assert len(rows) == 8 * (ROUNDS + 1)
        last = {row["curve"]: row for row in rows if row["round"] == str(ROUNDS)}
        for curve in figure["curves"]:
            row = last[curve["name"]]
            seeds = [float(row["seed_0"]), float(row["seed_1"])]
            assert seeds == curve["final_loss"]
            assert float(row["mean"]) == pytest.approx(sum(seeds) / 2)
            assert (float(row["minimum"]), float(row["maximum"])) == (min(seeds), max(seeds))

    def test_judges_every_claim_at_the_stated_round(self, out: Path) -> None:
        figure = results(out, "fig5")

        assert (figure["rounds"], figure["seeds"]) == (ROUNDS, SEEDS)
        assert len(figure["claims"]) == 4
        for claim in figure["claims"]:
            assert {"claim", "holds", "measured"} <= claim.keys()
            assert (claim["rounds"], claim["seeds"]) == (ROUNDS, SEEDS)
            assert [entry["rounds"] for entry in claim["horizons"]] == [1, 2, 3]
            assert claim["horizons"][-1]["holds"] is claim["holds"]

    def test_repeats_a_point_with_real_processes(self, out: Path) -> None:
        point = results(out, "fig5")["networked"]

        summary = json.loads((out / "networked" / "fig5" / "summary.json").read_text("utf-8"))
        assert point["equal"]
        assert summary["engine"] == "processes"
        assert point["model_sha256"] == summary["model_sha256"]
        assert (point["curve"], point["rounds"]) == ("LAD-CWTM-NNM, σ_H = 0.1", 30)
        assert point["processes"] == 4

    def test_leaves_an_experiment_file_for_each_curve(self, out: Path) -> None:
        for curve in results(out, "fig5")["curves"]:
            assert (out / curve["experiment"]).is_file()

    def test_computes_nothing_the_second_time(self, out: Path) -> None:
        run = out / "networked" / "fig5" / "summary.json"
        before, written = results(out, "fig5"), run.stat().st_mtime_ns

        command(out, "fig5")

        after = results(out, "fig5")
        assert (before["run"]["computed"], before["run"]["found"]) == (16, 0)
        assert (after["run"]["computed"], after["run"]["found"]) == (0, 16)
        assert {**after, "run": None} == {**before, "run": None}
        assert run.stat().st_mtime_ns == written

    def test_prints_the_figures_json_and_nothing_else(
        self, out: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        command(out, "fig2", "fig5", "--json")

        printed = capsys.readouterr()
        assert json.loads(printed.out) == {key: results(out, key) for key in ("fig2", "fig5")}
        assert printed.err == ""

    def test_keeps_figures_of_other_calls_on_the_page(self, out: Path) -> None:
        command(out, "fig3")

        text = (out / "reproduction.md").read_text("utf-8")
        assert [f"## Figure {number}" in text for number in (2, 3, 5)] == [True] * 3


def test_says_what_holds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command(tmp_path, "fig3")

    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == "3 of 3 claims hold."
    assert lines[2] == "  holds  The error term falls as d grows"
    assert lines[-1] == str(tmp_path / "reproduction.md")


def test_knows_all_figures() -> None:
    options = Options(["all"])

    assert options.wanted == ["fig2", "fig3", "fig4", "fig5", "fig6", "dm21"] == list(FIGURES)


@pytest.mark.parametrize("figure", ALL, ids=lambda figure: figure.key)
class TestEveryFigure:
    def test_has_experiments_that_can_be(self, figure: LossFigure) -> None:
        for curve in figure.curves:
            read_experiment(figure.experiment(curve, seed=0, rounds=1))

    def test_names_its_curves_and_claims_once(self, figure: LossFigure) -> None:
        names = [curve.name for curve in figure.curves]
        slugs = [curve.slug for curve in figure.curves]
        keys = [claim.key for claim in figure.claims] + [fact.key for fact in figure.facts]

        for found in (names, slugs, keys):
            assert len(set(found)) == len(found)

    def test_refers_to_curves_and_claims_that_it_has(self, figure: LossFigure) -> None:
        names = {curve.name for curve in figure.curves}

        assert figure.networked in names
        assert {*figure.reference} <= names
        assert len(figure.reference) == len(figure.panels)
        keys = {claim.key for claim in figure.claims}
        assert all(keys.issuperset(needed) for _, needed in figure.headlines)

    def test_has_the_settings_of_the_paper(self, figure: LossFigure) -> None:
        liars, step = (30, 3e-7) if figure.key == "fig6" else (20, 1e-6)

        for curve in figure.curves:
            tables = curve.tables
            assert tables["devices"]["byzantine"] == (0 if curve.family == "nobody" else liars)
            assert tables["step"]["learning_rate"] == step
            assert tables.get("compressor", {}).get("keep") == (
                30 if figure.key == "fig6" else None
            )
            assert tables["coding"]["load"] == curve.load


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["fig7"], "unknown figure 'fig7': did you mean"),
        (["fig4", "--rounds", "0"], "--rounds = 0: must be from 1 to 4294967295"),
        (["fig4", "--rounds", "4294967296"], "--rounds = 4294967296: must be from 1 to 4294967295"),
        (["fig4", "--seeds", "0"], "--seeds = 0: must be from 1 to 1000"),
        (["fig4", "--workers", "0"], "--workers = 0: must be at least 1"),
    ],
)
def test_refuses_options_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], complaint: str
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["reproduce", *arguments, "--out", str(tmp_path / "out")])

    assert caught.value.code == 2
    errors = capsys.readouterr().err
    assert errors.startswith(f"comlad: {complaint}")
    assert errors.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_refuses_a_directory_it_cannot_write_to(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "out").write_text("a file")

    with pytest.raises(SystemExit) as caught:
        command(tmp_path / "out", "fig2")

    assert caught.value.code == 2
    assert capsys.readouterr().err.startswith("comlad: --out")


def test_names_the_remedy_for_a_missing_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)

    with pytest.raises(SystemExit) as caught:
        command(tmp_path / "out", "fig2")

    assert caught.value.code == 2
    assert "need matplotlib, not installed here; pip install 'comlad[lab]'" in (
        capsys.readouterr().err
    )
    assert not (tmp_path / "out").exists()


def test_refuses_nothing_of_its_defaults() -> None:
    Options(["all"]).check()


def test_is_reached_from_python(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    reproduce(Options(["fig2"], out=tmp_path))

    assert results(tmp_path, "fig2")["run"]["computed"] == 0
    assert capsys.readouterr().out
