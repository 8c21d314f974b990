import numpy as np
import pytest
from attack_samples import regression_view, view_of
from samples import fresh_rng

from comlad.attacks import PartialCorruption, WrongTask
from comlad.errors import ConfigError

ROWS = np.array([[0.0, 1], [1, 0], [9, 9], [2, 2], [3, 1]])


class TestWrongTask:
    def test_sends_the_vector_that_is_farthest_from_the_mean(self) -> None:
        assert WrongTask()(view_of(ROWS, 0)).tolist() == [9, 9]

    def test_sends_the_next_extreme_if_the_farthest_is_its_own(self) -> None:
        assert WrongTask()(view_of(ROWS, 2)).tolist() == [0, 1]

    @pytest.mark.parametrize(("task", "following"), [(0, 1), (4, 0)])
    def test_sends_the_next_tasks(self, task: int, following: int) -> None:
        assert WrongTask("next")(view_of(ROWS, task)).tolist() == ROWS[following].tolist()

    def test_of_the_next_costs_d_gradients_only(self) -> None:
        view = regression_view(6)

        vector = WrongTask("next")(view)

        assert "vectors" not in vars(view.pool)
        assert vector.tobytes() == view.pool.vectors[0].tobytes()


class TestPartialCorruption:
    def test_spoils_one_of_its_gradients_and_no_other(self) -> None:
        gradients = fresh_rng().normal(0, 1, (6, 4))
        outcomes = {}

        for seed in range(40):
            view = view_of(gradients, 1, load=3, seed=seed)
            vector = PartialCorruption(-5.0)(view)
            spoilt = [k for k in (1, 2, 3) if np.allclose(vector, view.honest - 2 * gradients[k])]
            assert len(spoilt) == 1
            outcomes[spoilt[0]] = True

        assert set(outcomes) == {1, 2, 3}

    def test_spoils_all_there_is_if_that_is_one(self) -> None:
        view = view_of(ROWS, 3, load=1)

        assert PartialCorruption(-5.0)(view).tolist() == [-10, -10]

    def test_refuses_a_factor_that_is_no_number(self) -> None:
        with pytest.raises(ConfigError, match=r"^factor = nan: must be a finite number$"):
            PartialCorruption(np.nan)
