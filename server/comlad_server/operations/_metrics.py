"""Numbers of a run for Prometheus, over HTTP.

They are made of the run's status when someone scrapes, in a thread of its own: rounds
cost nothing.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Metric, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from comlad.config import check_address
from comlad.errors import ConfigError
from comlad_server.operations._board import StatusBoard
from comlad_server.operations._status import Status

__all__ = ["MetricsCollector", "serve_metrics"]


class MetricsCollector(Collector):
    """Makes metrics of a run's status.

    Args:
        board: Whose status it is.
    """

    def __init__(self, board: StatusBoard) -> None:
        self._board = board

    def collect(self) -> Iterator[Metric]:
        """All metrics as they are now."""
        status = self._board.status()
        yield from _run_metrics(status)
        yield from _device_metrics(status)

    def describe(self) -> tuple[()]:
        """Nothing: who registers a collector need not have it collect."""
        return ()


@contextmanager
def serve_metrics(address: str, board: StatusBoard) -> Iterator[str]:
    """Answer scrapes for as long as the block runs; gives the address with the port.

    Args:
        address: HOST:PORT; port 0: one that is free.
        board: Whose status is shown.

    Raises:
        ConfigError: The address cannot be listened on.
    """
    check_address("--metrics", address)
    host, _, port = address.rpartition(":")
    registry = CollectorRegistry()
    registry.register(MetricsCollector(board))
    try:
        server, thread = start_http_server(int(port), host.strip("[]"), registry)
    except OSError as error:
        raise ConfigError(
            f"--metrics {address}: the port is in use, or the address is not this machine's"
        ) from error
    try:
        yield f"{host}:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _run_metrics(status: Status) -> Iterator[Metric]:
    yield CounterMetricFamily("comlad_rounds", "Rounds closed.", value=status.counted)
    yield GaugeMetricFamily("comlad_round", "The round that is next, or open.", value=status.closed)
    if status.loss is not None:
        yield GaugeMetricFamily("comlad_loss", "After the last round.", value=status.loss)
    if status.accuracy is not None:
        text = "Of the model after the last round, on held-out samples."
        yield GaugeMetricFamily("comlad_accuracy", text, value=status.accuracy)
    if status.checkpoint is not None:
        text = "The round that the run would go on with."
        yield GaugeMetricFamily("comlad_checkpoint_round", text, value=status.checkpoint)
    text = "Seconds of the closed rounds by what the server did."
    seconds = CounterMetricFamily("comlad_round_seconds", text, labels=["phase"])
    for phase, spent in status.phases.items():
        seconds.add_metric([phase], spent)
    yield seconds
    text = "Bytes of all devices by layer, up and down as they see it."
    layers = CounterMetricFamily("comlad_bytes", text, labels=["layer", "direction"])
    for way, counts in status.bytes.items():
        for layer, count in counts.items():
            layers.add_metric([layer, way], count)
    yield layers
    faults = CounterMetricFamily("comlad_faults", "What went wrong, by kind.", labels=["kind"])
    for kind, count in status.faults.items():
        faults.add_metric([kind], count)
    yield faults


def _device_metrics(status: Status) -> Iterator[Metric]:
    devices = GaugeMetricFamily("comlad_devices", "Devices by state.", labels=["state"])
    devices.add_metric(["expected"], len(status.devices))
    devices.add_metric(["connected"], sum(device.connected for device in status.devices))
    devices.add_metric(["late"], sum(device.late for device in status.devices))
    yield devices
    text = "Rounds in which a device's answer counted."
    attendance = CounterMetricFamily("comlad_attendance", text, labels=["device"])
    for device in status.devices:
        attendance.add_metric([str(device.device)], device.answered)
    yield attendance
