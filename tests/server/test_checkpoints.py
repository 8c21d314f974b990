"""Checkpoints on disk: whole, torn and foreign ones."""

import json
import zipfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from samples import fresh_rng, small

from comlad.errors import ConfigError
from comlad.experiment import Prepared
from comlad.session import Session
from comlad_server.checkpoints import Checkpoint, Checkpoints, find_checkpoint

PREPARED = small("rounds=100")


def session_after(rounds: int, prepared: Prepared = PREPARED) -> Session:
    session = Session(prepared)
    for _ in range(rounds):
        session.close_round(session.open_round())
    return session


def save(out: Path, *rounds: int, prepared: Prepared = PREPARED) -> list[Path]:
    """Checkpoints after so many rounds, by one run."""
    out.mkdir(exist_ok=True)
    checkpoints = Checkpoints(out, prepared.experiment, 1)
    return [
        checkpoints.save(Checkpoint(session_after(count, prepared).snapshot(), 0, {"seconds": 2}))
        for count in rounds
    ]


def find(out: Path, path: Path | None = None, prepared: Prepared = PREPARED) -> Checkpoint:
    found = find_checkpoint(out, prepared.experiment, path)
    assert found is not None
    return found


def complaint(out: Path, path: Path | None = None, prepared: Prepared = PREPARED) -> str:
    with pytest.raises(ConfigError) as caught:
        find(out, path, prepared)
    message = str(caught.value)
    assert "\n" not in message
    return message


def names(out: Path) -> list[str]:
    return sorted(path.name for path in (out / "checkpoints").iterdir())


class TestACheckpoint:
    def test_is_found_as_it_was_saved(self, tmp_path: Path) -> None:
        (path,) = save(tmp_path, 3)

        found = find(tmp_path)

        saved = session_after(3).snapshot()
        assert found.path == path
        assert found.ledger == {"seconds": 2}
        assert found.snapshot.round == 3
        assert found.snapshot.report == json.loads(json.dumps(saved.report))
        assert found.snapshot.arrays.keys() == saved.arrays.keys()
        assert found.snapshot.arrays["model"].tobytes() == saved.arrays["model"].tobytes()

    def test_is_not_there_in_a_new_directory(self, tmp_path: Path) -> None:
        assert find_checkpoint(tmp_path / "new", PREPARED.experiment) is None

    def test_is_the_newest_of_two_that_are_kept(self, tmp_path: Path) -> None:
        save(tmp_path, 1, 2, 10, 9)

        assert names(tmp_path) == ["round-0000000009.npz", "round-0000000010.npz"]
        assert find(tmp_path).snapshot.round == 10

    def test_is_not_a_draft_that_was_left_behind(self, tmp_path: Path) -> None:
        """As by a program that was killed while it wrote."""
        (path,) = save(tmp_path, 2)
        path.with_name("round-0000000009.draft").write_bytes(path.read_bytes()[:100])

        assert find(tmp_path).snapshot.round == 2
        save(tmp_path, 9)
        assert find(tmp_path).snapshot.round == 9
        assert names(tmp_path) == ["round-0000000002.npz", "round-0000000009.npz"]

    def test_stays_when_the_next_one_cannot_be_written(self, tmp_path: Path) -> None:
        save(tmp_path, 2)
        (tmp_path / "checkpoints" / "round-0000000003.draft").mkdir()

        with pytest.raises(OSError, match=r"round-0000000003\.draft"):
            save(tmp_path, 3)

        assert find(tmp_path).snapshot.round == 2

    def test_can_be_looked_at_with_numpy(self, tmp_path: Path) -> None:
        (path,) = save(tmp_path, 2)

        with np.load(path) as arrays:
            assert arrays["model"].shape == (6,)

    def test_is_due_every_k_rounds_and_at_the_end(self, tmp_path: Path) -> None:
        checkpoints = Checkpoints(tmp_path, PREPARED.experiment, 3)

        assert [checkpoints.due(rounds) for rounds in range(5)] == [False] * 3 + [True] * 2
        assert not checkpoints.due(0, at_the_end=True)
        checkpoints.save(Checkpoint(session_after(4).snapshot(), 0))
        assert [checkpoints.due(rounds) for rounds in (4, 6, 7)] == [False, False, True]
        assert not checkpoints.due(4, at_the_end=True)
        assert checkpoints.due(5, at_the_end=True)


def flipped(data: bytes, place: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 0x10]) + data[place + 1 :]


class TestATornCheckpoint:
    def damaged(self, out: Path, change: Callable[[bytes], bytes]) -> str:
        older, newer = save(out, 2, 4)
        newer.write_bytes(change(newer.read_bytes()))

        message = complaint(out)

        assert message.startswith(f"checkpoint {newer}: is torn, or no checkpoint (")
        assert message.endswith(f"; the one before it can be used: --resume-from {older}")
        assert find(out, older).snapshot.round == 2
        return message

    @pytest.mark.parametrize("part", [0.0, 0.01, 0.3, 0.5, 0.9, 0.99])
    def test_is_refused_by_name_and_the_one_before_offered(
        self, tmp_path: Path, part: float
    ) -> None:
        message = self.damaged(tmp_path, lambda data: data[: int(part * len(data))])

        assert "its end is not the SHA-256 of the rest" in message

    def test_is_refused_if_something_follows_it(self, tmp_path: Path) -> None:
        self.damaged(tmp_path, lambda data: data + b"\0")

    def test_is_refused_with_a_hole(self, tmp_path: Path) -> None:
        """As some file systems leave after a power cut."""
        self.damaged(tmp_path, lambda data: data[:100] + bytes(400) + data[500:])

    def test_is_refused_whichever_byte_is_another(self, tmp_path: Path) -> None:
        """Headers included, some of whose bytes the format has no checksum for."""
        (path,) = save(tmp_path, 2)
        data, bad = path.read_bytes(), tmp_path / "bad.npz"

        for place in {*range(0, len(data), 5), *range(len(data) - 40, len(data))}:
            bad.write_bytes(flipped(data, place))
            assert "is torn, or no checkpoint" in complaint(tmp_path, bad)

    def test_is_refused_without_an_offer_if_it_is_alone(self, tmp_path: Path) -> None:
        (path,) = save(tmp_path, 2)
        path.write_bytes(b"")

        assert "--resume-from" not in complaint(tmp_path)


class TestAForeignCheckpoint:
    def test_is_refused_if_it_is_of_another_experiment(self, tmp_path: Path) -> None:
        _, newer = save(tmp_path, 2, 4)

        message = complaint(tmp_path, prepared=small("rounds=100", "seed=2"))

        # Nor is the one before it offered, which is no better.
        assert message == (
            f"checkpoint {newer}: is of another experiment: all but name, rounds, deadline_s, "
            "too_few, repeats and, unless it skips, quorum must be equal"
        )

    def test_is_refused_if_the_run_is_to_be_shorter(self, tmp_path: Path) -> None:
        save(tmp_path, 4)

        message = complaint(tmp_path, prepared=small("rounds=3"))

        assert "is of 4 rounds: the experiment must have as many at least" in message
        assert find(tmp_path, prepared=small("rounds=4")).snapshot.round == 4
        assert find(tmp_path, prepared=small("rounds=1000")).snapshot.round == 4

    def test_is_refused_in_another_format(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as patch:
            patch.setattr("comlad_server.checkpoints._FORMAT", 7)
            save(tmp_path, 2)

        assert "format 7: must be 1; another comlad wrote it" in complaint(tmp_path)

    @pytest.mark.parametrize("content", [b"", b"PK\3\4", b"\x93NUMPY", b"{}", bytes(4096)])
    def test_is_refused_if_it_is_none_at_all(self, tmp_path: Path, content: bytes) -> None:
        path = tmp_path / "picture.npz"
        path.write_bytes(content)

        assert f"checkpoint {path}: is torn, or no checkpoint" in complaint(tmp_path, path)

    def test_is_refused_if_it_is_not_there_or_a_directory(self, tmp_path: Path) -> None:
        assert complaint(tmp_path, tmp_path / "no.npz").endswith("no.npz: is not there")
        assert "is torn, or no checkpoint" in complaint(tmp_path, tmp_path)

    def test_has_nothing_that_is_run_when_it_is_read(self, tmp_path: Path) -> None:
        """Not even with the right digest at its end."""
        trap = Trap(tmp_path / "sprung")
        path = tmp_path / "trap.npz"
        with path.open("wb") as file:
            np.savez(file, header=np.array([trap], object), model=np.zeros(6))
        with_digest(path)

        message = complaint(tmp_path, path)

        assert "allow_pickle" in message
        assert not trap.path.exists()

    @pytest.mark.parametrize("header", [b"", b"[]", b"{}", b"\xff", b"[" * 10_000, b'{"format":1}'])
    def test_is_refused_with_a_header_that_says_nothing(
        self, tmp_path: Path, header: bytes
    ) -> None:
        path = tmp_path / "odd.npz"
        with path.open("wb") as file:
            np.savez(file, header=np.frombuffer(header, np.uint8))
        with_digest(path)

        assert "is torn, or no checkpoint" in complaint(tmp_path, path)

    def test_is_refused_if_it_is_an_archive_of_something_else(self, tmp_path: Path) -> None:
        path = tmp_path / "archive.npz"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("header.npy", fresh_rng().bytes(100))
        with_digest(path)

        assert "is torn, or no checkpoint" in complaint(tmp_path, path)


class Trap:
    """Unpickled, it leaves a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.path,))


def with_digest(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data + sha256(data).digest())
