"""An experiment together with its data."""

from dataclasses import dataclass

from comlad.config import at
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
        experiment.compressor.check(objective.dimension)
    return Prepared(experiment, data, objective)
