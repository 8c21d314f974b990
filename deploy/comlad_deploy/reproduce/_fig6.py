"""Fig. 6: Com-LAD against rules without redundancy, all with compressed vectors."""

from collections.abc import Mapping
from typing import Any

from comlad_deploy.reproduce._claims import Claim
from comlad_deploy.reproduce._comparisons import below, gain_grows, less_decrease, within
from comlad_deploy.reproduce._figure import (
    MEAN,
    NNM_TRIMMED,
    TGN,
    TRIMMED,
    Curve,
    Family,
    LossFigure,
    regression,
)

__all__ = ["fig6"]

_LOAD = 3
_RULES: dict[Family, Mapping[str, Any]] = {
    "va": MEAN,
    "cwtm": TRIMMED,
    "cwtm-nnm": NNM_TRIMMED,
    "tgn": TGN,
}
_VA, _TGN = "Com-VA", "Com-TGN"
_CWTM, _NNM = "Com-CWTM", "Com-CWTM-NNM"
_LAD, _LAD_NNM = "Com-LAD-CWTM", "Com-LAD-CWTM-NNM"

_SLOWED = (
    "Derived: in expectation a mean that includes 30 vectors multiplied by −2 steps along "
    "(70 − 2·30)/100 = 0.1 of the true mean: slowly, but downhill."
)
_ZEROS = (
    "Derived: with 30 of 100 coordinates sent, a coordinate has about 30 values and 70 zeros, so "
    "that cutting 10 at each end takes most of what was sent. Measured at x_0: the expected "
    "step of Com-CWTM is a smaller part of the true mean than that of Com-VA."
)
_PICKY = (
    "Measured at x_0: with d = 1, NNM and TGN leave out vectors of honest devices that are long "
    "because their samples' gradients are large; of the honest devices with one of the 20 "
    "largest, TGN drops about half."
)


def fig6(extras: bool = False) -> LossFigure:
    """The figure as the paper sets it.

    Args:
        extras: Also the same rules under one mask for all devices, which the paper has not.
    """
    curves = [
        _curve(_VA, "va", 1),
        _curve(_CWTM, "cwtm", 1),
        _curve(_NNM, "cwtm-nnm", 1),
        _curve(_TGN, "tgn", 1),
        _curve(_LAD, "cwtm", _LOAD),
        _curve(_LAD_NNM, "cwtm-nnm", _LOAD),
    ]
    if extras:
        curves += [_under_one_mask(_LAD, "cwtm"), _under_one_mask(_LAD_NNM, "cwtm-nnm")]
    return LossFigure(
        key="fig6",
        setting="Linear regression, N = Q = 100, σ_H = 0.3. 30 devices, the same in all rounds, "
        "send −2 times their vector; every device sends 30 random coordinates of 100. d = 3 for "
        "Com-LAD, γ = 3·10⁻⁷; CWTM cuts 10 values at each end of every coordinate; NNM assumes "
        "f = 30; TGN drops the 20 longest vectors.",
        panels=[""],
        curves=curves,
        reference=[_VA],
        compared="as a multiple of that of Com-VA",
        claims=_claims(),
        facts=[],
        headlines=[
            (
                "Redundancy helps under compression too, and most with NNM",
                ["lad-below-cwtm", "lad-nnm-below-nnm", "gain-grows-with-nnm"],
            ),
            ("Redundancy helps under compression too", ["lad-below-cwtm", "lad-nnm-below-nnm"]),
        ],
        networked=_LAD_NNM,
    )


def _claims() -> list[Claim]:
    others = [_CWTM, _NNM, _TGN, _LAD, _LAD_NNM]
    return [
        Claim(
            "va-worst",
            "Com-VA is the worst of all curves",
            tuple(below(name, _VA, _why_worse_than_va(name)) for name in others),
        ),
        Claim(
            "nnm-helps",
            "Com-LAD-CWTM-NNM is better than Com-LAD-CWTM",
            (below(_LAD_NNM, _LAD),),
        ),
        Claim("lad-below-cwtm", "Com-LAD-CWTM is better than Com-CWTM", (below(_LAD, _CWTM),)),
        Claim(
            "lad-nnm-below-nnm",
            "Com-LAD-CWTM-NNM is better than Com-CWTM-NNM",
            (below(_LAD_NNM, _NNM),),
        ),
        Claim(
            "gain-grows-with-nnm",
            "Redundancy gains more with NNM than without (read as the ratio of losses)",
            (gain_grows((_LAD_NNM, _NNM), (_LAD, _CWTM)),),
        ),
        Claim(
            "small-load-suffices",
            "Even d = 3 yields significant gains (read as: a decrease of the loss that is at least "
            "a quarter more than without)",
            (less_decrease(_CWTM, _LAD, 0.8), less_decrease(_NNM, _LAD_NNM, 0.8)),
        ),
        Claim(
            "tgn-below-lad",
            "Com-TGN is slightly better than Com-LAD-CWTM (read as: by at most 5 % of the loss)",
            (below(_TGN, _LAD, (_PICKY,)), within(_LAD, _TGN, 0.05)),
        ),
        Claim(
            "lad-nnm-below-tgn", "Com-LAD-CWTM-NNM is better than Com-TGN", (below(_LAD_NNM, _TGN),)
        ),
        Claim(
            "order",
            "In all: Com-LAD-CWTM-NNM < Com-TGN < Com-LAD-CWTM < Com-CWTM in loss",
            (below(_LAD_NNM, _TGN), below(_TGN, _LAD, (_PICKY,)), below(_LAD, _CWTM)),
        ),
    ]


def _why_worse_than_va(name: str) -> tuple[str, ...]:
    more = {_NNM: (_PICKY,), _TGN: (_PICKY,), _CWTM: (_ZEROS,)}
    return (_SLOWED, *more.get(name, ()))


def _curve(name: str, family: Family, load: int) -> Curve:
    tables = regression(rule=_RULES[family], load=load, liars=30, learning_rate=3e-7, keep=30)
    cost = 2.3 if family == "cwtm-nnm" else 2.0
    return Curve(name, family, load, tables, cost=cost)


def _under_one_mask(name: str, family: Family) -> Curve:
    """All devices keep the same coordinates in a round."""
    tables = regression(rule=_RULES[family], load=_LOAD, liars=30, learning_rate=3e-7, keep=30)
    tables["compressor"]["index"] = "common"
    return Curve(f"{name}, one mask", family, _LOAD, tables, paper=False, cost=2.0)
