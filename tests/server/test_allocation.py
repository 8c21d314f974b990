import platform
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or platform.libc_ver()[0] != "glibc", reason="there is no glibc"
)

# Vectors of devices with something small after each, which is kept.
PROGRAM = """
import os, sys
from comlad_server._allocation import give_back_large_arrays

def megabytes():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6

give_back_large_arrays(int(sys.argv[1]))
before = megabytes()
vectors, rest = [], []
for _ in range(1000):
    vectors.append(bytearray(b"x") * 40_000)
    rest.append(bytearray(b"x") * 1000)
del vectors
print(megabytes() - before)
"""


def megabytes_kept(dimension: int) -> float:
    command = [sys.executable, "-c", PROGRAM, str(dimension)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def test_gives_back_what_the_vectors_of_a_large_model_left() -> None:
    assert megabytes_kept(10**6) < 15


def test_leaves_small_models_to_the_allocator() -> None:
    assert megabytes_kept(1000) > 30
