"""What is to be run: the experiment file as a value, checked before anything starts."""

from comlad.experiment._devices import Devices, byzantine_devices, process_groups
from comlad.experiment._downlink import Downlink
from comlad.experiment._experiment import Command, Experiment
from comlad.experiment._prepare import Prepared, prepare
from comlad.experiment._sampling import Sampling
from comlad.experiment._tables import read_experiment, write_experiment

__all__ = [
    "Command",
    "Devices",
    "Downlink",
    "Experiment",
    "Prepared",
    "Sampling",
    "byzantine_devices",
    "prepare",
    "process_groups",
    "read_experiment",
    "write_experiment",
]
