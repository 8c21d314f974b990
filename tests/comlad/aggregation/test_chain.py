import numpy as np
import pytest
from samples import fresh_rng

from comlad.aggregation import Aggregation, Mean, NearestNeighborMixing, TrimmedMean
from comlad.errors import ConfigError

NNM = NearestNeighborMixing()


def test_is_the_rule_itself_where_nothing_goes_before() -> None:
    vectors = fresh_rng().normal(0, 1, (6, 4))

    chained = Aggregation(TrimmedMean(2))(vectors, 1, fresh_rng())

    assert chained.tobytes() == TrimmedMean(2)(vectors, 1, fresh_rng()).tobytes()


def test_hands_each_link_what_the_one_before_it_made() -> None:
    vectors, rng = fresh_rng().normal(0, 1, (6, 4)), fresh_rng()

    chained = Aggregation(TrimmedMean(1), (NNM, NNM))(vectors, 2, fresh_rng())

    twice = NNM(NNM(vectors, 2, rng), 2, rng)
    assert chained.tobytes() == TrimmedMean(1)(twice, 2, rng).tobytes()


@pytest.mark.parametrize(
    ("chain", "n", "f", "key"),
    [
        (Aggregation(TrimmedMean(2), (NNM,)), 4, 1, "trim = 2"),
        (Aggregation(TrimmedMean(1), (NNM,)), 4, 4, "tolerate = 4"),
        (Aggregation(Mean()), 0, 0, "devices = 0"),
    ],
)
def test_refuses_what_any_link_refuses(chain: Aggregation, n: int, f: int, key: str) -> None:
    with pytest.raises(ConfigError, match=f"^{key}: "):
        chain.check(n, f)


def test_takes_what_every_link_takes() -> None:
    Aggregation(TrimmedMean(1), (NNM,)).check(4, 1)

    vectors = np.array([[1.0], [1.0], [1.0], [100.0]])
    assert Aggregation(TrimmedMean(1), (NNM,))(vectors, 1, fresh_rng()).tolist() == [1.0]
