"""The server's own certificate: checked before it is served, and taken up when it is renewed."""

import logging
from pathlib import Path

import grpc

from comlad.config import SERVER, Keys, is_loopback, read_keys
from comlad.errors import ConfigError
from comlad_server.certificates import check_dates, check_keys

__all__ = ["Renewal", "choose_transport", "server_credentials"]

logger = logging.getLogger(__name__)


def choose_transport(listen: str, keys: Path | None, insecure: bool) -> str:
    """How devices will be connected, as the summary of a run has it.

    Raises:
        ConfigError: Without keys where others can reach the server, and nobody said so.
    """
    if keys is not None:
        if insecure:
            raise ConfigError("--insecure: must be without --keys")
        return "mtls"
    if is_loopback(listen):
        return "plaintext on loopback"
    if not insecure:
        raise ConfigError(
            f"--listen {listen}: must have --keys DIR, or --insecure for a network that can be "
            "trusted wholly; without is for this machine only"
        )
    logger.warning(
        "--insecure: nothing is encrypted, and whoever reaches %s can be any device", listen
    )
    return "insecure"


def server_credentials(directory: Path) -> grpc.ServerCredentials:
    """Mutual TLS with the server's keys in a directory, which are read again when they change.

    Raises:
        ConfigError: They are not there or no good; says which file and why.
    """
    keys = read_keys(directory, SERVER)
    check_keys(keys, SERVER)
    check_dates(keys)
    _warn_of_readers(keys)
    return grpc.dynamic_ssl_server_credentials(
        _configuration(keys),
        Renewal(keys).fetch,  # type: ignore[arg-type]  # None means nothing new
        require_client_authentication=True,
    )


class Renewal:
    """Looks for renewed files at every handshake; a thread of gRPC's asks."""

    def __init__(self, keys: Keys) -> None:
        self._directory = keys.directory
        self._seen = self._times()

    def fetch(self) -> grpc.ServerCertificateConfiguration | None:
        """What is to be served from now on; None: what was."""
        if (times := self._times()) == self._seen:
            return None
        self._seen = times
        try:
            keys = read_keys(self._directory)
            check_keys(keys, SERVER)
            check_dates(keys)
        except ConfigError as error:  # half renewed, perhaps: what was served still is
            logger.warning("the server's new keys are not taken up: %s", error)
            return None
        logger.info("the server's keys were renewed: %s", self._directory)
        return _configuration(keys)

    def _times(self) -> tuple[int, ...]:
        try:
            return tuple(
                (self._directory / name).stat().st_mtime_ns
                for name in ("ca.pem", "cert.pem", "key.pem")
            )
        except OSError:
            return ()


def _configuration(keys: Keys) -> grpc.ServerCertificateConfiguration:
    return grpc.ssl_server_certificate_configuration([(keys.key, keys.certificate)], keys.ca)


def _warn_of_readers(keys: Keys) -> None:
    path = keys.directory / "key.pem"
    if (mode := path.stat().st_mode & 0o777) & 0o004:
        logger.warning("everybody on this host can read %s (mode %o): should be 600", path, mode)
