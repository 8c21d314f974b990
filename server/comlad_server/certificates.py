"""Whether the keys in a directory go together, and are whose they should be."""

from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from comlad.config import SERVER, SERVER_NAME, Identity, Keys
from comlad.errors import ConfigError

__all__ = ["check_dates", "check_keys"]


def check_keys(keys: Keys, identity: Identity) -> x509.Certificate:
    """The certificate, if the keys go together and are an identity's.

    Raises:
        ConfigError: Something is wrong; says with which file, and what would be right.
    """
    where = keys.directory
    ca = _load(where / "ca.pem", keys.ca)
    certificate = _load(where / "cert.pem", keys.certificate)
    try:
        key = load_pem_private_key(keys.key, None)
    except (ValueError, TypeError) as error:
        raise ConfigError(f"--keys: {where / 'key.pem'} must be a private key ({error})") from error
    if key.public_key() != certificate.public_key():
        raise ConfigError(f"--keys: {where / 'key.pem'} must be the key of the cert.pem beside it")
    try:
        certificate.verify_directly_issued_by(ca)
    except (InvalidSignature, ValueError, TypeError) as error:
        raise ConfigError(
            f"--keys: {where / 'cert.pem'} must be issued by the ca.pem beside it"
        ) from error
    if (names := _names(certificate)) != _expected(identity):
        raise ConfigError(
            f"--keys: {where / 'cert.pem'} is for {', '.join(names) or 'nobody'}: "
            f"must be for {', '.join(_expected(identity))}"
        )
    return certificate


def check_dates(keys: Keys) -> None:
    """Raise ConfigError unless both certificates are valid now."""
    now = datetime.now(UTC)
    for name, data in (("ca.pem", keys.ca), ("cert.pem", keys.certificate)):
        path = keys.directory / name
        found = _load(path, data)
        first, last = found.not_valid_before_utc, found.not_valid_after_utc
        if not first <= now <= last:
            raise ConfigError(
                f"--keys: {path} is valid from {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M}: "
                f"must be now, {now:%Y-%m-%d %H:%M} UTC; comlad keys --renew makes new ones"
            )


def _load(path: Path, data: bytes) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(data)
    except ValueError as error:
        raise ConfigError(f"--keys: {path} must be a certificate ({error})") from error


def _names(certificate: x509.Certificate) -> list[str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    uris = names.get_values_for_type(x509.UniformResourceIdentifier)
    return [*uris, *names.get_values_for_type(x509.DNSName)]


def _expected(identity: Identity) -> list[str]:
    return [identity.uri, SERVER_NAME] if identity == SERVER else [identity.uri]
