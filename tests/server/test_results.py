"""What a run leaves, and how another one goes on with it."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from samples import small

from comlad.errors import ConfigError
from comlad.session import Session
from comlad_server.checkpoints import Checkpoint, Checkpoints, find_checkpoint
from comlad_server.results import Results

PREPARED = small("rounds=100")
EXPERIMENT = PREPARED.experiment


def leave(out: Path, *saved: int, rounds: int) -> None:
    """What a run leaves that ended without a word, with checkpoints after so many rounds."""
    session, checkpoints = Session(PREPARED), Checkpoints(out, EXPERIMENT, 1)
    with Results(out, EXPERIMENT) as results:
        for _ in range(rounds):
            results.add_round(session.close_round(session.open_round()))
            if results.rounds in saved:
                checkpoints.save(Checkpoint(session.snapshot(), results.rounds_bytes()))


def resume(out: Path, path: Path | None = None) -> Results:
    return Results(out, EXPERIMENT, find_checkpoint(out, EXPERIMENT, path))


def lines(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "rounds.jsonl").read_text().splitlines()]


def checkpoint(out: Path, rounds: int) -> Path:
    return out / "checkpoints" / f"round-{rounds:010}.npz"


class TestGoingOn:
    def test_keeps_the_rounds_up_to_the_checkpoint(self, tmp_path: Path) -> None:
        leave(tmp_path, 3, rounds=5)
        kept = (tmp_path / "rounds.jsonl").read_bytes().splitlines()[:3]

        with resume(tmp_path) as results:
            assert (results.rounds, results.again) == (3, 2)
            results.add_round({"round": 3})

        assert (tmp_path / "rounds.jsonl").read_bytes().splitlines() == [*kept, b'{"round": 3}']

    def test_leaves_half_a_line_behind(self, tmp_path: Path) -> None:
        leave(tmp_path, 3, rounds=3)
        with (tmp_path / "rounds.jsonl").open("a") as file:
            file.write('{"round": 3, "los')

        with resume(tmp_path) as results:
            assert results.again == 0

        assert len(lines(tmp_path)) == 3

    def test_needs_all_rounds_before_the_checkpoint(self, tmp_path: Path) -> None:
        leave(tmp_path, 1, 3, rounds=3)
        file = tmp_path / "rounds.jsonl"
        size = file.stat().st_size
        with file.open("r+b") as opened:
            opened.truncate(size - 1)

        with pytest.raises(ConfigError) as caught:
            resume(tmp_path)

        assert str(caught.value) == (
            f"{file} has 2 rounds in the first {size} bytes: must have 3, as when "
            f"{checkpoint(tmp_path, 3)} was written; the one before it can be used: "
            f"--resume-from {checkpoint(tmp_path, 1)}"
        )
        with resume(tmp_path, checkpoint(tmp_path, 1)) as results:
            assert results.rounds == 1

    def test_from_an_older_checkpoint_drops_those_after_it(self, tmp_path: Path) -> None:
        """They are of rounds whose lines are no longer there."""
        leave(tmp_path, 2, 4, rounds=5)
        torn = checkpoint(tmp_path, 4)
        torn.write_bytes(torn.read_bytes()[:-1])

        resume(tmp_path, checkpoint(tmp_path, 2)).close()

        with resume(tmp_path) as results:
            assert results.rounds == len(lines(tmp_path)) == 2

    def test_leaves_no_drafts(self, tmp_path: Path) -> None:
        leave(tmp_path, 2, rounds=5)
        draft = checkpoint(tmp_path, 5).with_suffix(".draft")
        draft.write_bytes(b"half")

        resume(tmp_path).close()

        assert not draft.exists()

    def test_removes_what_the_earlier_run_concluded(self, tmp_path: Path) -> None:
        leave(tmp_path, 2, rounds=2)
        with resume(tmp_path) as results:
            results.finish({"rounds": 2}, np.zeros(6))

        resume(tmp_path).close()

        assert not (tmp_path / "summary.json").exists()
        assert not (tmp_path / "model.npy").exists()


class TestANewRun:
    def test_begins_from_nothing(self, tmp_path: Path) -> None:
        leave(tmp_path, 2, rounds=3)

        Results(tmp_path, EXPERIMENT).close()

        assert lines(tmp_path) == []
        assert find_checkpoint(tmp_path, EXPERIMENT) is None

    def test_puts_an_unfinished_one_aside(self, tmp_path: Path) -> None:
        leave(tmp_path, 2, rounds=3)

        Results(tmp_path, EXPERIMENT).close()

        earlier = tmp_path / "earlier"
        with resume(earlier) as results:
            assert results.rounds == 2

    def test_replaces_a_finished_one(self, tmp_path: Path) -> None:
        leave(tmp_path, 2, rounds=2)
        with resume(tmp_path) as results:
            results.finish({"rounds": 2}, np.zeros(6))

        Results(tmp_path, EXPERIMENT).close()

        assert not (tmp_path / "earlier").exists()


class TestADirectory:
    def test_is_one_run_s_at_a_time(self, tmp_path: Path) -> None:
        leave(tmp_path, 2, rounds=2)
        before = (tmp_path / "rounds.jsonl").read_bytes()

        with resume(tmp_path):
            for start in (resume, lambda out: Results(out, EXPERIMENT)):
                with pytest.raises(ConfigError, match=f"--out {tmp_path}: another run writes"):
                    start(tmp_path)
            assert (tmp_path / "rounds.jsonl").read_bytes() == before
            assert checkpoint(tmp_path, 2).exists()

        resume(tmp_path).close()

    def test_that_cannot_be_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")

        with pytest.raises(ConfigError, match=r"--out .*file: cannot write there"):
            Results(tmp_path / "file", EXPERIMENT)
