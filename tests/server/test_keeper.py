"""When checkpoints are written beside a run."""

import asyncio
from pathlib import Path
from typing import Any

from samples import small

from comlad.session import Session
from comlad_server._keeper import Keeper
from comlad_server.checkpoints import Checkpoints, find_checkpoint
from comlad_server.results import Results

PREPARED = small("rounds=100")


async def keep(
    out: Path, rounds: int, every: int, events: list[dict[str, Any]], lost: bool = False
) -> None:
    """A run of so many rounds that is ended in an orderly way; `lost`: without its last line."""
    session = Session(PREPARED)
    with Results(out, PREPARED.experiment) as results:
        keeper = Keeper(Checkpoints(out, PREPARED.experiment, every), results, events.append)
        for round in range(rounds):
            record = session.close_round(session.open_round())
            if lost and round == rounds - 1:
                break
            results.add_round(record)
            keeper.after_round(session, lambda: {"seconds": 1.0})
            while (task := keeper._writing) and not task.done():  # a run would go on meanwhile
                await asyncio.sleep(0)
        await keeper.at_the_end(session, lambda: {"seconds": 2.0})


def saved(events: list[dict[str, Any]]) -> list[int]:
    return [event["round"] for event in events if event["event"] == "checkpoint"]


def test_keeps_a_run_every_k_rounds_and_at_its_end(tmp_path: Path) -> None:
    events: list[dict[str, Any]] = []

    asyncio.run(keep(tmp_path, rounds=7, every=3, events=events))

    assert saved(events) == [3, 6, 7]
    assert Path(events[-1]["file"]).name == "round-0000000007.npz"
    found = find_checkpoint(tmp_path, PREPARED.experiment)
    assert found is not None
    assert found.ledger == {"seconds": 2.0}
    assert found.rounds_bytes == (tmp_path / "rounds.jsonl").stat().st_size


def test_goes_on_when_a_checkpoint_cannot_be_written(tmp_path: Path) -> None:
    events: list[dict[str, Any]] = []
    (tmp_path / "checkpoints").write_text("in the way")

    asyncio.run(keep(tmp_path, rounds=3, every=1, events=events))

    assert [(event["event"], event["round"]) for event in events] == [
        ("no_checkpoint", 1),
        ("no_checkpoint", 2),
        ("no_checkpoint", 3),
        ("no_checkpoint", 3),
    ]
    assert "Not a directory" in events[0]["reason"]
    assert (tmp_path / "rounds.jsonl").read_text().count("\n") == 3


def test_keeps_nothing_of_a_round_whose_line_is_lost(tmp_path: Path) -> None:
    events: list[dict[str, Any]] = []

    asyncio.run(keep(tmp_path, rounds=5, every=3, events=events, lost=True))

    assert saved(events) == [3]
