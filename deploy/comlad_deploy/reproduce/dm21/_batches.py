"""Whether large batches are needed: the same step, ever more samples a round."""

from collections.abc import Iterator, Sequence

from comlad_deploy.reproduce._pool import Job
from comlad_deploy.reproduce._runs import Runs
from comlad_deploy.reproduce.dm21._methods import ATTACKS, METHODS, Method, cancer, experiment
from comlad_deploy.reproduce.dm21._numbers import floor, geometric, over
from comlad_deploy.reproduce.dm21._study import Findings, Measured, Sheet, claimed, job

__all__ = ["Batches"]

_BATCHES = (1, 4, None)
_STEP = 0.5
# Without a momentum, for what noise does to it.
_METHODS = (
    *(method for method in METHODS if method.name in ("Byz-DM21", "Byz-VR-DM21", "Byz-EF21-SGDM")),
    Method("Byz-EF21-SGD", {"kind": "ef21"}, "#CC79A7"),
)


class Batches:
    """ALIE, which hides in the spread of honest vectors, on evenly split data.

    Args:
        rounds: T.
        seeds: K.
    """

    def __init__(self, rounds: int, seeds: int) -> None:
        self.rounds, self.seeds = rounds, seeds

    def stages(self, runs: Runs) -> Iterator[Sequence[Job]]:
        yield [
            self._job(method, batch, seed)
            for method in _METHODS
            for batch in _BATCHES
            for seed in range(self.seeds)
        ]

    def floors(self, runs: Runs, name: str, batch: int | None) -> list[float]:
        """By seed."""
        (method,) = (method for method in _METHODS if method.name == name)
        return [floor(runs[self._job(method, batch, seed).place]) for seed in range(self.seeds)]

    def findings(self, runs: Runs) -> Findings:
        def ratios(name: str) -> list[float]:
            pairs = zip(self.floors(runs, name, 1), self.floors(runs, name, None), strict=True)
            return [over(one, everything) for one, everything in pairs]

        claims = [
            claimed(
                "no-large-batch",
                "No large batch is needed (read as: with one sample a round ‖∇F‖² ends at most "
                "twice as high as with all)",
                self.rounds,
                [
                    Measured(f"‖∇F‖² of {name}, b = 1 / all samples", ratios(name), 2.0)
                    for name in ("Byz-DM21", "Byz-VR-DM21")
                ],
            ),
            claimed(
                "momentum-is-what-does-it",
                "Ours: it is the momentum that does it (read as: Byz-EF21-SGD, which has none, "
                "ends more than ten times as high with one sample as with all)",
                self.rounds,
                [
                    Measured(
                        "‖∇F‖² of Byz-EF21-SGD, all samples / b = 1",
                        [over(1.0, ratio) for ratio in ratios("Byz-EF21-SGD")],
                        0.1,
                    )
                ],
            ),
        ]
        rows = [
            [
                method.name,
                *(f"{geometric(self.floors(runs, method.name, b)):.2g}" for b in _BATCHES),
            ]
            for method in _METHODS
        ]
        columns = ("method", *(f"b = {batch or 'all'}" for batch in _BATCHES))
        title = (
            f"‖∇F‖² in the last fifth by samples a round; evenly split data, ALIE, γ = {_STEP:g} "
            f"for all, T = {self.rounds}"
        )
        return Findings(claims, [Sheet(title, columns, rows)])

    def _job(self, method: Method, batch: int | None, seed: int) -> Job:
        tables = experiment(
            method,
            attack=ATTACKS["ALIE"],
            rounds=self.rounds,
            seed=seed,
            step=_STEP,
            problem=cancer("iid"),
            batch=batch,
        )
        return job("batches", f"{method.slug}-{batch or 'all'}", tables)
