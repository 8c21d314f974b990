import sys
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from comlad.errors import ConfigError
from comlad_deploy.demo import DEFENCES, run_demo
from comlad_deploy.figures import COLOURS, Curve, defences_figure
from comlad_deploy.text import defences_table, describe_columns, readable_bytes

PNG = b"\x89PNG\r\n\x1a\n"


def entry(name: str, accuracy: float = 0.75, **changes: Any) -> dict[str, Any]:
    """A defence as in summary.json."""
    count = {"payload": 2_925_000, "message": 3_001_700, "tcp": 3_127_036}
    return {
        "name": name,
        "accuracy": accuracy,
        "loss": 1.25,
        "bytes": {"up": count, "down": {layer: 5 * count[layer] for layer in count}},
        "dense_float64_bytes": 15_600_000,
        "uplink_ratio": 0.2,
        "wall_seconds": 3.46,
        **changes,
    }


def shown(entries: list[dict[str, Any]], width: int = 80) -> list[str]:
    console = Console(width=width, highlight=False)
    with console.capture() as capture:
        console.print(defences_table(entries))
    return capture.get().splitlines()


def curve(name: str, rounds: int, accuracy: float = 0.5) -> Curve:
    count = range(1, rounds + 1)
    return Curve(name, count, [10_400 * number for number in count], [accuracy] * rounds)


def test_sets_four_defences_against_the_same_liars() -> None:
    slugs = [defence.slug for defence in DEFENCES]

    assert slugs == [
        "mean",
        "trimmed-mean",
        "nnm-trimmed-mean",
        "com-lad-nnm-trimmed-mean-load-3",
    ]
    assert [defence.load for defence in DEFENCES] == [1, 1, 1, 3]


def test_fits_the_table_into_80_columns() -> None:
    lines = shown([entry(defence.name) for defence in DEFENCES])

    assert max(map(len, lines)) <= 80
    assert not any("…" in line for line in lines)


def test_shows_a_defence_on_two_lines_up_and_down() -> None:
    up, down = shown([entry("mean")])[-2:]

    assert " ".join(up.split()) == "mean 0.750 1.250 up 2.92 3.00 3.13 20.0% 3.5"
    assert " ".join(down.split()) == "down 14.62 15.01 15.64"


def test_shows_a_dash_for_a_layer_that_was_not_counted() -> None:
    counts = {"up": {"payload": 10, "message": 12}, "down": {"payload": 50, "message": 52}}

    up, down = shown([entry("mean", bytes=counts)])[-2:]

    assert " ".join(up.split()) == "mean 0.750 1.250 up 10.00 12.00 – 20.0% 3.5"
    assert " ".join(down.split()) == "down 50.00 52.00 –"


def test_shows_a_loss_that_is_not_finite() -> None:
    up, down = shown([entry("mean", loss=None)])[-2:]

    assert (up.split()[2], down.split()[0]) == ("not", "finite")


@pytest.mark.parametrize(("layers", "named"), [(3, "tcp"), (2, "message")])
def test_says_what_is_compared_with_dense_vectors(layers: int, named: str) -> None:
    counts = dict(list(entry("mean")["bytes"]["up"].items())[:layers])

    text = describe_columns([entry("mean", bytes={"up": counts, "down": counts})])

    assert f"up at {named}, compared with 15.6 MB" in text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.00 kB"),
        (99_960, "100 kB"),
        (999_600, "1.00 MB"),
        (3_127_036, "3.13 MB"),
        (123_400_000_000, "123 GB"),
    ],
)
def test_writes_bytes_with_three_digits(count: int, text: str) -> None:
    assert readable_bytes(count) == text


@pytest.mark.parametrize("rounds", [1, 2, 300])
def test_draws_a_picture(tmp_path: Path, rounds: int) -> None:
    path = tmp_path / "demo.png"
    curves = [curve(defence.name, rounds) for defence in DEFENCES]

    defences_figure(path, curves, title="t", setting="s", layer="tcp", dense=52_000 * rounds)

    assert path.read_bytes().startswith(PNG)


def test_draws_more_defences_than_there_are_colours(tmp_path: Path) -> None:
    path = tmp_path / "demo.png"
    curves = [curve(str(number), 3) for number in range(len(COLOURS) + 2)]

    defences_figure(path, curves, title="t", setting="s", layer="message", dense=10**6)

    assert path.read_bytes().startswith(PNG)


@pytest.mark.parametrize(
    ("rounds", "seed", "complaint"),
    [
        (0, 0, "--rounds = 0: must be at least 1"),
        (300, -1, "--seed = -1: must be from 0"),
        (300, 2**63, "--seed = 9223372036854775808: must be from 0"),
    ],
)
def test_refuses_options_before_anything_starts(
    tmp_path: Path, rounds: int, seed: int, complaint: str
) -> None:
    with pytest.raises(ConfigError, match=complaint):
        run_demo(tmp_path / "out", rounds, seed, as_json=False)

    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("module", "package"),
    [("matplotlib", "matplotlib"), ("rich", "rich"), ("sklearn", "scikit-learn")],
)
def test_names_the_remedy_for_a_missing_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str, package: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)

    with pytest.raises(ConfigError, match=rf"needs {package}, .*pip install 'comlad\[lab\]'"):
        run_demo(tmp_path / "out", 300, 0, as_json=False)

    assert not (tmp_path / "out").exists()


def test_refuses_a_directory_it_cannot_write_to(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")

    with pytest.raises(ConfigError, match=r"--out .*: cannot write there"):
        run_demo(tmp_path / "out", 300, 0, as_json=False)
