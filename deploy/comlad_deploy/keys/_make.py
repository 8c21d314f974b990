"""Makes the authority of a cluster, and the keys of everyone in it.

Run again it makes what is missing and leaves what is there; a certificate of the authority
that would end too soon is made anew from the same key.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec

from comlad.config import SERVER, WATCHER, Identity, key_directories, parse_ids, read_keys, require
from comlad.errors import ConfigError
from comlad_deploy.files import write_bytes
from comlad_deploy.keys._certificates import (
    Authority,
    issue,
    issue_authority,
    load_certificate,
    load_key,
    to_pem,
)
from comlad_server.certificates import check_keys

__all__ = ["Made", "make_keys"]

_AUTHORITY_DAYS = 5 * 365


@dataclass(frozen=True, slots=True)
class Made:
    """A key in its directory.

    Args:
        identity: Whose it is.
        directory: Where it is; what is to be copied to its host.
        until: The end of its certificate's life.
        new: Whether it was made now.
    """

    identity: Identity
    directory: Path
    until: datetime
    new: bool


def make_keys(
    directory: Path,
    devices: int,
    groups: Sequence[str] = (),
    *,
    days: int = 365,
    renew: bool = False,
    now: datetime | None = None,
) -> list[Made]:
    """Make what is missing of the keys of a cluster.

    Args:
        directory: Where; made if it is not there.
        devices: N.
        groups: Ids of devices that share a host and its key; the others have one each.
        days: How long a certificate that is made is valid.
        renew: Whether keys and certificates that are there are made anew too, by the
            same authority.
        now: When that life begins; None: now.

    Returns:
        The server's, the devices', the watcher's.

    Raises:
        ConfigError: It cannot be, or what is there does not go together.
    """
    require(1 <= days <= _AUTHORITY_DAYS, "--days", days, f"must be 1 to {_AUTHORITY_DAYS}")
    identities = _identities(devices, groups)
    now, life = now or datetime.now(UTC), timedelta(days=days)
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        authority = _authority(directory, now, life)
        return [
            _make(directory / identity.directory, identity, authority, now, life, renew=renew)
            for identity in identities
        ]
    except OSError as error:
        raise ConfigError(f"{directory}: cannot be written ({error})") from error


def _identities(devices: int, groups: Sequence[str]) -> list[Identity]:
    require(1 <= devices <= 10**5, "--devices", devices, "must be 1 to 100000")
    alone = set(range(devices))
    hosts: list[tuple[int, ...]] = []
    for group in groups:
        ids = parse_ids("--group", group)
        if not alone.issuperset(ids):
            right = f"must be of devices 0 to {devices - 1}, each in one group only"
            raise ConfigError(f"--group {group}: {right}")
        alone.difference_update(ids)
        hosts.append(ids)
    hosts += [(device,) for device in alone]
    return [SERVER, *(Identity.of_devices(ids) for ids in sorted(hosts, key=min)), WATCHER]


def _authority(directory: Path, now: datetime, life: timedelta) -> Authority:
    """The one that is there, or a new one where nothing is that it would not go with."""
    file, key_file = directory / "ca.pem", directory / "ca.key"
    if file.exists() or key_file.exists():
        if not key_file.exists():
            raise ConfigError(f"{key_file} is missing: must be the key of the ca.pem beside it")
        authority = Authority(load_key(key_file), load_certificate(file))
        if authority.certificate.public_key() != authority.key.public_key():
            raise ConfigError(f"{key_file} must be the key of the ca.pem beside it")
        if authority.certificate.not_valid_after_utc >= now + life:
            return authority
        key = authority.key
    else:
        _check_empty(directory)
        key = ec.generate_private_key(ec.SECP256R1())
        write_bytes(key_file, to_pem(key), 0o600)
    authority = Authority(key, issue_authority(key, now, timedelta(days=_AUTHORITY_DAYS)))
    write_bytes(file, to_pem(authority.certificate), 0o644)
    return authority


def _check_empty(directory: Path) -> None:
    """Raise ConfigError unless there is nothing here but places for keys, such as volumes."""
    places = key_directories(directory)
    for entry in sorted(directory.iterdir()):
        if entry.name not in places or any(entry.iterdir()):
            raise ConfigError(
                f"{directory}: has {entry.name} but no ca.pem: must be empty at first"
            )


def _make(
    directory: Path,
    identity: Identity,
    authority: Authority,
    now: datetime,
    life: timedelta,
    *,
    renew: bool,
) -> Made:
    directory.mkdir(mode=0o700, exist_ok=True)
    write_bytes(directory / "ca.pem", to_pem(authority.certificate), 0o644)
    file, key_file = directory / "cert.pem", directory / "key.pem"
    if file.exists() != key_file.exists() and not renew:
        missing = key_file if file.exists() else file
        raise ConfigError(
            f"{missing} is missing: must go with what is there, or --renew makes both"
        )
    if new := renew or not file.exists():
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = issue(authority, key.public_key(), identity, now, life)
        write_bytes(key_file, to_pem(key), 0o600)
        write_bytes(file, to_pem(certificate), 0o644)
    else:
        certificate = check_keys(read_keys(directory), identity)
    return Made(identity, directory, certificate.not_valid_after_utc, new)
