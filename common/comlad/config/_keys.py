"""Keys on disk, as `comlad keys` leaves them.

DIR/ca.pem, DIR/ca.key            the ca.key is for `comlad keys` alone
DIR/server/{ca,cert,key}.pem      what --keys of the server takes
DIR/device-0/...                  of one device; DIR/devices-1-4/ of a host of several
DIR/watcher/...
"""

from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from comlad.config._identities import Identity, parse_identity
from comlad.errors import ConfigError

__all__ = ["Keys", "key_directories", "read_keys"]


@dataclass(frozen=True, slots=True)
class Keys:
    """What one end of a TLS connection has, as PEM.

    Args:
        directory: Where it was found.
        ca: The certificate of who signs all certificates of a cluster.
        certificate: Its own.
        key: The private key of that.
    """

    directory: Path
    ca: bytes = field(repr=False)
    certificate: bytes = field(repr=False)
    key: bytes = field(repr=False)


def read_keys(directory: Path, identity: Identity | None = None) -> Keys:
    """The keys in a directory, or in that one of its directories which is for an identity.

    Args:
        directory: What --keys was given.
        identity: Whose; of some devices also a directory that is for more. None: of
            devices, of which there must not be several to choose from.

    Raises:
        ConfigError: They are not there or cannot be read.
    """
    try:  # the directory may be somebody else's
        own = directory if (directory / "cert.pem").exists() else _find(directory, identity)
    except OSError as error:
        raise ConfigError(f"--keys {directory}: cannot be read ({error})") from error
    return Keys(own, *(_read(own / name) for name in ("ca.pem", "cert.pem", "key.pem")))


def _find(directory: Path, identity: Identity | None) -> Path:
    found = key_directories(directory)
    if identity is None:
        fitting = [name for name, whose in found.items() if whose.role == "devices"]
        if len(fitting) > 1:
            raise ConfigError(f"--keys {directory}: has {len(fitting)} devices' keys; say --device")
    else:
        fitting = [name for name, whose in found.items() if _covers(whose, identity)]
        fitting.sort(key=lambda name: found[name].count)
    if not fitting:
        there = ", ".join(sorted(found)[:10]) or "none"
        wanted = "a device" if identity is None else str(identity)
        raise ConfigError(
            f"--keys {directory}: must hold cert.pem, or a directory with the key of {wanted}, "
            f"as comlad keys makes them; found keys of: {there}"
        )
    return directory / fitting[0]


def _covers(whose: Identity, identity: Identity) -> bool:
    return whose.role == identity.role and all(
        any(some.start in own and some[-1] in own for own in whose.ranges)
        for some in identity.ranges
    )


def key_directories(directory: Path) -> dict[str, Identity]:
    """The directories in a directory that have names as if keys were in them."""
    found = {}
    for entry in directory.iterdir():
        name = entry.name.replace("device-", "devices:", 1).replace("devices-", "devices:", 1)
        with suppress(ConfigError):
            identity = parse_identity(f"urn:comlad:{name}")
            if identity.directory == entry.name:
                found[entry.name] = identity
    return found


def _read(path: Path) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"--keys: {path} cannot be read ({error})") from error
    if b"-----BEGIN " not in data:
        raise ConfigError(f"--keys: {path} must be a PEM file, as comlad keys makes it")
    return data
