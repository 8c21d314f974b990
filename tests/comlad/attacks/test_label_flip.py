from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from attack_samples import Given, regression_view
from numpy.typing import NDArray
from samples import dense, first_plan, small

from comlad.attacks import LabelFlip
from comlad.compression import Payload
from comlad.errors import ConfigError
from comlad.experiment import Prepared
from comlad.problems import Data, Objective, SoftmaxRegression
from comlad.rounds import (
    Answered,
    Memories,
    Site,
    State,
    device_messages,
    initial_state,
    local_site,
    plan_round,
)

LIAR = 3


def prepared_with(*assignments: str, **changes: Any) -> Prepared:
    """Five devices, of which one flips the labels."""
    uncompressed = {"attack": {"kind": "label-flip"}, "compressor": {"kind": "identity"}}
    return small(f"devices.byzantine=[{LIAR}]", *assignments, **uncompressed | changes)


def flipped(prepared: Prepared) -> Objective:
    """The functions on targets of the other sign, from the data."""
    train = prepared.data.train
    targets = -train["targets"].astype(np.float64)
    return prepared.experiment.problem.objective(Data({**train, "targets": targets}))


def honestly_on(site: Site, objective: Objective) -> Site:
    """The same process without an attack, on other data."""
    return replace(site, objective=objective, attack=None)


def bits(payloads: Sequence[Payload | None]) -> list[bytes]:
    """What each device has sent."""
    return [dense(payload).tobytes() for payload in payloads if payload is not None]


def test_flips_numbers_to_those_of_the_other_sign() -> None:
    prepared, model = prepared_with(), np.linspace(-1, 1, 6)

    poisoned = LabelFlip().poisoned(prepared.objective)

    found, right = (o.gradients(model, np.arange(5)) for o in (poisoned, flipped(prepared)))
    assert found.tobytes() == right.tobytes()


def test_flips_classes_to_the_opposite_ones() -> None:
    problem = SoftmaxRegression()
    data = problem.load(7, 0)
    labels = data.train["labels"]
    right = problem.objective(Data({**data.train, "labels": 9 - labels}))
    model = np.linspace(-0.1, 0.1, right.dimension)

    poisoned = LabelFlip().poisoned(problem.objective(data))

    assert set(labels.tolist()) == set(range(10))
    found = poisoned.gradients(model, np.array([3]))
    assert found.tobytes() == right.gradients(model, np.array([3])).tobytes()


def test_keeps_the_classes_where_the_first_does_not_occur() -> None:
    problem = SoftmaxRegression()
    train = problem.load(7, 0).train
    later = Data({**train, "labels": np.maximum(train["labels"].astype(np.int64), 1)})
    objective = problem.objective(later)

    flipped = objective.with_flipped_labels()

    assert flipped.dimension == objective.dimension
    assert flipped.labels.max() == 8
    assert objective.labels.max() == 9


def test_sends_the_coded_gradient_of_the_flipped_data() -> None:
    prepared = prepared_with()
    site, plan = local_site(prepared), plan_round(prepared, State(2, np.linspace(-1, 1, 6)))

    payloads, _ = device_messages(site, plan, {})

    right, _ = device_messages(honestly_on(site, flipped(prepared)), plan, {})
    truth, _ = device_messages(honestly_on(site, prepared.objective), plan, {})
    assert bits(payloads) == [*bits(truth[:LIAR]), *bits(right[LIAR:4]), *bits(truth[4:])]
    assert bits(right[LIAR:4]) != bits(truth[LIAR:4])


@pytest.mark.parametrize(
    ("estimator", "name"),
    [
        ({"kind": "ef21-sgdm"}, "momentum"),
        ({"kind": "byz-vr-dm21"}, "momentum"),  # with gradients at the model before, too
        ({"kind": "byz-dasha-page", "probability": 0.5}, "gradient"),
    ],
)
def test_has_an_estimator_remember_what_is_of_the_flipped_data(
    estimator: dict[str, Any], name: str
) -> None:
    compressor = {"kind": "random-sparsification", "keep": 4}
    prepared = prepared_with(estimator=estimator, compressor=compressor)
    site = local_site(prepared)
    other = honestly_on(site, flipped(prepared))
    memories: Memories = {}
    on_flipped: Memories = {}

    for round in range(4):
        answered = dict.fromkeys(range(5), Answered(round)) if round else {}
        state = State(round, np.linspace(-1, 1, 6) * round, answered=answered)
        plan = plan_round(prepared, state)
        payloads, memories = device_messages(site, plan, memories)
        honest, on_flipped = device_messages(other, plan, on_flipped)

    assert bits(payloads)[LIAR] == bits(honest)[LIAR]
    found, right = (all_of[LIAR].estimator[name] for all_of in (memories, on_flipped))
    assert found.tobytes() == right.tobytes()
    assert memories[0].estimator[name].tobytes() != on_flipped[0].estimator[name].tobytes()


def test_draws_the_samples_that_an_honest_device_would() -> None:
    prepared = prepared_with("sampling.batch=2", problem={"kind": "least-squares", "samples": 40})
    site, state = local_site(prepared), initial_state(prepared)
    plan = plan_round(prepared, replace(state, model=np.ones_like(state.model)))

    payloads, _ = device_messages(site, plan, {})

    poisoned = LabelFlip().poisoned(prepared.objective)
    right, _ = device_messages(honestly_on(site, poisoned), plan, {})
    assert bits(payloads)[LIAR] == bits(right)[LIAR]


def test_leaves_the_data_alone() -> None:
    prepared = prepared_with()
    model, subsets = np.ones(6), np.arange(5)
    before = prepared.objective.gradients(model, subsets).tobytes()

    device_messages(local_site(prepared), first_plan(prepared), {})

    assert prepared.objective.gradients(model, subsets).tobytes() == before


def test_lies_in_the_rounds_in_which_it_does_only() -> None:
    prepared = prepared_with()
    site = replace(local_site(prepared), liars=lambda round: frozenset({LIAR} if round else ()))
    honest = honestly_on(site, prepared.objective)

    lied = []
    for round in range(2):
        plan = plan_round(prepared, State(round, np.ones(6)))
        (sent, _), (truth, _) = (device_messages(each, plan, {}) for each in (site, honest))
        lied.append(bits(sent) != bits(truth))

    assert lied == [False, True]


def test_says_what_an_honest_device_would_of_what_it_sees() -> None:
    view = regression_view()

    assert LabelFlip()(view) is view.honest


def test_flips_the_labels_once_for_all_liars_of_a_process() -> None:
    asked = []

    class Counting(Given):
        def with_flipped_labels(self) -> Given:
            asked.append(1)
            return super().with_flipped_labels()

    prepared = prepared_with("devices.byzantine=[1, 2]")
    site = replace(local_site(prepared), objective=Counting(np.ones((5, 6))))

    device_messages(site, first_plan(prepared), {})

    assert asked == [1]


def test_says_so_where_there_are_no_labels() -> None:
    class Unlabelled:
        dimension = 2

        def gradients(
            self, model: NDArray[np.float64], subsets: NDArray[np.intp]
        ) -> NDArray[np.float64]:
            return np.ones((len(subsets), 2))

        def loss(self, model: NDArray[np.float64]) -> float:
            return 0.0

        def accuracy(self, model: NDArray[np.float64]) -> float | None:
            return None

    with pytest.raises(ConfigError, match=r"^label-flip: the problem says of no labels"):
        LabelFlip().poisoned(Unlabelled())
