from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from numpy.typing import NDArray
from samples import answers, dense, first_plan, fresh_rng, small

from comlad.aggregation import Aggregation, Context, Mean
from comlad.compression import Dense, Payload, Sparse
from comlad.experiment import Prepared, byzantine_devices
from comlad.rounds import Outcome, State, close_round, initial_state

LONG = {"kind": "linear-regression", "dimension": 80}
QUORUM = "devices.quorum=4", "devices.byzantine=0"
ROBUST = {"kind": "trimmed-mean", "before": [{"kind": "nnm"}]}


def all_answers(prepared: Prepared) -> dict[int, Payload]:
    return dict(enumerate(answers(prepared, first_plan(prepared))))


def close(prepared: Prepared, payloads: dict[int, Payload], refused: int = 0) -> State:
    plan, before = first_plan(prepared), initial_state(prepared)
    state, _ = close_round(prepared, plan, before, payloads, refused)
    return state


def skipped(prepared: Prepared, payloads: dict[int, Payload]) -> str | None:
    before = State(4, fresh_rng().normal(0, 1, 6))
    state, outcome = close_round(prepared, first_plan(prepared), before, payloads)
    assert state.round == 5
    if outcome.skipped is not None:
        assert state.model.tobytes() == before.model.tobytes()
        assert outcome.update_norm == 0
    return outcome.skipped


def test_steps_along_the_aggregate() -> None:
    prepared = small(aggregator={"kind": "mean"}, step={"learning_rate": 0.5})
    payloads: dict[int, Payload] = {device: Dense(np.full(6, device + 1.0)) for device in range(5)}
    before = State(0, np.full(6, 10.0))

    state, outcome = close_round(prepared, first_plan(prepared), before, payloads)

    assert state.round == 1
    assert state.model.tolist() == [8.5] * 6
    assert outcome.update_norm == pytest.approx(1.5 * np.sqrt(6))
    assert outcome.skipped is None


@pytest.mark.parametrize("seed", range(5))
def test_does_not_care_who_answered_first(seed: int) -> None:
    prepared = small("devices.count=30", "devices.byzantine=9", aggregator=ROBUST)
    payloads = all_answers(prepared)
    arrival = fresh_rng(seed).permutation(30).tolist()

    late = close(prepared, {device: payloads[device] for device in arrival})

    assert late.model.tobytes() == close(prepared, payloads).model.tobytes()


def test_leaves_the_state_and_the_answers_alone() -> None:
    prepared = small(aggregator=ROBUST)
    state, payloads = initial_state(prepared), all_answers(prepared)
    before = {device: payload.floats().tobytes() for device, payload in payloads.items()}
    state.model.flags.writeable = False

    close_round(prepared, first_plan(prepared), state, payloads)

    assert state.round == 0
    assert {device: payload.floats().tobytes() for device, payload in payloads.items()} == before


@dataclass(frozen=True)
class Witness:
    """A rule that remembers what it was asked."""

    asked: list[tuple[int, int]] = field(default_factory=list)

    def check(self, n: int, f: int) -> None:
        self.asked.append((n, f))

    def __call__(self, vectors: NDArray[np.float64], context: Context) -> NDArray[np.float64]:
        self.asked.append((len(vectors), context.f))
        return Mean()(vectors, context)


def with_rule(prepared: Prepared, witness: Witness) -> Prepared:
    experiment = replace(prepared.experiment, aggregator=Aggregation(witness))
    witness.asked.clear()
    return replace(prepared, experiment=experiment)


class TestAbsentDevices:
    @pytest.mark.parametrize(("refused", "f"), [(0, 3), (1, 2), (3, 0), (5, 0)])
    def test_are_so_many_liars_less_if_they_were_refused(self, refused: int, f: int) -> None:
        prepared = small("devices.count=9", "devices.byzantine=3")
        payloads, witness = all_answers(prepared), Witness()
        there = dict(list(payloads.items())[refused:])

        close(with_rule(prepared, witness), there, refused)

        assert witness.asked == [(9 - refused, f)] * 2

    @pytest.mark.parametrize(
        ("what", "missing", "f"), [("fault", 1, 2), ("fault", 4, 0), ("late", 1, 3), ("late", 3, 3)]
    )
    def test_are_so_many_liars_less_if_missing_is_a_fault(
        self, what: str, missing: int, f: int
    ) -> None:
        prepared = small("devices.count=9", "devices.byzantine=3", f"devices.missing='{what}'")
        payloads, witness = all_answers(prepared), Witness()
        there = dict(list(payloads.items())[missing:])

        close(with_rule(prepared, witness), there)

        assert witness.asked == [(9 - missing, f)] * 2

    def test_are_counted_against_what_is_tolerated_where_that_is_given(self) -> None:
        prepared = small("devices.count=9", "devices.byzantine=1", "devices.tolerate=4")
        payloads, witness = all_answers(prepared), Witness()
        del payloads[3]

        close(with_rule(prepared, witness), payloads, 1)

        assert witness.asked == [(8, 3)] * 2

    def test_are_left_out_of_the_aggregate(self) -> None:
        prepared = small(
            "devices.tolerate=0", aggregator={"kind": "mean"}, step={"learning_rate": 1}
        )
        payloads: dict[int, Payload] = {2: Dense(np.full(6, 1.0)), 4: Dense(np.full(6, 5.0))}

        assert close(prepared, payloads).model.tolist() == [-3.0] * 6


class TestVectorsThatAreNotFinite:
    @pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
    def test_are_left_out_as_so_many_liars_less(self, value: float) -> None:
        prepared = small("devices.count=9", "devices.byzantine=3", aggregator=ROBUST)
        payloads = all_answers(prepared)
        spoilt = payloads | {2: Dense(np.array([0, 0, value, 0, 0, 0]))}

        state = close(prepared, spoilt)

        del payloads[2]
        assert state.model.tobytes() == close(prepared, payloads, 1).model.tobytes()

    def test_are_left_out_among_sparse_ones(self) -> None:
        prepared = small(aggregator={"kind": "mean"}, problem=LONG, step={"learning_rate": 1})
        payloads: dict[int, Payload] = {
            device: Sparse(80, np.array([device]), np.ones(1)) for device in range(4)
        }
        payloads[4] = Sparse(80, np.array([7]), np.array([np.nan]))

        state = close(prepared, payloads)

        assert state.model.tolist() == [-0.25] * 4 + [0] * 76


class TestSkips:
    def test_a_round_that_nobody_answered(self) -> None:
        assert skipped(small(), {}) == "nobody answered"

    def test_a_round_with_fewer_answers_than_the_quorum(self) -> None:
        prepared = small(*QUORUM, "devices.too_few='skip'", aggregator={"kind": "mean"})
        payloads = {device: all_answers(prepared)[device] for device in (0, 1, 4)}

        assert skipped(prepared, payloads) == "3 of 5 devices answered: must be 4, the quorum"
        payloads[2] = all_answers(prepared)[2]
        assert skipped(prepared, payloads) is None

    @pytest.mark.parametrize("too_few", ["repeat", "stop"])
    def test_no_round_below_a_quorum_that_came_after_it_had_closed(self, too_few: str) -> None:
        """For one that it was opened with, it would have waited."""
        prepared = small(*QUORUM, f"devices.too_few='{too_few}'", aggregator={"kind": "mean"})
        payloads = {device: all_answers(prepared)[device] for device in (0, 1, 4)}

        assert skipped(prepared, payloads) is None
        assert skipped(prepared, {}) == "nobody answered"

    def test_a_round_with_too_few_answers_for_the_rule(self) -> None:
        prepared = small()
        payloads = {device: all_answers(prepared)[device] for device in (0, 1)}

        message = "trim = 1: drops 1 at each end and leaves none of 2 vectors; must be less"
        assert skipped(prepared, payloads) == message

    def test_a_step_out_of_the_finite_numbers(self) -> None:
        prepared = small(aggregator={"kind": "mean"}, step={"learning_rate": 100})
        payloads: dict[int, Payload] = {device: Dense(np.zeros(6)) for device in range(5)}
        payloads[3] = Dense(np.array([0, 0, 1e308, 0, 0, 0]))

        assert skipped(prepared, payloads) == "the step would leave the finite numbers"

    def test_nothing_else(self) -> None:
        prepared = small()

        assert skipped(prepared, all_answers(prepared)) is None


class TestCodesThatAreDecoded:
    def prepared(self, **coding: object) -> Prepared:
        """Nine devices of which two lie, as the code corrects."""
        return small(
            "devices.count=9",
            "devices.byzantine=2",
            coding={"kind": "draco-cyclic", "load": 5} | coding,
            compressor={"kind": "identity"},
            step={"learning_rate": 1},
        )

    def close(self, prepared: Prepared, payloads: dict[int, Payload]) -> tuple[State, Outcome]:
        return close_round(prepared, first_plan(prepared), initial_state(prepared), payloads)

    def mean(self, prepared: Prepared) -> NDArray[np.float64]:
        """Of all gradients at x_0 = 0."""
        gradients = prepared.objective.gradients(np.zeros(6), np.arange(9))
        mean: NDArray[np.float64] = gradients.mean(axis=0)
        return mean

    @pytest.mark.parametrize(
        "coding",
        [
            {"kind": "draco-cyclic"},
            {"kind": "draco-cyclic", "values": "real"},
            {"kind": "draco-repetition", "load": 9},
        ],
    )
    def test_step_along_the_mean_of_all_gradients(self, coding: dict[str, object]) -> None:
        prepared = self.prepared(**coding)

        state, outcome = self.close(prepared, all_answers(prepared))

        assert -state.model == pytest.approx(self.mean(prepared), rel=1e-12)
        assert outcome.suspects == tuple(byzantine_devices(prepared.experiment.devices, 1))
        assert not outcome.decode_failed
        assert outcome.skipped is None

    def test_remember_suspects_for_the_next_round(self) -> None:
        prepared = self.prepared()

        state, outcome = self.close(prepared, all_answers(prepared))

        assert state.decoding["suspects"].tolist() == list(outcome.suspects)

    def test_do_without_absent_devices(self) -> None:
        prepared = self.prepared()
        payloads = all_answers(prepared)
        liars = byzantine_devices(prepared.experiment.devices, 1)
        for device in liars:
            del payloads[device]

        state, outcome = self.close(prepared, payloads)

        assert -state.model == pytest.approx(self.mean(prepared), rel=1e-12)
        assert outcome.suspects == ()

    def failing(self, prepared: Prepared) -> dict[int, Payload]:
        """Answers of which nobody can tell which are honest."""
        width = prepared.width
        return {device: Dense(fresh_rng(device).normal(0, 1, width)) for device in range(9)}

    def test_skip_a_round_that_cannot_be_decoded(self) -> None:
        prepared = self.prepared()

        state, outcome = self.close(prepared, self.failing(prepared))

        assert outcome.decode_failed
        assert outcome.skipped == "DECODE_FAILED: no set of liars explains the vectors"
        assert outcome.suspects == ()
        assert not state.model.any()

    def test_or_leave_it_to_the_rule(self) -> None:
        prepared = self.prepared(on_failure="aggregate")
        payloads = self.failing(prepared)

        state, outcome = self.close(prepared, payloads)

        # The real parts of what was sent.
        vectors = np.array([dense(payloads[device])[:6] for device in range(9)])
        rule = prepared.experiment.aggregator
        assert -state.model == pytest.approx(rule(vectors, Context(2, fresh_rng())))
        assert outcome.decode_failed
        assert outcome.skipped is None


@pytest.mark.parametrize(("before", "value"), [(0.0, 1e200), (-1e308, -1.5e308)])
def test_takes_a_step_too_long_to_measure(before: float, value: float) -> None:
    prepared = small(aggregator={"kind": "mean"}, step={"learning_rate": 1})
    payloads: dict[int, Payload] = {0: Dense(np.full(6, value))}

    state, outcome = close_round(
        prepared, first_plan(prepared), State(0, np.full(6, before)), payloads
    )

    assert state.model.tolist() == [before - value] * 6
    assert outcome == Outcome(np.inf)


def test_finds_no_liar_too_large_to_ignore() -> None:
    prepared = small("devices.byzantine=1", aggregator=ROBUST, compressor={"kind": "identity"})
    payloads = all_answers(prepared)
    liar = 2
    honest = np.array([payloads[d].values for d in range(5) if d != liar])
    payloads[liar] = Dense(np.full(6, 1e200))

    state = close(prepared, payloads)

    aggregate = -state.model / 1e-4
    assert np.abs(aggregate).max() <= np.abs(honest).max()
