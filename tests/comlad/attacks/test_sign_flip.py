import numpy as np
import pytest
from attack_samples import regression_view, view_of

from comlad.attacks import GradientAscent, SignFlip
from comlad.errors import ConfigError


class TestSignFlip:
    def test_sends_minus_twice_the_truth(self) -> None:
        view = regression_view()

        assert SignFlip()(view).tolist() == (-2 * view.honest).tolist()

    def test_sends_the_truth_times_its_factor(self) -> None:
        view = regression_view()

        assert SignFlip(-0.25)(view).tolist() == (-0.25 * view.honest).tolist()

    def test_sends_the_mean_of_all_the_wrong_way_round(self) -> None:
        view = view_of([[1, 5], [2, 5], [6, 5]])

        assert SignFlip(-1.0, "mean")(view).tolist() == [-3, -5]

    def test_sends_somebodys_vector_the_wrong_way_round(self) -> None:
        rows = [[1.0, 5], [2, 5], [6, 5]]

        seen = {
            tuple(SignFlip(-1.0, "random")(view_of(rows, seed=seed)).tolist()) for seed in range(30)
        }

        assert seen == {(-1, -5), (-2, -5), (-6, -5)}

    def test_asks_for_nobody_elses_vector_unless_it_needs_it(self) -> None:
        view = regression_view()

        SignFlip()(view)

        assert "vectors" not in vars(view.pool)

    @pytest.mark.parametrize("factor", [float("nan"), float("inf"), float("-inf")])
    def test_refuses_a_factor_that_is_no_number(self, factor: float) -> None:
        with pytest.raises(ConfigError, match=f"^factor = {factor}: must be a finite number$"):
            SignFlip(factor)


class TestGradientAscent:
    def test_climbs_as_steeply_as_its_factor(self) -> None:
        view = view_of([[1, -5], [2, 5]])

        assert GradientAscent()(view).tolist() == [-1, 5]
        assert GradientAscent(100)(view).tolist() == [-100, 500]

    @pytest.mark.parametrize("factor", [0.5, -1.0, np.inf, np.nan])
    def test_refuses_a_factor_that_does_not_climb(self, factor: float) -> None:
        with pytest.raises(ConfigError, match=r"^factor = .*: must be a finite number from 1 up$"):
            GradientAscent(factor)
