"""Every method under every attack, each with the step that suits it best."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from comlad_deploy.reproduce._pool import Job
from comlad_deploy.reproduce._runs import Runs
from comlad_deploy.reproduce._trace import Trace, marks
from comlad_deploy.reproduce.dm21._methods import ATTACKS, METHODS, RULES, STEPS, Method, experiment
from comlad_deploy.reproduce.dm21._numbers import at_rounds, floor, start
from comlad_deploy.reproduce.dm21._study import Findings, Measured, Sheet, claimed, job

__all__ = ["Attacks", "Case"]

# Of other draws than those that are shown, so that no choice flatters what was chosen.
_TUNING_SEED = 1000

_WITHIN = 0.1


@dataclass(frozen=True, slots=True)
class Case:
    """A method, what it is up against, and what defends it."""

    method: Method
    attack: str
    rule: str
    compressor: str

    @property
    def slug(self) -> str:
        """A name for files."""
        parts = (self.attack, self.rule, self.compressor)
        return "-".join((self.method.slug, *(part.lower() for part in parts)))


class Attacks:
    """The paper's grid.

    Args:
        rounds: T.
        seeds: K.
        rules: Names of RULES.
        compressors: "top-k", and perhaps "rand-k".
        attacks: Names of ATTACKS; "none" for nobody who lies.
    """

    def __init__(
        self,
        rounds: int,
        seeds: int,
        rules: Sequence[str] = ("CWTM",),
        compressors: Sequence[str] = ("top-k",),
        attacks: Sequence[str] = tuple(ATTACKS),
    ) -> None:
        self.rounds, self.seeds = rounds, seeds
        self.attacks = attacks
        self.cases = [
            Case(method, attack, rule, compressor)
            for attack in attacks
            for rule in rules
            for method in METHODS
            for compressor in compressors
            # With Rand-k only it is the same case.
            if not (method.unbiased and compressor == "top-k" and "rand-k" in compressors)
        ]

    def stages(self, runs: Runs) -> Iterator[Sequence[Job]]:
        yield [self._job(case, step, _TUNING_SEED) for case in self.cases for step in STEPS]
        yield [
            self._job(case, self.step(runs, case), seed)
            for case in self.cases
            for seed in range(self.seeds)
        ]

    def step(self, runs: Runs, case: Case) -> float:
        """Of the grid the γ with the least gradient in the last fifth of a run for tuning."""
        reached = {step: floor(runs[self._job(case, step, _TUNING_SEED).place]) for step in STEPS}
        return min(STEPS, key=lambda step: (math.isnan(reached[step]), reached[step]))

    def traces(self, runs: Runs, case: Case) -> list[Trace]:
        """By seed."""
        step = self.step(runs, case)
        return [runs[self._job(case, step, seed).place] for seed in range(self.seeds)]

    def of(self, runs: Runs, method: str, attack: str) -> list[Trace]:
        """Of the first rule and compressor."""
        case = next(
            case for case in self.cases if case.method.name == method and case.attack == attack
        )
        return self.traces(runs, case)

    def findings(self, runs: Runs) -> Findings:
        return Findings(list(self._claims(runs)), [self._sheet(runs)], list(self._lines(runs)))

    def _job(self, case: Case, step: float, seed: int) -> Job:
        tables = experiment(
            case.method,
            attack=ATTACKS.get(case.attack),
            rounds=self.rounds,
            seed=seed,
            step=step,
            rule=RULES[case.rule],
            compressor=case.method.compressor(case.compressor),
        )
        return job("attacks", f"{case.slug}/step-{step:g}", tables, weighed=seed != _TUNING_SEED)

    def _claims(self, runs: Runs) -> Iterator[dict[str, Any]]:
        lying = [attack for attack in self.attacks if attack in ATTACKS]
        naive = "naive top-k SGD"
        for name in ("Byz-DM21", "Byz-VR-DM21"):
            yield claimed(
                f"{name.lower()}-converges",
                f"{name} converges to a neighbourhood under every attack (read as: ‖∇F‖² comes "
                f"down to less than {_WITHIN:g} of what it was at the start)",
                self.rounds,
                [
                    Measured(
                        f"‖∇F‖² at the end / at the start under {attack}",
                        [floor(trace) / start(trace) for trace in self.of(runs, name, attack)],
                        _WITHIN,
                    )
                    for attack in lying
                ],
            )
        yield claimed(
            "naive-does-not",
            f"{naive} does not (read as: ‖∇F‖² stays above {_WITHIN:g} of what it was under at "
            "least one attack; the worst)",
            self.rounds,
            [
                Measured(
                    "‖∇F‖² at the start / at the end under the worst attack",
                    [
                        min(
                            start(trace) / floor(trace)
                            for trace in (self.of(runs, naive, attack)[seed] for attack in lying)
                        )
                        for seed in range(self.seeds)
                    ],
                    1 / _WITHIN,
                )
            ],
        )
        for attack in ("SF", "ALIE"):
            growths = [
                at_rounds(trace, self.rounds, 0.1, 0.3) / floor(trace)
                for trace in self.of(runs, naive, attack)
            ]
            yield claimed(
                f"naive-worsens-{attack.lower()}",
                f"{naive} gets worse over time under {attack} on heterogeneous data (read as: "
                "‖∇F‖² is larger in the last fifth than between T/10 and 3T/10)",
                self.rounds,
                [
                    Measured(
                        "‖∇F‖² between T/10 and 3T/10 / at the end",
                        growths,
                        reason="With the step that suits it best it still comes down, slowly: a "
                        "liar's −g is bounded by what an honest device sends."
                        if attack == "SF"
                        else "",
                    )
                ],
            )
        yield self._feedback_does_not_worsen(runs)
        yield claimed(
            "smaller-neighbourhood",
            "Byz-DM21 ends in a smaller neighbourhood than Byz-EF21-SGDM (read as: less ‖∇F‖² at "
            "the end, in the geometric mean over the attacks)",
            self.rounds,
            [
                Measured(
                    "‖∇F‖² of Byz-DM21 / of Byz-EF21-SGDM",
                    self._ratios(runs, "Byz-DM21", "Byz-EF21-SGDM", lying),
                )
            ],
        )
        yield claimed(
            "no-worse-than-full-gradients",
            "With one sample a round the double momentum ends no farther out than Byz-EF21 with "
            "all samples (read as: at most twice its ‖∇F‖², geometric mean over the attacks)",
            self.rounds,
            [
                Measured(
                    "‖∇F‖² of Byz-DM21 / of Byz-EF21",
                    self._ratios(runs, "Byz-DM21", "Byz-EF21", lying),
                    2.0,
                )
            ],
        )

    def _feedback_does_not_worsen(self, runs: Runs) -> dict[str, Any]:
        names = ("Byz-DM21", "Byz-VR-DM21", "Byz-EF21-SGDM")
        return claimed(
            "feedback-does-not-worsen",
            "The methods with error feedback do not get worse under SF and ALIE (read as: by no "
            "more than a quarter)",
            self.rounds,
            [
                Measured(
                    f"‖∇F‖² of {name} at the end / between T/10 and 3T/10, {attack}",
                    [
                        floor(trace) / at_rounds(trace, self.rounds, 0.1, 0.3)
                        for trace in self.of(runs, name, attack)
                    ],
                    1.25,
                )
                for name in names
                for attack in ("SF", "ALIE")
            ],
        )

    def _ratios(self, runs: Runs, one: str, other: str, attacks: Sequence[str]) -> list[float]:
        """By seed the geometric mean over the attacks of one's floor over the other's."""
        logarithms = [
            [
                math.log(floor(a) / floor(b))
                for a, b in zip(
                    self.of(runs, one, attack), self.of(runs, other, attack), strict=True
                )
            ]
            for attack in attacks
        ]
        means: list[float] = np.exp(np.mean(logarithms, axis=0)).tolist()
        return means

    def _sheet(self, runs: Runs) -> Sheet:
        rows = []
        for case in self.cases:
            traces = self.traces(runs, case)
            rows.append(
                [
                    case.method.name,
                    case.attack,
                    case.rule,
                    "rand-k" if case.method.unbiased else case.compressor,
                    f"{self.step(runs, case):g}",
                    _spread([floor(trace) for trace in traces]),
                    _spread([trace.losses[-1] for trace in traces]),
                    _spread([trace.accuracies[-1] for trace in traces]),
                    f"{np.mean([trace.uplink[-1] for trace in traces]) / 20 / self.rounds:.1f}",
                ]
            )
        return Sheet(
            f"Under attack, T = {self.rounds}, each with its best γ of {list(STEPS)}",
            (
                "method",
                "attack",
                "rule after NNM",
                "compressor",
                "γ",
                "‖∇F‖² at the end",
                "loss",
                "accuracy",
                "bytes a message",
            ),
            rows,
        )

    def _lines(self, runs: Runs) -> Iterator[dict[str, Any]]:
        for case in self.cases:
            for seed, trace in enumerate(self.traces(runs, case)):
                for column, round in enumerate(marks(self.rounds)):
                    yield {
                        "method": case.method.name,
                        "attack": case.attack,
                        "rule": case.rule,
                        "compressor": "rand-k" if case.method.unbiased else case.compressor,
                        "step": self.step(runs, case),
                        "seed": seed,
                        "round": round,
                        "uplink_bytes": trace.uplink[column],
                        "loss": trace.losses[column],
                        "gradient_norm": trace.gradient_norms[column],
                        "accuracy": trace.accuracies[column],
                    }


def _spread(values: Sequence[float]) -> str:
    """Mean and standard error."""
    mean = float(np.mean(values))
    if len(values) == 1 or not math.isfinite(mean):
        return f"{mean:.2g}"
    error = float(np.std(values, ddof=1)) / math.sqrt(len(values))
    return f"{mean:.2g} ± {error:.1g}"
