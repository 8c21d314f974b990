"""Memory for what comes and goes with every round of a large model."""

import ctypes
from contextlib import suppress

__all__ = ["give_back_large_arrays"]

# Models of 1 MiB and more. Smaller ones are not worth a call of the system for each array.
_LARGE_MODEL = 2**17
# Of glibc's mallopt, and from how many bytes on an array is the system's again when it is freed.
_M_MMAP_THRESHOLD, _LARGE = -3, 2**15


def give_back_large_arrays(dimension: int) -> None:
    """With a large model of Q numbers, have the system take back what is freed, and at once.

    glibc would keep the space of arrays up to 32 MiB once some of them were freed, and that
    of the devices' vectors between what is smaller: at Q = 10^6 with a hundred sparse
    vectors four models' worth. Elsewhere than with glibc this does nothing.
    """
    if dimension >= _LARGE_MODEL:
        with suppress(AttributeError, OSError, TypeError):
            ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _LARGE)
