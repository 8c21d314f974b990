"""Robust rules: how the server makes one vector of what the devices sent, liars included."""

from comlad.aggregation._arc import AdaptiveRobustClipping
from comlad.aggregation._bucketing import Bucketing
from comlad.aggregation._bulyan import Bulyan
from comlad.aggregation._caf import CAF
from comlad.aggregation._centered_clipping import CenteredClipping
from comlad.aggregation._chain import Aggregation
from comlad.aggregation._clipping import Clipping
from comlad.aggregation._faba import FABA
from comlad.aggregation._geometric_median import GeometricMedian
from comlad.aggregation._krum import Krum, MultiKrum
from comlad.aggregation._maximum_correntropy import MaximumCorrentropy
from comlad.aggregation._mda import MDA
from comlad.aggregation._meamed import MeanAroundMedian
from comlad.aggregation._mean import Mean
from comlad.aggregation._median import Median
from comlad.aggregation._monna import MoNNA
from comlad.aggregation._nnm import NearestNeighborMixing
from comlad.aggregation._norm_thresholding import NormThresholding
from comlad.aggregation._phocas import Phocas
from comlad.aggregation._protocol import (
    Aggregator,
    Context,
    MixesRobustly,
    PreAggregator,
    Robust,
    TakesSparse,
    TrustsOne,
    UsesPrevious,
)
from comlad.aggregation._smea import SMEA
from comlad.aggregation._trimmed_mean import TrimmedMean
from comlad.parts import Table

__all__ = [
    "AGGREGATORS",
    "CAF",
    "FABA",
    "MDA",
    "PREAGGREGATORS",
    "SMEA",
    "AdaptiveRobustClipping",
    "Aggregation",
    "Aggregator",
    "Bucketing",
    "Bulyan",
    "CenteredClipping",
    "Clipping",
    "Context",
    "GeometricMedian",
    "Krum",
    "MaximumCorrentropy",
    "Mean",
    "MeanAroundMedian",
    "Median",
    "MixesRobustly",
    "MoNNA",
    "MultiKrum",
    "NearestNeighborMixing",
    "NormThresholding",
    "Phocas",
    "PreAggregator",
    "Robust",
    "TakesSparse",
    "TrimmedMean",
    "TrustsOne",
    "UsesPrevious",
]

AGGREGATORS: Table[Aggregator] = Table(
    "aggregators",
    {
        "mean": Mean,
        "bulyan": Bulyan,
        "caf": CAF,
        "centered-clipping": CenteredClipping,
        "faba": FABA,
        "geometric-median": GeometricMedian,
        "krum": Krum,
        "maximum-correntropy": MaximumCorrentropy,
        "mda": MDA,
        "meamed": MeanAroundMedian,
        "median": Median,
        "monna": MoNNA,
        "multi-krum": MultiKrum,
        "norm-thresholding": NormThresholding,
        "phocas": Phocas,
        "smea": SMEA,
        "trimmed-mean": TrimmedMean,
    },
)

PREAGGREGATORS: Table[PreAggregator] = Table(
    "preaggregators",
    {
        "arc": AdaptiveRobustClipping,
        "bucketing": Bucketing,
        "clipping": Clipping,
        "nnm": NearestNeighborMixing,
    },
)
