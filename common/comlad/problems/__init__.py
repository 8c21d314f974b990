"""What is minimised: F(x) = f_1(x) + … + f_N(x), one f_k for each subset D_k of the data."""

from comlad.parts import Table
from comlad.problems._least_squares import LeastSquares
from comlad.problems._linear_regression import LinearRegression
from comlad.problems._logistic_regression import LogisticRegression
from comlad.problems._protocol import Arrays, Data, FlipsLabels, Objective, Problem, Samples
from comlad.problems._quadratic import Quadratic
from comlad.problems._softmax_regression import SoftmaxRegression

__all__ = [
    "PROBLEMS",
    "Arrays",
    "Data",
    "FlipsLabels",
    "LeastSquares",
    "LinearRegression",
    "LogisticRegression",
    "Objective",
    "Problem",
    "Quadratic",
    "Samples",
    "SoftmaxRegression",
]

PROBLEMS: Table[Problem] = Table(
    "problems",
    {
        "least-squares": LeastSquares,
        "linear-regression": LinearRegression,
        "logistic-regression": LogisticRegression,
        "quadratic": Quadratic,
        "softmax-regression": SoftmaxRegression,
    },
)
