import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from threading import Timer
from typing import Any

import pytest
from cluster import DIGITS, write_experiment_file

from comlad.errors import ConfigError
from comlad_deploy.cli import main as comlad
from comlad_deploy.report._own_word import read_own_words
from comlad_deploy.report._results import describe, read_run
from comlad_deploy.report._tables import describe_own_link, devices_sheet, reasons_sheet

Report = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a run."""
    directory = tmp_path_factory.mktemp("report")
    file = write_experiment_file(directory, DIGITS | {"rounds": 6})
    comlad(["run", str(file), "--engine", "inprocess", "--out", str(directory / "out"), "--json"])
    return directory / "out"


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(finished, tmp_path / "run"))


@pytest.fixture
def report(capsys: pytest.CaptureFixture[str]) -> Report:
    """Calls comlad report: what it printed as JSON."""

    def call(*words: object) -> dict[str, Any]:
        capsys.readouterr()
        comlad(["report", *map(str, words), "--json"])
        printed: dict[str, Any] = json.loads(capsys.readouterr().out)
        return printed

    return call


def change(run: Path, number: int, **keys: object) -> None:
    """Write something else into a line of rounds.jsonl."""
    lines = (run / "rounds.jsonl").read_text().splitlines()
    lines[number] = json.dumps(json.loads(lines[number]) | keys)
    (run / "rounds.jsonl").write_text("\n".join(lines) + "\n")


def write_word(directory: Path, name: str, **keys: object) -> None:
    word = {"devices": [0], "up": 100, "down": 2000, "packets": {"up": 3, "down": 4}} | keys
    directory.mkdir(exist_ok=True)
    (directory / name).write_text(json.dumps(word))


def test_leaves_a_figure_tables_and_json(run: Path, report: Report, tmp_path: Path) -> None:
    printed = report(run, "--out", tmp_path / "out")

    summary = json.loads((run / "summary.json").read_text())
    text = (tmp_path / "out" / "report.txt").read_text()
    assert (tmp_path / "out" / "report.png").read_bytes().startswith(b"\x89PNG")
    assert json.loads((tmp_path / "out" / "report.json").read_text()) == printed
    assert printed["model_sha256"] == summary["model_sha256"]
    assert printed["bytes"] == summary["bytes"]
    assert summary["model_sha256"] in text
    assert f"{summary['bytes']['up']['payload']:,}" in text
    assert max(map(len, text.splitlines())) <= 100


def test_charges_devices_as_the_run_did(run: Path) -> None:
    change(run, 1, missing=[3])
    change(run, 2, missing=[3, 4], refused={"9": "too long"})
    read = read_run(run)

    devices = describe(read, None)["by_device"]

    assert [device["answered"] for device in devices] == [6, 6, 6, 4, 5, 6, 6, 6, 6, 5]
    for layer, counts in read.summary["devices"]["up"].items():
        assert [device["bytes"]["up"][layer] for device in devices] == counts
    liars = [device["device"] for device in devices if device["byzantine"]]
    assert liars == read.summary["byzantine"]


def test_says_why_answers_were_refused_most_often_first(run: Path) -> None:
    change(run, 0, refused={"7": "not finite"})
    change(run, 2, refused={"9": "too long"}, stray=[[9, "too long"]])
    change(run, 4, refused={"9": "too long"})

    results = describe(read_run(run), None)

    assert results["reasons"] == [
        {"device": 9, "reason": "too long", "times": 3, "rounds": [2, 4]},
        {"device": 7, "reason": "not finite", "times": 1, "rounds": [0, 0]},
    ]
    assert reasons_sheet(results).rows[0] == ["too long", "9", "3", "2–4"]


def test_draws_faults_and_a_run_without_rounds(run: Path, report: Report) -> None:
    change(run, 1, missing=[3], refused={"9": "a | reason"})
    report(run)
    (run / "rounds.jsonl").write_text("")
    summary = json.loads((run / "summary.json").read_text()) | {"rounds": 0}
    (run / "summary.json").write_text(json.dumps(summary))

    report(run)

    assert (run / "report.png").read_bytes().startswith(b"\x89PNG")


class TestReplay:
    def test_gives_the_same_model(self, run: Path, report: Report) -> None:
        replay = report(run, "--replay")["replay"]

        model = json.loads((run / "summary.json").read_text())["model_sha256"]
        assert replay == {"equal": True, "model_sha256": model, "absences": 0}
        assert "the same model, to the last bit" in (run / "report.txt").read_text()

    def test_repeats_absences_and_fails_if_the_model_is_another(
        self, run: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        change(run, 3, missing=[2])  # which it was not

        with pytest.raises(SystemExit) as caught:
            comlad(["report", str(run), "--replay"])

        assert caught.value.code == 1
        assert "in one process the run gives another model" in capsys.readouterr().err
        assert "with the 1 absences of this run: ANOTHER MODEL" in (run / "report.txt").read_text()

    def test_is_of_the_rounds_that_there_were(self, run: Path, report: Report) -> None:
        shorter = run.parent / "shorter"
        words = ["--set", "rounds=4", "--engine", "inprocess", "--json", "--out", str(shorter)]
        comlad(["run", str(run / "experiment.toml"), *words])
        (shorter / "experiment.toml").write_text((run / "experiment.toml").read_text())

        assert report(shorter, "--replay")["replay"]["equal"]


class TestOwnWords:
    def test_stand_beside_what_the_server_counted(self, run: Path, report: Report) -> None:
        summary = json.loads((run / "summary.json").read_text())
        for way in ("up", "down"):
            summary["bytes"][way] |= {"tcp": 10**6, "link": 10**6}
        summary["setup"] = {"up": {"tcp": 1, "link": 5}, "down": {"tcp": 1, "link": 10}}
        (run / "summary.json").write_text(json.dumps(summary))
        own = run.parent / "own"
        for device in range(9):
            write_word(own, f"device-{device}.json", devices=[device])
        write_word(own, "device-9.json", devices=[9], up=10**6, down=10**6)

        results = report(run, "--link-bytes", own)

        assert results["by_device"][3]["own_link"] == {"up": 100, "down": 2000}
        assert results["own_link"]["server"] == {"up": 10**6 + 5, "down": 10**6 + 10}
        assert results["own_link"]["up"] == 10**6 + 900
        text = (run / "report.txt").read_text()
        assert "the devices' word less the server's count: up +895 B (+0.09%)" in text
        assert "from the start of its program" not in text

    def test_that_are_short_of_it_are_explained(self, run: Path) -> None:
        summary = json.loads((run / "summary.json").read_text())
        for way in ("up", "down"):
            summary["bytes"][way] |= {"link": 10**6}
        summary["setup"] = {"up": {"link": 0}, "down": {"link": 0}}
        (run / "summary.json").write_text(json.dumps(summary))
        own = run.parent / "own"
        write_word(own, "host.json", devices=list(range(10)), up=10**6, down=980_000)

        results = describe(read_run(run), read_own_words(own, 10))

        assert "from the start of its program" in describe_own_link(results)

    def test_of_a_host_of_several_devices_are_told_of_the_host(self, run: Path) -> None:
        own = run.parent / "own"
        write_word(own, "left.json", devices=[4, 0, 1])

        results = describe(read_run(run), read_own_words(own, 10))

        (host,) = results["own_link"]["hosts"]
        assert host["name"] == "left"
        assert host["devices"] == [0, 1, 4]
        assert not any("own_link" in device for device in results["by_device"])
        assert "(3 of 10)" in describe_own_link(results)
        assert "own link" not in " ".join(devices_sheet(results).columns)

    @pytest.mark.parametrize(
        "keys",
        [
            {"up": -1},
            {"up": 1.5},
            {"up": True},
            {"down": 10**30},
            {"devices": []},
            {"devices": [10]},
            {"devices": [1, 1]},
            {"devices": 3},
            {"packets": None},
            {"packets": {"up": 1}},
            {"padding": "x" * 70_000},
        ],
    )
    def test_that_cannot_be_are_left_out(
        self, keys: dict[str, object], tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        write_word(tmp_path, "device-0.json", **keys)

        assert read_own_words(tmp_path, 10) == []
        assert "device-0.json: not what --link-bytes writes" in caplog.text

    def test_that_are_no_files_are_left_out(self, tmp_path: Path) -> None:
        write_word(tmp_path / "elsewhere", "secret.json")
        own = tmp_path / "own"
        own.mkdir()
        (own / "link.json").symlink_to(tmp_path / "elsewhere" / "secret.json")
        (own / "directory.json").mkdir()
        os.mkfifo(own / "pipe.json")

        assert read_own_words(own, 10) == []

    def test_that_claim_the_same_device_are_all_left_out(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        write_word(tmp_path, "device-0.json", devices=[0])
        write_word(tmp_path, "device-1.json", devices=[1])
        write_word(tmp_path, "device-9.json", devices=[9, 1])

        assert [word.devices for word in read_own_words(tmp_path, 10)] == [(0,)]
        assert "several files are of device 1" in caplog.text


def test_waits_for_the_end_of_the_run(run: Path, report: Report) -> None:
    summary, hidden = run / "summary.json", run / "later.json"
    summary.rename(hidden)
    ends = Timer(0.3, hidden.rename, [summary])
    ends.start()

    printed = report(run, "--wait", "60")

    ends.join()
    assert printed["rounds"] == 6


def test_refuses_a_run_that_has_not_ended(run: Path) -> None:
    (run / "summary.json").unlink()

    with pytest.raises(ConfigError, match=r"has no summary.json yet; the run must have ended$"):
        read_run(run)


@pytest.mark.parametrize(("name", "text"), [("summary.json", "{}"), ("rounds.jsonl", "{")])
def test_refuses_what_no_run_left(name: str, text: str, run: Path) -> None:
    (run / name).write_text(text)

    with pytest.raises(ConfigError, match=str(run)):
        read_run(run)


def test_refuses_a_directory_that_is_not_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        comlad(["report", str(tmp_path / "none")])

    (line,) = capsys.readouterr().err.splitlines()
    assert caught.value.code == 2
    assert "none: must be what a run left" in line
