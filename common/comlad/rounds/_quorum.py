"""Whether a round may close with those who have answered."""

from comlad.coding import Decodes
from comlad.errors import ConfigError
from comlad.experiment import Devices, Prepared

__all__ = ["lacks", "must_skip"]


def lacks(prepared: Prepared, votes: int, refused: int) -> str | None:
    """Why so many answers are too few for a round, as far as their number tells; else None.

    Args:
        prepared: What is being run.
        votes: How many devices' answers count.
        refused: How many devices' do not; all others have not answered.
    """
    experiment = prepared.experiment
    devices = experiment.devices
    if (reason := _below_quorum(devices, votes)) is not None:
        return reason
    if isinstance(experiment.coding, Decodes):
        return None  # the decoder finds out
    missing = devices.count - votes - refused
    try:
        experiment.aggregator.check(votes, devices.expected(refused, missing))
    except ConfigError as error:
        return f"{votes} of {devices.count} devices answered: {error}"
    return None


def must_skip(devices: Devices, votes: int) -> str | None:
    """Why a round that closed with so many votes leaves the model, whatever the rule; else None."""
    if votes and devices.too_few != "skip":
        return None  # it would not have closed; this quorum may be a later one, of the run resumed
    return _below_quorum(devices, votes)


def _below_quorum(devices: Devices, votes: int) -> str | None:
    if votes == 0:
        return "nobody answered"
    if devices.quorum is not None and votes < devices.quorum:
        return f"{votes} of {devices.count} devices answered: must be {devices.quorum}, the quorum"
    return None
