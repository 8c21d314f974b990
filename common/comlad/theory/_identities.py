"""Exact statements on the cyclic code, where the paper has bounds.

N devices and subsets, H of the devices honest, load d; tasks and permutation are uniform
and independent. V = (1/N) Σ ‖∇f_k − µ‖² is how much the gradients differ, µ their mean.
They follow from Lemma 1 and the variance of a mean drawn without replacement, and are
tested against draws.
"""

__all__ = [
    "dispersion",
    "error_of_compression",
    "error_of_honest_mean",
    "expected_deviation",
    "load_imbalance",
]


def load_imbalance(devices: int, honest: int, load: int) -> float:
    """E‖(1/(dH)) h Ŝ − (1/N) 1‖² = (N−H)(N−d) / (dH(N−1)N) (LAD, Lemma 1).

    How unequally a random choice h of H rows of the task matrix Ŝ covers the subsets.
    """
    n, h, d = devices, honest, load
    return (n - h) * (n - d) / (d * h * (n - 1) * n) if n > 1 else 0.0


def expected_deviation(devices: int, load: int, variance: float) -> float:
    """E‖g_i − µ‖² = (N−d)/(d(N−1)) · V: Lemma 2 with equality, V in place of its bound β².

    Args:
        devices: N.
        load: d.
        variance: V.
    """
    return (devices - load) / (load * (devices - 1)) * variance if devices > 1 else 0.0


def error_of_honest_mean(devices: int, honest: int, load: int, variance: float) -> float:
    """E‖(1/H) Σ g_i − µ‖² over the honest = (N−H)(N−d) / (dH(N−1)²) · V.

    The paper bounds this by (59), which has a term in ‖∇F‖² besides; there is none.
    """
    if devices == 1:
        return 0.0
    return load_imbalance(devices, honest, load) * devices / (devices - 1) * variance


def error_of_compression(
    devices: int, load: int, variance: float, mean_squared: float, delta: float
) -> float:
    """E‖C(g_i) − g_i‖² = δ (‖µ‖² + (N−d)/(d(N−1)) · V) for a C with equality, such as Rand-k.

    It does not vanish with d, as the paper's (61) would have it: δ‖µ‖² stays.

    Args:
        devices: N.
        load: d.
        variance: V.
        mean_squared: ‖µ‖².
        delta: δ, with E‖C(g) − g‖² = δ‖g‖² for all g.
    """
    return delta * (mean_squared + expected_deviation(devices, load, variance))


def dispersion(
    devices: int,
    honest: int,
    load: int,
    variance: float,
    *,
    mean_squared: float = 0.0,
    delta: float = 0.0,
) -> float:
    """E (1/H) Σ ‖C(g_i) − their mean‖² over the honest, what κ multiplies in Definition 1.

    = V (N−d)N(H−1) / (d(N−1)²H) + (1 − 1/H) δ (‖µ‖² + (N−d)/(d(N−1)) V), with
    independent compressors. Hence E‖A − mean‖² ≤ κ times this needs no condition on the
    step without compression, and κ(1 − 1/H)δ < 1 with it, in place of the paper's
    √(κ κ2) < 1/N, which hardly any setting fulfils. At d = N a floor κδ‖µ‖² remains.
    """
    n, h, d = devices, honest, load
    spread = variance * (n - d) * n * (h - 1) / (d * (n - 1) ** 2 * h) if n > 1 else 0.0
    return spread + (1 - 1 / h) * error_of_compression(n, d, variance, mean_squared, delta)
