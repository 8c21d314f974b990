"""What every test stands on."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from threadpoolctl import threadpool_limits

# For the processes that tests start: many of them share two cores.
os.environ.update(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1", PYTHONUNBUFFERED="1")
# Else each of hundreds would compile comlad anew, which is half of what it takes to start.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the long tests first, so that short ones are left to share out at the end."""
    items.sort(key=lambda item: item.get_closest_marker("integration") is None)


@pytest.fixture(scope="session", autouse=True)
def one_blas_thread() -> Iterator[None]:
    """The number of threads changes the last bits, and runs are compared by those."""
    with threadpool_limits(1):
        yield


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keys as `comlad keys` makes them, for devices 0 to 9; nothing may be changed in there."""
    from comlad_deploy.keys import make_keys

    directory = tmp_path_factory.mktemp("keys")
    make_keys(directory, 10)
    return directory
