"""Fig. 5: what heterogeneity does to LAD and to the rules without redundancy."""

from comlad_deploy.reproduce._claims import Claim
from comlad_deploy.reproduce._comparisons import Comparison, below, gain_grows, gap_grows
from comlad_deploy.reproduce._figure import (
    NNM_TRIMMED,
    TRIMMED,
    Curve,
    Family,
    LossFigure,
    regression,
)

__all__ = ["fig5"]

_HETEROGENEITIES = (0.0, 0.1)
_LOAD = 10
_RULES: dict[str, Family] = {"CWTM": "cwtm", "CWTM-NNM": "cwtm-nnm"}

_ALIKE = (
    "Derived: the subsets differ at σ_H = 0 as well, where each has a model x̂_k of its own. What "
    "σ_H = 0.1 adds is that labels grow from subset to subset, by factors of √(1 + k/10), 1.05 to "
    "3.3."
)


def fig5() -> LossFigure:
    """The figure as the paper sets it."""
    return LossFigure(
        key="fig5",
        setting="Linear regression, N = Q = 100, σ_H = 0 and 0.1. 20 devices, the same in all "
        "rounds, send −2 times their vector; vectors travel whole. d = 10 for LAD, γ = 10⁻⁶; "
        "CWTM cuts 10 values at each end of every coordinate; NNM assumes f = 20.",
        panels=[f"σ_H = {heterogeneity:g}" for heterogeneity in _HETEROGENEITIES],
        curves=[
            _curve(rule, load, panel)
            for panel in range(len(_HETEROGENEITIES))
            for rule in _RULES
            for load in (1, _LOAD)
        ],
        reference=[_name("CWTM", 1, panel) for panel in range(len(_HETEROGENEITIES))],
        compared="as a multiple of that of CWTM at the same σ_H",
        claims=[
            *(_better(panel) for panel in range(len(_HETEROGENEITIES))),
            Claim(
                "gain-grows-in-ratio",
                "LAD's advantage is more pronounced at σ_H = 0.1 than at 0 (read as the ratio of "
                "losses, which is a distance on a logarithmic axis)",
                tuple(_gain_grows(rule) for rule in _RULES),
            ),
            Claim(
                "gain-grows-in-difference",
                "LAD's advantage is more pronounced at σ_H = 0.1 than at 0 (read as the "
                "difference of losses, which is a distance on a linear axis)",
                tuple(_gap_grows(rule) for rule in _RULES),
            ),
        ],
        facts=[],
        headlines=[
            (
                "Redundancy helps whether the subsets are alike or not",
                ["lad-better-s0", "lad-better-s01"],
            ),
        ],
        networked=_name("CWTM-NNM", _LOAD, 1),
    )


def _better(panel: int) -> Claim:
    at = _HETEROGENEITIES[panel]
    return Claim(
        f"lad-better-s{at:g}".replace(".", ""),
        f"LAD is better than the same rule without redundancy at σ_H = {at:g}",
        tuple(below(*_pair(rule, panel), what=f"LAD-{rule} / {rule}") for rule in _RULES),
    )


def _gain_grows(rule: str) -> Comparison:
    what = f"LAD-{rule} / {rule} at 0.1, over the same at 0"
    return gain_grows(_pair(rule, 1), _pair(rule, 0), (_ALIKE,), what)


def _gap_grows(rule: str) -> Comparison:
    what = f"({rule} − LAD-{rule}) at 0 less the same at 0.1, over F(x_0)"
    return gap_grows(_pair(rule, 1), _pair(rule, 0), what)


def _name(rule: str, load: int, panel: int) -> str:
    return f"{'LAD-' if load > 1 else ''}{rule}, σ_H = {_HETEROGENEITIES[panel]:g}"


def _pair(rule: str, panel: int) -> tuple[str, str]:
    """With redundancy and without."""
    return _name(rule, _LOAD, panel), _name(rule, 1, panel)


def _curve(rule: str, load: int, panel: int) -> Curve:
    tables = regression(
        rule=NNM_TRIMMED if rule == "CWTM-NNM" else TRIMMED,
        load=load,
        liars=20,
        learning_rate=1e-6,
        heterogeneity=_HETEROGENEITIES[panel],
    )
    cost = 1.3 if rule == "CWTM-NNM" else 1.0
    return Curve(_name(rule, load, panel), _RULES[rule], load, tables, panel, cost=cost)
