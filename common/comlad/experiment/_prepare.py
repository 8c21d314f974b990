"""An experiment together with its data."""

from dataclasses import dataclass

from comlad.coding import Decodes
from comlad.compression import COMPRESSORS, TakesMask, Uniform, links_of
from comlad.config import at, require
from comlad.errors import ConfigError
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
    return Prepared(experiment, data, objective)


def _check_agreement(experiment: Experiment, dimension: int) -> None:
    """A code that is decoded needs vectors that are still comparable when they arrive."""
    if not isinstance(coding := experiment.coding, Decodes):
        return
    compressor = experiment.compressor
    found = compressor.agreement if isinstance(compressor, Uniform) else "none"
    kinds = " + ".join(COMPRESSORS.kind_of(link) for link in links_of(compressor))
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
