"""Who lies is drawn anew in every round: what a memory is worth then, with and without coding."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from comlad_deploy.reproduce._pool import Job
from comlad_deploy.reproduce._runs import Runs
from comlad_deploy.reproduce.dm21._methods import ATTACKS, MOMENTUM, Method, experiment, named
from comlad_deploy.reproduce.dm21._numbers import floor, geometric, over
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
_LOCAL, _LAD3, _OVER3 = "Byz-DM21, own data", "Com-LAD, d = 3", "Byz-DM21 over LAD, d = 3"
_OVER = ("Byz-DM21 over LAD, d = 1", _OVER3)
_DM21 = named("Byz-DM21")
_KINDS = (
    _Kind(_LOCAL, _DM21, _FIXED),
    _Kind("Com-LAD, d = 1", _LAD, _redrawn(1)),
    _Kind(_LAD3, _LAD, _redrawn(3)),
    _Kind(_OVER[0], _DM21, _redrawn(1)),
    _Kind(_OVER3, _DM21, _redrawn(3)),
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
            return [over(redrawn, staying) for redrawn, staying in pairs]

        claims = [
            claimed(
                f"history-hurts-{attack.lower()}",
                f"LAD's: history hurts where who lies is drawn anew in every round, {attack} "
                "(read as: Byz-DM21 over LAD's tasks, where no data are lost to liars that stay, "
                "ends with more ‖∇F‖² than against liars that stay)",
                self.rounds,
                [
                    Measured(
                        f"‖∇F‖² of {name}, liars that stay / redrawn",
                        [over(1, ratio) for ratio in hurt(name, attack)],
                    )
                    for name in _OVER
                ],
            )
            for attack in _ATTACKS
        ]
        claims += [
            claimed(
                "lad-does-not-mind",
                "LAD's: LAD, which remembers nothing, does not mind (read as: at most a quarter "
                "more ‖∇F‖² under either attack)",
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
                "Ours: a memory over LAD's changing tasks beats LAD alone, whoever lies (read as: "
                f"{_OVER3} ends with less ‖∇F‖² than {_LAD3})",
                self.rounds,
                [
                    Measured(
                        f"‖∇F‖² of {_OVER3} / of {_LAD3}, {attack}, {_who(redraw)}",
                        [
                            over(ours, theirs)
                            for ours, theirs in zip(
                                self.floors(runs, _OVER3, attack, redraw),
                                self.floors(runs, _LAD3, attack, redraw),
                                strict=True,
                            )
                        ],
                    )
                    for attack in _ATTACKS
                    for redraw in (False, True)
                ],
            ),
        ]
        rows = [
            [
                kind.name,
                *(
                    f"{geometric(self.floors(runs, kind.name, attack, redraw)):.2g}"
                    for attack in _ATTACKS
                    for redraw in (False, True)
                ),
            ]
            for kind in _KINDS
        ]
        columns = (
            "method",
            *(f"{attack}, {_who(redraw)}" for attack in _ATTACKS for redraw in (False, True)),
        )
        title = (
            "‖∇F‖² in the last fifth, with all samples; top-k where there is a memory, else "
            f"Rand-k of as many; γ = {_STEP:g} and η = {MOMENTUM:g}, tuned for none, T = "
            f"{self.rounds}. Of the honest devices' data where liars stay and devices have data "
            "of their own, else of all"
        )
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


def _who(redraw: bool) -> str:
    return "redrawn" if redraw else "liars that stay"
