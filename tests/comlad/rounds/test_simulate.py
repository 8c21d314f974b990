from pathlib import Path
from typing import Any

import pytest
from samples import small

from comlad.rounds import simulate
from comlad_deploy.inprocess import run_inprocess
from comlad_server.results import Results

ATTACKS: list[dict[str, Any]] = [
    {"kind": "sign-flip"},
    {"kind": "crash", "since": 1},
    {"kind": "non-finite"},
    {"kind": "mimic", "warmup": 1},
    {"kind": "quantizer-range"},
]
COMPRESSORS: list[dict[str, Any]] = [
    {"kind": "identity"},
    {"kind": "random-sparsification", "keep": 3},
    {"kind": "stochastic-quantization", "range": [-100.0, 100.0]},
]


@pytest.mark.parametrize("compressor", COMPRESSORS, ids=lambda table: table["kind"])
@pytest.mark.parametrize("attack", ATTACKS, ids=lambda table: table["kind"])
def test_reaches_the_model_of_an_engine_that_moves_messages(
    attack: dict[str, Any], compressor: dict[str, Any], tmp_path: Path
) -> None:
    prepared = small(attack=attack, compressor=compressor, rounds=5)

    *_, (state, _) = simulate(prepared)

    with Results(tmp_path, prepared.experiment) as results:
        run_inprocess(prepared, results)
    model = (tmp_path / "model.npy").read_bytes()
    assert model.endswith(state.model.tobytes())


def test_gives_every_round() -> None:
    rounds = [state.round for state, _ in simulate(small(rounds=4))]

    assert rounds == [1, 2, 3, 4]
