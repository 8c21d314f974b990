"""The demo as a stranger runs it, in few rounds."""

import json
from pathlib import Path

import pytest
from cluster import run_comlad

pytestmark = pytest.mark.integration


def test_compares_four_defences_and_draws_them(tmp_path: Path) -> None:
    out = tmp_path / "demo"

    done = run_comlad("demo", "--rounds", 40, "--out", out)

    summary = json.loads((out / "summary.json").read_text())
    accuracies = [defence["accuracy"] for defence in summary["defences"]]
    assert done.returncode == 0, done.stderr
    assert done.stdout.rstrip().endswith(str(out / "demo.png"))
    assert (out / "demo.png").read_bytes().startswith(b"\x89PNG")
    assert len(accuracies) == 4
    assert accuracies[3] > accuracies[2] > max(accuracies[:2])
    for defence in summary["defences"]:
        assert (Path(defence["directory"]) / "rounds.jsonl").exists()
        assert 0 < defence["uplink_ratio"] < 0.3
