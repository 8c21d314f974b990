"""An experiment together with its data."""

from dataclasses import dataclass, replace

from comlad.coding import Decodes
from comlad.compression import COMPRESSORS, Bounded, Compressor, TakesMask, Uniform, links_of
from comlad.config import at, require
from comlad.errors import ConfigError
from comlad.estimators import Setting
from comlad.experiment._experiment import Experiment
from comlad.problems import Data, Objective

__all__ = ["Prepared", "prepare"]


@dataclass(frozen=True, slots=True)
class Prepared:
    """An experiment whose data is at hand and fits: nothing in its files is left to go wrong."""

    experiment: Experiment
    data: Data
    objective: Objective

    @property
    def width(self) -> int:
        """The length of the vectors that devices compress: Q, unless coding makes them longer."""
        return self.experiment.coding.width(self.objective.dimension)


def prepare(experiment: Experiment) -> Prepared:
    """Load the data, which may read files, and check what can only be checked against it.

    What the estimator leaves to be derived from the compressor and the data is filled in.

    Raises:
        ConfigError: The data is not there or the experiment does not fit it.
    """
    with at("[problem]"):
        try:
            data = experiment.problem.load(experiment.devices.count, experiment.seed)
            objective = experiment.problem.objective(data)
        except MemoryError as error:
            raise ConfigError(f"data that does not fit into memory ({error}): make less") from error
    with at("[compressor]"):
        experiment.compressor.check(experiment.coding.width(objective.dimension))
        _check_agreement(experiment, objective.dimension)
    with at("[sampling]"):
        share = experiment.sampling.share(objective)
    # What does not go together it says of the compressor.
    estimator = experiment.estimator.fitted(_setting(experiment, objective.dimension, share))
    return Prepared(replace(experiment, estimator=estimator), data, objective)


def _setting(experiment: Experiment, dimension: int, share: float) -> Setting:
    width, compressor = experiment.coding.width(dimension), experiment.compressor
    kinds = _kinds(compressor)
    biased = any(_is_biased(link, width) for link in links_of(compressor))
    if not isinstance(compressor, Bounded):
        return Setting(kinds, False, biased, None, None, share)
    return Setting(kinds, True, biased, compressor.delta(width), compressor.alpha(width), share)


def _is_biased(compressor: Compressor, width: int) -> bool:
    """Whether it is known to be: it has an α, and no δ, which would be 1 − α."""
    if not isinstance(compressor, Bounded):
        return False
    return compressor.delta(width) is None and compressor.alpha(width) is not None


def _kinds(compressor: Compressor) -> str:
    return " + ".join(COMPRESSORS.kind_of(link) for link in links_of(compressor))


def _check_agreement(experiment: Experiment, dimension: int) -> None:
    """A code that is decoded needs vectors that are still comparable when they arrive."""
    if not isinstance(coding := experiment.coding, Decodes):
        return
    compressor = experiment.compressor
    found = compressor.agreement if isinstance(compressor, Uniform) else "none"
    kinds = _kinds(compressor)
    if coding.needs_exact:
        right = 'must be linear in float64: identity, or one mask for all with index = "common"'
        require(found == "linear", "kind", kinds, right)
        if isinstance(compressor, TakesMask) and compressor.mask_scope == "round":
            parts = coding.width(dimension) // dimension
            right = f"must be {parts}: of a complex number both parts are kept, or neither"
            require(compressor.parts == parts, "parts", compressor.parts, right)
    else:
        right = (
            "must make the same of the same vector, whoever sends it: "
            'no draws of a device\'s own; index = "common" has none'
        )
        require(found != "none", "kind", kinds, right)
