"""Robust rules: how the server makes one vector of what the devices sent, liars included."""

from comlad.aggregation._chain import Aggregation
from comlad.aggregation._mean import Mean
from comlad.aggregation._nnm import NearestNeighborMixing
from comlad.aggregation._protocol import Aggregator, PreAggregator
from comlad.aggregation._trimmed_mean import TrimmedMean
from comlad.parts import Table

__all__ = [
    "AGGREGATORS",
    "PREAGGREGATORS",
    "Aggregation",
    "Aggregator",
    "Mean",
    "NearestNeighborMixing",
    "PreAggregator",
    "TrimmedMean",
]

AGGREGATORS: Table[Aggregator] = Table(
    "aggregators",
    {
        "mean": Mean,
        "trimmed-mean": TrimmedMean,
    },
)

PREAGGREGATORS: Table[PreAggregator] = Table(
    "preaggregators",
    {
        "nnm": NearestNeighborMixing,
    },
)
