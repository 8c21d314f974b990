"""What every test stands on."""

import os
from collections.abc import Iterator

import pytest
from threadpoolctl import threadpool_limits

# For the processes that tests start: many of them share two cores.
os.environ.update(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1", PYTHONUNBUFFERED="1")


@pytest.fixture(scope="session", autouse=True)
def one_blas_thread() -> Iterator[None]:
    """The number of threads changes the last bits, and runs are compared by those."""
    with threadpool_limits(1):
        yield
