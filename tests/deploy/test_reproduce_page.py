"""reproduction.md says what came out, whatever it was."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from comlad_deploy.reproduce._command import _RUN
from comlad_deploy.reproduce._comparisons import Losses
from comlad_deploy.reproduce._draw import draw_losses
from comlad_deploy.reproduce._figure import LossFigure
from comlad_deploy.reproduce._page import page, read_results, summary
from comlad_deploy.reproduce._results import headline

PNG = b"\x89PNG\r\n\x1a\n"


def figure(**changes: Any) -> dict[str, Any]:
    """A figN.json."""
    return {
        "figure": "fig4",
        "title": "The message",
        "setting": "The setting.",
        "rounds": 50,
        "seeds": 2,
        "core_seconds": 75.0,
        "claims": [claim("good", holds=True), claim("bad", holds=False)],
        "curves": [curve("CWTM", [0.5, 0.75])],
        "networked": {
            "curve": "CWTM",
            "seed": 0,
            "rounds": 30,
            "processes": 4,
            "model_sha256": "ab" * 32,
            "equal": True,
        },
        "run": {
            "command": "comlad reproduce fig4",
            "workers": 2,
            "computed": 3,
            "found": 1,
            "wall_seconds": 600.0,
        },
        "versions": {"comlad": "0.1.0"},
        **changes,
    }


def claim(text: str, holds: bool, **changes: Any) -> dict[str, Any]:
    return {
        "key": text,
        "claim": text,
        "holds": holds,
        "measured": "a | b: 0.5",
        "seeds_for": 2,
        "horizons": [
            {"rounds": 25, "holds": not holds, "seeds_for": 1},
            {"rounds": 50, "holds": holds, "seeds_for": 2},
        ],
        "reasons": [],
        **changes,
    }


def curve(name: str, ratios: list[float | None], **changes: Any) -> dict[str, Any]:
    return {
        "name": name,
        "paper": True,
        "load": 1,
        "final_ratio": ratios,
        "rounds_skipped": 0,
        "rounds_not_decoded": 0,
        **changes,
    }


def test_has_a_row_for_each_claim_with_its_horizons() -> None:
    text = page([figure()])

    assert "| claim | holds | measured at T = 50 | at 25 |" in text
    assert "| good | yes | a \\| b: 0.5 | no, 1 |" in text
    assert "| bad | **no** | a \\| b: 0.5 | yes, 1 |" in text
    assert "1 of 2 claims hold" in text
    assert "| [Figure 4](#figure-4) | 1 of 2 | 50 | 2 | 75 s |" in text


def test_marks_what_other_seeds_could_turn() -> None:
    claims = [claim("good", holds=True, clear=False), claim("bad", holds=False, clear=False)]

    text = page([figure(claims=claims)])

    assert "| good | yes, within error |" in text
    assert "| bad | **no**, within error |" in text
    assert "FAILS  bad (within error)" in summary(figure(claims=claims))


def test_gives_reasons_for_what_fails_only() -> None:
    claims = [
        claim("good", holds=True, reasons=["not shown"]),
        claim("bad", holds=False, reasons=["This.", "That."]),
        claim("worse", holds=False),
    ]

    text = page([figure(claims=claims)])

    assert "- *bad*: This. That." in text
    assert "- *worse*: No reason is known." in text
    assert "not shown" not in text


def test_has_no_list_of_failures_if_there_are_none() -> None:
    assert "do not hold" not in page([figure(claims=[claim("good", holds=True)])])


def test_shows_the_losses_of_every_seed() -> None:
    curves = [curve("CWTM", [0.5, 0.75]), curve("extra", [0.5, None], paper=False, load=3)]

    text = page([figure(curves=curves)])

    assert "| CWTM | 1 | 0.5000, 0.7500 | 0.6250 |" in text
    assert "| extra (not in the paper) | 3 | 0.5000, not finite | – |" in text


def test_says_which_rounds_went_wrong() -> None:
    curves = [curve("DRACO", [0.5, 0.75], rounds_skipped=2, rounds_not_decoded=7)]

    text = page([figure(curves=curves)])

    assert "DRACO: 2 rounds in which the model stayed where it was" in text
    assert "DRACO: 7 rounds that could not be decoded" in text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "gave the same model, bit for bit, as in one process (`abababababababab…`)"),
        ({"equal": False}, "**30 rounds of CWTM, seed 0, by a server and 3 device processes over "),
        ({"equal": False, "failed": "no network"}, "real processes:** no network."),
    ],
)
def test_says_what_real_processes_gave(changes: dict[str, Any], words: str) -> None:
    point = {**figure()["networked"], **changes}

    assert words in page([figure(networked=point)])


def test_says_how_it_was_made() -> None:
    text = page([figure()])

    assert "`comlad reproduce fig4`; comlad 0.1.0." in text
    assert "3 runs were computed and 1 found from before, in 10.0 min with 2 at a time" in text


def test_reads_only_results_that_are_whole(tmp_path: Path) -> None:
    (tmp_path / "fig2.json").write_text('{"figure": "fig2"')
    (tmp_path / "fig3.json").write_text('{"figure": "fig3"}')
    (tmp_path / "fig4.json").write_text("[]")

    assert read_results(tmp_path, ["fig2", "fig3", "fig4", "fig5"]) == [{"figure": "fig3"}]


def test_tells_a_terminal_what_fails_and_why() -> None:
    claims = [claim("good", holds=True), claim("bad", holds=False, reasons=["Because."])]

    text = summary(figure(claims=claims))

    assert "Figure 4: The message.\n1 of 2 claims hold at T = 50, seeds: 2." in text
    assert "  holds  good\n  FAILS  bad\n         a | b: 0.5\n         Because." in text


def losses(figure: LossFigure, seeds: int, final: float) -> Losses:
    """Straight lines down, each curve to another end."""
    curves = {
        curve.name: np.array(
            [[100.0, (100 + final) / 2, final + place + seed / 2] for seed in range(seeds)]
        )
        for place, curve in enumerate(figure.curves)
    }
    return Losses((0, 1, 2), curves)


@pytest.mark.parametrize("key", _RUN)
@pytest.mark.parametrize(("seeds", "final"), [(1, 60.0), (5, 0.5), (2, np.inf)])
def test_draws_every_figure(tmp_path: Path, key: str, seeds: int, final: float) -> None:
    drawn = _RUN[key](True)
    path = tmp_path / "figure.png"

    draw_losses(path, drawn, losses(drawn, seeds, final), title="t", subtitle="s")

    assert path.read_bytes().startswith(PNG)


@pytest.mark.parametrize("key", _RUN)
def test_has_a_message_for_what_came_out_and_a_neutral_title_for_all_else(key: str) -> None:
    drawn = _RUN[key](False)
    text, needed = drawn.headlines[0]

    held = [{"key": key, "holds": True} for key in needed]
    assert headline(drawn, held) == text
    assert headline(drawn, []) == f"Training loss of {len(drawn.curves)} methods"
