"""Every method under every attack, each with the step that suits it best."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from comlad_deploy.reproduce._pool import Job
from comlad_deploy.reproduce._runs import Runs
from comlad_deploy.reproduce._trace import Trace, marks
from comlad_deploy.reproduce.dm21._methods import (
    ATTACKS,
    METHODS,
    RULES,
    STEPS,
    Method,
    experiment,
    named,
)
from comlad_deploy.reproduce.dm21._numbers import at_rounds, floor, geometric, over, spread, start
from comlad_deploy.reproduce.dm21._study import Findings, Measured, Sheet, claimed, job

__all__ = ["Attacks", "Case"]

# Of other draws than those that are shown, so that no choice flatters what was chosen.
_TUNING_SEEDS = (1000, 1001)

_WITHIN = 0.1
_DM21, _VR, _SGDM, _NAIVE = "Byz-DM21", "Byz-VR-DM21", "Byz-EF21-SGDM", "naive SGD"


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
    """The paper's grid, or of its rules CWTM and of its compressors mostly top-k.

    Args:
        rounds: T.
        seeds: K.
        full: All rules, both compressors for all that may have either, and nobody who lies.
    """

    def __init__(self, rounds: int, seeds: int, full: bool = False) -> None:
        self.rounds, self.seeds = rounds, seeds
        self.attacks = (*ATTACKS, "none") if full else tuple(ATTACKS)
        self.rules = tuple(RULES) if full else ("CWTM",)
        self.cases = [
            Case(method, attack, rule, compressor)
            for attack in self.attacks
            for rule in self.rules
            for method in METHODS
            for compressor in _compressors(method, full)
        ]

    def stages(self, runs: Runs) -> Iterator[Sequence[Job]]:
        yield [
            self._job(case, step, seed)
            for case in self.cases
            for step in STEPS
            for seed in _TUNING_SEEDS
        ]
        yield [
            self._job(case, self.step(runs, case), seed)
            for case in self.cases
            for seed in range(self.seeds)
        ]

    def step(self, runs: Runs, case: Case) -> float:
        """Of the grid the γ with the least gradient in the last fifth of the runs for tuning."""

        def reached(step: float) -> float:
            found = [floor(runs[self._job(case, step, seed).place]) for seed in _TUNING_SEEDS]
            return math.inf if math.isnan(sum(found)) else geometric(found)

        return min(STEPS, key=reached)

    def traces(self, runs: Runs, case: Case) -> list[Trace]:
        """By seed."""
        step = self.step(runs, case)
        return [runs[self._job(case, step, seed).place] for seed in range(self.seeds)]

    def of(
        self, runs: Runs, method: str, attack: str, rule: str = "CWTM", compressor: str = "top-k"
    ) -> list[Trace]:
        """By seed; of a method that must have Rand-k with that."""
        compressor = named(method).compressor_name(compressor)
        return self.traces(runs, Case(named(method), attack, rule, compressor))

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
        weighed = seed not in _TUNING_SEEDS
        return job("attacks", f"{case.slug}/step-{step:g}", tables, weighed=weighed)

    def _claims(self, runs: Runs) -> Iterator[dict[str, Any]]:
        lying = list(ATTACKS)
        for name in (_DM21, _VR):
            yield claimed(
                f"{name.lower()}-converges",
                f"{name} converges to a neighbourhood under every attack (read as: ‖∇F‖² comes "
                f"down to less than {_WITHIN:g} of what it was at the start)",
                self.rounds,
                [
                    Measured(
                        f"‖∇F‖² at the end / at the start under {attack}, {rule}",
                        [
                            over(floor(trace), start(trace))
                            for trace in self.of(runs, name, attack, rule)
                        ],
                        _WITHIN,
                    )
                    for attack in lying
                    for rule in self.rules
                ],
            )
        yield claimed(
            "naive-does-not",
            f"{_NAIVE} does not (read as: ‖∇F‖² stays above {_WITHIN:g} of what it was under at "
            "least one attack; the worst)",
            self.rounds,
            [
                Measured(
                    "‖∇F‖² at the start / at the end under the worst attack",
                    [
                        min(
                            over(start(trace), floor(trace))
                            for trace in (self.of(runs, _NAIVE, attack)[seed] for attack in lying)
                        )
                        for seed in range(self.seeds)
                    ],
                    1 / _WITHIN,
                )
            ],
        )
        for attack in ("SF", "ALIE"):
            yield self._naive_worsens(runs, attack)
        yield self._others_do_not(runs)
        yield self._compared(
            runs,
            "smaller-neighbourhood",
            f"{_DM21} ends in a smaller neighbourhood than {_SGDM} (read as: less ‖∇F‖² in the "
            "last fifth, in the geometric mean over the attacks)",
            (_DM21, "top-k"),
            (_SGDM, "top-k"),
        )
        yield self._compared(
            runs,
            "top-k-beats-rand-k",
            f"Ours: {_DM21} is nearer with top-k than with as many random coordinates (read as: "
            "less ‖∇F‖² in the last fifth, in the geometric mean over the attacks)",
            (_DM21, "top-k"),
            (_DM21, "rand-k"),
        )

    def _naive_worsens(self, runs: Runs, attack: str) -> dict[str, Any]:
        traces = self.of(runs, _NAIVE, attack)
        return claimed(
            f"naive-worsens-{attack.lower()}",
            f"{_NAIVE} gets worse over time under {attack} on heterogeneous data, with the step "
            "that suits it best (read as: the training loss is higher in the last fifth than "
            "between T/10 and 3T/10)",
            self.rounds,
            [
                Measured(
                    "loss between T/10 and 3T/10 / at the end",
                    [
                        over(
                            at_rounds(trace.losses, self.rounds, 0.1, 0.3),
                            at_rounds(trace.losses, self.rounds, 0.8, 1.0),
                        )
                        for trace in traces
                    ],
                )
            ],
        )

    def _others_do_not(self, runs: Runs) -> dict[str, Any]:
        return claimed(
            "feedback-does-not-worsen",
            "The methods with error feedback and momentum do not (read as: a training loss at "
            "most a tenth higher, SF and ALIE)",
            self.rounds,
            [
                Measured(
                    f"loss of {name} at the end / between T/10 and 3T/10, {attack}",
                    [
                        over(
                            at_rounds(trace.losses, self.rounds, 0.8, 1.0),
                            at_rounds(trace.losses, self.rounds, 0.1, 0.3),
                        )
                        for trace in self.of(runs, name, attack)
                    ],
                    1.1,
                )
                for name in (_DM21, _VR, _SGDM)
                for attack in ("SF", "ALIE")
            ],
        )

    def _compared(
        self, runs: Runs, key: str, text: str, one: tuple[str, str], other: tuple[str, str]
    ) -> dict[str, Any]:
        """Two methods with a compressor each, by the geometric mean over the attacks."""
        by_attack = [
            [
                over(floor(ours), floor(theirs))
                for ours, theirs in zip(
                    self.of(runs, one[0], attack, compressor=one[1]),
                    self.of(runs, other[0], attack, compressor=other[1]),
                    strict=True,
                )
            ]
            for attack in ATTACKS
        ]
        means = [geometric(ratios) for ratios in zip(*by_attack, strict=True)]
        parts = ", ".join(
            f"{attack} {geometric(ratios):.2f}"
            for attack, ratios in zip(ATTACKS, by_attack, strict=True)
        )
        names = [name if one[0] != other[0] else f"{name}, {kind}" for name, kind in (one, other)]
        what = f"‖∇F‖² of {names[0]} / of {names[1]} ({parts})"
        return claimed(key, text, self.rounds, [Measured(what, means)])

    def _sheet(self, runs: Runs) -> Sheet:
        rows = []
        for case in self.cases:
            traces = self.traces(runs, case)
            sent = np.mean([trace.uplink[-1] for trace in traces])
            rows.append(
                [
                    case.method.name,
                    case.attack,
                    case.rule,
                    case.compressor,
                    f"{self.step(runs, case):g}",
                    spread([floor(trace) for trace in traces]),
                    spread([trace.losses[-1] for trace in traces]),
                    spread([trace.accuracies[-1] for trace in traces]),
                    f"{sent / self.rounds / 1000:.2f} kB",
                ]
            )
        return Sheet(
            f"Under attack, T = {self.rounds}, each with its best γ of "
            f"{', '.join(f'{step:g}' for step in STEPS)}, by two draws of their own; ‖∇F‖² of the "
            "honest devices' data, in the last fifth",
            (
                "method",
                "attack",
                "rule after NNM",
                "compressor",
                "γ",
                "‖∇F‖²",
                "loss",
                "accuracy",
                "uplink a round",
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
                        "compressor": case.compressor,
                        "step": self.step(runs, case),
                        "seed": seed,
                        "round": round,
                        "uplink_bytes": trace.uplink[column],
                        "loss": trace.losses[column],
                        "gradient_norm": trace.gradient_norms[column],
                        "accuracy": trace.accuracies[column],
                    }


def _compressors(method: Method, full: bool) -> tuple[str, ...]:
    if method.unbiased:
        return ("rand-k",)
    return ("top-k", "rand-k") if full or method.name == _DM21 else ("top-k",)
