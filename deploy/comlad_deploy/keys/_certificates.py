"""Certificates: what is in them, and how they are written down."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from comlad.config import SERVER_NAME, Identity
from comlad.errors import ConfigError

__all__ = ["Authority", "issue", "issue_authority", "load_certificate", "load_key", "to_pem"]

# For hosts whose clock is behind.
_BACKDATED = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Authority:
    """Who signs: the certificate that all trust, and its key, which stays where it is."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate


def issue_authority(
    key: ec.EllipticCurvePrivateKey, now: datetime, life: timedelta
) -> x509.Certificate:
    """A certificate that signs others.

    The same key gets the same name: what it signed before is good under a newer certificate
    too, and the other way round.
    """
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    name = _name(f"comlad authority {identifier.digest.hex()[:16]}")
    return (
        _builder(name, name, key.public_key(), now, life)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs=True), critical=True)
        .sign(key, hashes.SHA256())
    )


def issue(
    authority: Authority,
    key: ec.EllipticCurvePublicKey,
    identity: Identity,
    now: datetime,
    life: timedelta,
) -> x509.Certificate:
    """A certificate for one end of a connection: a server's for the one, all others for the other.

    It ends with the authority's, if that comes before.
    """
    names: list[x509.GeneralName] = [x509.UniformResourceIdentifier(identity.uri)]
    purpose = ExtendedKeyUsageOID.CLIENT_AUTH
    if identity.role == "server":
        names.append(x509.DNSName(SERVER_NAME))
        purpose = ExtendedKeyUsageOID.SERVER_AUTH
    signer = authority.certificate
    above = signer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    life = min(life, signer.not_valid_after_utc - now)
    return (
        _builder(signer.subject, _name(f"comlad {identity.role}"), key, now, life)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(above), critical=False
        )
        .sign(authority.key, hashes.SHA256())
    )


def to_pem(thing: x509.Certificate | ec.EllipticCurvePrivateKey) -> bytes:
    """A certificate or key as it stands in a file."""
    if isinstance(thing, x509.Certificate):
        return thing.public_bytes(Encoding.PEM)
    return thing.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def load_certificate(path: Path) -> x509.Certificate:
    """The certificate in a file.

    Raises:
        ConfigError: There is none.
    """
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} must be a certificate ({error})") from error


def load_key(path: Path) -> ec.EllipticCurvePrivateKey:
    """The private key in a file.

    Raises:
        ConfigError: There is none, or one that `comlad keys` does not make.
    """
    try:
        key = load_pem_private_key(path.read_bytes(), None)
    except (OSError, ValueError, TypeError) as error:
        raise ConfigError(f"{path} must be a private key ({error})") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ConfigError(f"{path} must be a key on an elliptic curve, as comlad keys makes them")
    return key


def _builder(
    issuer: x509.Name,
    subject: x509.Name,
    key: ec.EllipticCurvePublicKey,
    now: datetime,
    life: timedelta,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .issuer_name(issuer)
        .subject_name(subject)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(now + life)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )
