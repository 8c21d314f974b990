"""Who lies is drawn anew in every round: what a memory is worth then, with and without coding."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from comlad_deploy.reproduce._pool import Job
from comlad_deploy.reproduce._runs import Runs
from comlad_deploy.reproduce.dm21._methods import ATTACKS, METHODS, MOMENTUM, Method, experiment
from comlad_deploy.reproduce.dm21._numbers import floor
from comlad_deploy.reproduce.dm21._study import Findings, Measured, Sheet, claimed, job

__all__ = ["Redrawn"]

_STEP = 0.5
_LAD = Method("Com-LAD", {"kind": "plain"}, "#6E6E6E", unbiased=True)
_ATTACKS = ("SF", "ALIE")


@dataclass(frozen=True, slots=True)
class _Kind:
    """A method on a coding."""

    name: str
    method: Method
    coding: Mapping[str, Any]


def _redrawn(load: int) -> Mapping[str, Any]:
    return {"kind": "cyclic", "load": load}


_FIXED = {"kind": "cyclic", "tasks": "fixed"}
_LOCAL, _LAD3 = "Byz-DM21, own data", "Com-LAD, d = 3"
_KINDS = (
    _Kind(_LOCAL, METHODS[0], _FIXED),
    _Kind("Byz-EF21-SGDM, own data", METHODS[2], _FIXED),
    _Kind("Com-LAD, d = 1", _LAD, _redrawn(1)),
    _Kind(_LAD3, _LAD, _redrawn(3)),
    _Kind("Byz-DM21 over LAD, d = 1", METHODS[0], _redrawn(1)),
    _Kind("Byz-DM21 over LAD, d = 3", METHODS[0], _redrawn(3)),
)


class Redrawn:
    """Liars that stay, against liars that are drawn anew; all samples, 10 % of the coordinates.

    The LAD paper sets methods that go by history aside for liars that change (Section I).

    Args:
        rounds: T.
        seeds: K.
    """

    def __init__(self, rounds: int, seeds: int) -> None:
        self.rounds, self.seeds = rounds, seeds
        self.names = [kind.name for kind in _KINDS]

    def stages(self, runs: Runs) -> Iterator[Sequence[Job]]:
        yield [
            self._job(kind, attack, redraw, seed)
            for kind in _KINDS
            for attack in _ATTACKS
            for redraw in (False, True)
            for seed in range(self.seeds)
        ]

    def floors(self, runs: Runs, name: str, attack: str, redraw: bool) -> list[float]:
        """By seed."""
        (kind,) = (kind for kind in _KINDS if kind.name == name)
        places = [self._job(kind, attack, redraw, seed).place for seed in range(self.seeds)]
        return [floor(runs[place]) for place in places]

    def findings(self, runs: Runs) -> Findings:
        def hurt(name: str, attack: str) -> list[float]:
            pairs = zip(
                self.floors(runs, name, attack, True),
                self.floors(runs, name, attack, False),
                strict=True,
            )
            return [redrawn / fixed for redrawn, fixed in pairs]

        claims = [
            claimed(
                "history-hurts",
                "History hurts where who lies is drawn anew in every round (the LAD paper; read "
                "as: Byz-DM21 ends with more ‖∇F‖² than against liars that stay; both attacks)",
                self.rounds,
                [
                    Measured(
                        f"‖∇F‖² of Byz-DM21, liars that stay / redrawn, {attack}",
                        [1 / ratio for ratio in hurt(_LOCAL, attack)],
                        reason=_WHY_NOT,
                    )
                    for attack in _ATTACKS
                ],
            ),
            claimed(
                "lad-does-not-mind",
                "LAD, which remembers nothing, does not mind (read as: at most a quarter more "
                "‖∇F‖² under either attack)",
                self.rounds,
                [
                    Measured(
                        f"‖∇F‖² of {_LAD3}, redrawn / liars that stay, {attack}",
                        hurt(_LAD3, attack),
                        1.25,
                    )
                    for attack in _ATTACKS
                ],
            ),
            claimed(
                "memory-over-lad",
                "A memory over LAD's changing tasks beats either alone (read as: Byz-DM21 over "
                f"LAD, d = 3, ends with less ‖∇F‖² than {_LOCAL}, and {_LAD3}; liars that stay)",
                self.rounds,
                [
                    Measured(
                        f"‖∇F‖² of Byz-DM21 over LAD, d = 3 / of {name}, {attack}",
                        [
                            ours / theirs
                            for ours, theirs in zip(
                                self.floors(runs, _KINDS[-1].name, attack, False),
                                self.floors(runs, name, attack, False),
                                strict=True,
                            )
                        ],
                    )
                    for name in (_LOCAL, _LAD3)
                    for attack in _ATTACKS
                ],
            ),
        ]
        rows = [
            [
                kind.name,
                *(
                    _geometric(self.floors(runs, kind.name, attack, redraw))
                    for attack in _ATTACKS
                    for redraw in (False, True)
                ),
            ]
            for kind in _KINDS
        ]
        columns = (
            "method",
            *(f"{a}, {who}" for a in _ATTACKS for who in ("liars that stay", "redrawn")),
        )
        title = f"‖∇F‖² at the end, all samples, γ = {_STEP:g}, η = {MOMENTUM:g}, T = {self.rounds}"
        return Findings(claims, [Sheet(title, columns, rows)])

    def _job(self, kind: _Kind, attack: str, redraw: bool, seed: int) -> Job:
        tables = experiment(
            kind.method,
            attack=ATTACKS[attack],
            rounds=self.rounds,
            seed=seed,
            step=_STEP,
            batch=None,
            coding=kind.coding,
            redraw=redraw,
        )
        who = "redrawn" if redraw else "staying"
        slug = kind.name.lower().replace(", ", "-").replace(" = ", "").replace(" ", "-")
        return job("redrawn", f"{slug}-{attack.lower()}-{who}", tables)


_WHY_NOT = (
    "Derived: what an EF21-type liar has put into its g_i stays until honest answers of the same "
    "device, a few coordinates a round, have replaced it; but every device is honest most of the "
    "time, so that all data come to count, while liars that stay keep theirs out for good."
)


def _geometric(values: Sequence[float]) -> str:
    return f"{math.exp(float(np.mean(np.log(values)))):.2g}"
