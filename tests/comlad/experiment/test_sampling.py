"""Which part of the samples a device looks at."""

import numpy as np
import pytest
from samples import small

from comlad.errors import ConfigError
from comlad.experiment import Sampling
from comlad.problems import Data, Objective

PREPARED = small(problem={"kind": "least-squares", "samples": 20, "dimension": 30})


def objective_of(*sizes: int) -> Objective:
    """Five subsets of so many samples."""
    train = {**PREPARED.data.train, "sizes": np.array(sizes)}
    return PREPARED.experiment.problem.objective(Data(train))


@pytest.mark.parametrize(("batch", "share"), [(None, 1.0), (1, 0.25), (3, 0.65), (20, 1.0)])
def test_is_of_each_subset_no_more_than_it_has(batch: int | None, share: float) -> None:
    assert Sampling(batch).share(objective_of(2, 2, 4, 6, 6)) == share


def test_is_nothing_of_a_subset_without_samples() -> None:
    empty = objective_of(8, 0, 4, 4, 4)

    with pytest.raises(ConfigError) as caught:
        Sampling(3).share(empty)

    assert str(caught.value) == "batch = 3: must be left out where a subset has no samples"


def test_is_all_of_them_without_a_batch() -> None:
    assert Sampling().share(objective_of(8, 0, 4, 4, 4)) == 1.0
