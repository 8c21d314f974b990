"""What estimators ask of a compressor, and why."""

from comlad.config import mistake, require
from comlad.estimators._protocol import Setting

__all__ = ["check_share", "known_delta", "require_contractive", "require_unbiased"]

_KIND = "[compressor] kind"


def check_share(key: str, value: float | None) -> None:
    """Raise ConfigError unless a parameter is a part of 1, or left open."""
    require(value is None or 0 < value <= 1, key, value, "must be above 0 and at most 1")


def require_unbiased(setting: Setting, why: str) -> None:
    """Raise ConfigError if the compressor is known to be biased."""
    if setting.biased:
        raise mistake(_KIND, setting.compressor, f"must be unbiased: {why}")


def known_delta(setting: Setting, method: str) -> float:
    """δ of the compressor, for methods whose server adds up what was sent; 0 if it tells nothing.

    Raises:
        ConfigError: It is biased, or there is no δ.
    """
    require_unbiased(setting, f"{method} adds up what was sent, and so adds up a bias")
    if setting.bounded and setting.delta is None:
        right = f"must have an error of at most δ times the vector: {method} adds errors up"
        raise mistake(_KIND, setting.compressor, right)
    return setting.delta or 0.0


def require_contractive(setting: Setting) -> None:
    """Raise ConfigError if the compressor can be farther off than one that sends nothing."""
    if setting.bounded and setting.alpha is None:
        found = "" if setting.delta is None else f" (it has δ = {setting.delta:.4g})"
        right = (
            f"must be contractive{found}: error feedback feeds on errors that are smaller than the "
            "vector; random-sparsification is with scaled = false, qsgd with more levels"
        )
        raise mistake(_KIND, setting.compressor, right)
