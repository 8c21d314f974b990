import tomllib
from pathlib import PurePath
from typing import Any

import pytest
import tomli_w
from hypothesis import given, settings
from hypothesis import strategies as st
from samples import repeatable, tables

from comlad.aggregation import Aggregation, Mean, NearestNeighborMixing, TrimmedMean
from comlad.attacks import SignFlip
from comlad.coding import Cyclic
from comlad.compression import (
    Chain,
    Identity,
    Natural,
    Qsgd,
    RandomSparsification,
    ScaledSign,
    StochasticQuantization,
    TernGrad,
    TopK,
)
from comlad.estimators import (
    ByzDashaPage,
    ByzDm21,
    ByzVrDm21,
    ByzVrMarina,
    Diana,
    Ef14,
    Ef21,
    Ef21Sgdm,
    Plain,
)
from comlad.experiment import (
    Command,
    Devices,
    Downlink,
    Experiment,
    Sampling,
    read_experiment,
    write_experiment,
)
from comlad.problems import LinearRegression, SoftmaxRegression
from comlad.steps import Sgd

DESIGN = """
name = "com-lad-cwtm-nnm"
seed = 0
rounds = 5000

[devices]
count = 100
byzantine = 30
redraw = false
tolerate = 30
deadline_s = 10.0

[problem]
kind = "linear-regression"
dimension = 100
heterogeneity = 0.3

[coding]
kind = "cyclic"
load = 3

[compressor]
kind = "random-sparsification"
keep = 30
index = "auto"
values = "float32"

[aggregator]
kind = "trimmed-mean"
trim = 0.1
before = [{ kind = "nnm" }]

[attack]
kind = "sign-flip"
factor = -2.0

[step]
learning_rate = 3e-7
"""

seeds = st.integers(0, 2**63 - 1)
positive = st.floats(0, exclude_min=True, allow_infinity=False, allow_nan=False)
finite = st.floats(allow_infinity=False, allow_nan=False)
words = st.text(st.characters(codec="utf-8"))
quantizers = (
    st.builds(Qsgd, st.integers(1, 65_535))
    | st.builds(Natural, st.sampled_from(["float32", "float64"]))
    | st.builds(StochasticQuantization, st.just("data") | st.just((-1 / 3, 2.0)))
    | st.builds(ScaledSign)
    | st.builds(TernGrad)
)
shares = st.floats(0, 1, exclude_min=True)
starts = st.sampled_from(["cold", "warm"])
estimators = (
    st.builds(Plain, st.booleans())
    | st.just(Ef14())
    | st.builds(Ef21, starts)
    | st.builds(Ef21Sgdm, shares, starts)
    | st.builds(ByzDm21, shares, starts)
    | st.builds(ByzVrDm21, shares, starts)
    | st.builds(Diana, st.none() | shares)
    | st.builds(ByzVrMarina, st.none() | shares)
    | st.builds(ByzDashaPage, st.none() | shares, st.none() | shares)
)
experiments = st.builds(
    Experiment,
    name=words.filter(lambda word: word.strip() != ""),
    seed=seeds,
    rounds=st.integers(1, 2**32 - 1),
    devices=st.builds(
        Devices,
        count=st.integers(16, 1000),
        byzantine=st.integers(0, 5) | st.just((1, 3)),
        tolerate=st.none() | st.integers(0, 5),
        deadline_s=positive,
        quorum=st.none() | st.integers(1, 11),
        too_few=st.sampled_from(["repeat", "stop", "skip"]),
        repeats=st.integers(0, 10**6),
        missing=st.sampled_from(["fault", "late"]),
    ),
    problem=st.builds(
        LinearRegression,
        dimension=st.integers(1, 10**6),
        heterogeneity=positive,
        data_seed=st.none() | seeds,
        arrays=st.none() | words,
    )
    | st.builds(
        SoftmaxRegression,
        split=st.sampled_from(["label", "dirichlet", "iid"]),
        alpha=positive,
        held_out=st.floats(0.01, 0.99),
        data_seed=st.none() | seeds,
    ),
    coding=st.builds(Cyclic, st.integers(1, 11), st.sampled_from(["redrawn", "fixed"])),
    estimator=estimators,
    compressor=st.builds(Identity, st.sampled_from(["float32", "float64"]))
    | st.builds(
        RandomSparsification,
        keep=st.integers(1) | st.floats(0, 1, exclude_min=True),
        index=st.sampled_from(["auto", "gaps", "common"]),
        values=st.sampled_from(["float32", "float64"]),
        scaled=st.booleans(),
    )
    | quantizers
    | st.builds(Chain, st.builds(TopK, st.integers(1)), quantizers),
    aggregator=st.builds(
        Aggregation,
        st.just(Mean())
        | st.builds(TrimmedMean, st.none() | st.integers(0, 5) | st.floats(0, 0.49)),
        st.lists(st.just(NearestNeighborMixing())).map(tuple),
    ),
    attack=st.builds(SignFlip, finite) | st.builds(Command, st.lists(words, min_size=1).map(tuple)),
    step=st.builds(Sgd, positive, decay=st.floats(0, 1e9)),
    downlink=st.builds(
        Downlink,
        st.sampled_from(["float64", "float32"]),
        permutation=st.sampled_from(["broadcast", "own"]),
    ),
    sampling=st.builds(Sampling, st.none() | st.integers(1, 2**31 - 1)),
)


@settings(repeatable, max_examples=200)
@given(experiments)
def test_reads_back_from_toml_what_was_written(experiment: Experiment) -> None:
    text = tomli_w.dumps(write_experiment(experiment))

    assert read_experiment(tomllib.loads(text)) == experiment


def test_reads_the_experiment_of_the_design() -> None:
    experiment = read_experiment(tomllib.loads(DESIGN))

    assert experiment == Experiment(
        name="com-lad-cwtm-nnm",
        seed=0,
        rounds=5000,
        devices=Devices(100, 30, tolerate=30),
        problem=LinearRegression(),
        coding=Cyclic(3),
        estimator=Plain(),
        compressor=RandomSparsification(30),
        aggregator=Aggregation(TrimmedMean(0.1), (NearestNeighborMixing(),)),
        attack=SignFlip(),
        step=Sgd(3e-7),
        downlink=Downlink(),
    )


def test_fills_in_whatever_may_be_left_out() -> None:
    experiment = read_experiment(
        {
            "rounds": 1,
            "devices": {"count": 4},
            "problem": {"kind": "linear-regression"},
            "step": {"learning_rate": 1},
        }
    )

    assert experiment == Experiment(
        name="experiment",
        seed=0,
        rounds=1,
        devices=Devices(4),
        problem=LinearRegression(),
        coding=Cyclic(1),
        estimator=Plain(),
        compressor=Identity(),
        aggregator=Aggregation(Mean()),
        attack=None,
        step=Sgd(1.0),
        downlink=Downlink(),
    )


def test_writes_every_default_out() -> None:
    written = write_experiment(read_experiment(tables()))

    assert written["devices"]["deadline_s"] == 10.0
    assert written["devices"]["too_few"] == "repeat"
    assert written["devices"]["missing"] == "fault"
    assert "quorum" not in written["devices"]
    assert written["compressor"]["values"] == "float32"
    assert written["aggregator"]["before"] == []
    assert written["coding"]["tasks"] == "redrawn"
    assert written["sampling"] == {}


def test_writes_no_attack_where_there_is_none() -> None:
    experiment = read_experiment(tables("devices.byzantine=0", attack=None))

    written = write_experiment(experiment)

    assert "attack" not in written
    assert read_experiment(written) == experiment


def test_takes_a_list_of_one_compressor() -> None:
    single = read_experiment(tables(compressor={"kind": "identity"}))

    assert read_experiment(tables(compressor=[{"kind": "identity"}])) == single


def test_writes_a_chain_as_the_list_that_it_was() -> None:
    text = """
        [[compressor]]
        kind = "top-k"
        keep = 3

        [[compressor]]
        kind = "stochastic-quantization"
        range = [-1, 1.5]
    """
    experiment = read_experiment(tables() | tomllib.loads(text))

    written = tomli_w.dumps(write_experiment(experiment))

    assert experiment.compressor == Chain(TopK(3), StochasticQuantization((-1.0, 1.5)))
    assert written.count("[[compressor]]") == 2
    assert read_experiment(tomllib.loads(written)) == experiment


def test_leaves_its_input_alone() -> None:
    given = tables(aggregator={"kind": "mean", "before": [{"kind": "nnm"}]})

    read_experiment(given)

    assert given == tables(aggregator={"kind": "mean", "before": [{"kind": "nnm"}]})


class TestRelativePaths:
    """They are meant from the directory of the experiment file."""

    @pytest.mark.parametrize(
        ("arrays", "found"), [("mine.npz", "/exp/mine.npz"), ("/data/mine.npz", "/data/mine.npz")]
    )
    def test_of_data(self, arrays: str, found: str) -> None:
        given = tables(problem={"kind": "linear-regression", "arrays": arrays})

        problem = read_experiment(given, PurePath("/exp")).problem

        assert problem == LinearRegression(arrays=found)

    @pytest.mark.parametrize(
        ("program", "found"),
        [
            ("./attacker", "/exp/attacker"),
            ("bin/attacker", "/exp/bin/attacker"),
            ("/bin/attacker", "/bin/attacker"),
            ("python3", "python3"),  # to be looked up on the PATH
        ],
    )
    def test_of_an_attacker(self, program: str, found: str) -> None:
        given = tables(attack={"command": [program, "./argument"]})

        attack = read_experiment(given, PurePath("/exp")).attack

        assert attack == Command((found, "./argument"))

    def test_are_left_alone_without_a_directory(self) -> None:
        given: dict[str, Any] = tables(
            problem={"kind": "linear-regression", "arrays": "mine.npz"},
            attack={"command": ["./attacker"]},
        )

        experiment = read_experiment(given)

        assert experiment.problem == LinearRegression(arrays="mine.npz")
        assert experiment.attack == Command(("./attacker",))
