import gzip
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from comlad.errors import ConfigError
from comlad.problems._libsvm import read_libsvm

TEXT = b"""# heights and weights
+1 1:0.5 3:-2   # a comment

-1 2:1e3\r
\t1 1:7
-1
"""


def written(directory: Path, content: bytes) -> str:
    path = directory / "data"
    path.write_bytes(content)
    return str(path)


def refusal(path: str) -> str:
    """What is said of the file after its name."""
    with pytest.raises(ConfigError) as caught:
        read_libsvm(path)
    before, _, after = str(caught.value).partition(": ")
    assert before == f"path = {path!r}"
    assert "\n" not in after
    return after


def test_reads_samples_and_labels(tmp_path: Path) -> None:
    features, labels = read_libsvm(written(tmp_path, TEXT))

    assert features.tolist() == [[0.5, 0, -2], [0, 1000, 0], [7, 0, 0], [0, 0, 0]]
    assert labels.tolist() == [1, -1, 1, -1]
    assert features.dtype == np.float64
    assert labels.dtype == np.int64


def test_reads_the_same_from_a_file_that_is_compressed(tmp_path: Path) -> None:
    plain = read_libsvm(written(tmp_path, TEXT))

    zipped = read_libsvm(written(tmp_path, gzip.compress(TEXT)))

    for one, two in zip(plain, zipped, strict=True):
        assert one.tobytes() == two.tobytes()


@pytest.mark.parametrize(
    "labels", [b"-1 +1 +1 -1", b"0 1 1 0", b"1 2 2 1", b"2 4.0 4 2.0", b"-3.5 -1e-3 -.001 -3.5"]
)
def test_makes_the_larger_label_1_and_the_smaller_minus_1(tmp_path: Path, labels: bytes) -> None:
    content = b"".join(label + b" 1:1\n" for label in labels.split())

    _, signs = read_libsvm(written(tmp_path, content))

    assert signs.tolist() == [-1, 1, 1, -1]


def test_does_without_a_line_end_at_the_end(tmp_path: Path) -> None:
    features, _ = read_libsvm(written(tmp_path, b"1 1:1\n0 1:2"))

    assert features.tolist() == [[1], [2]]


PAIR = "must be index:value, a whole number and a finite one"
LABEL = "must begin with a label, a finite number"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"1:2 3:4", f"'1:2': {LABEL}"),
        (b"one 1:2", f"'one': {LABEL}"),
        (b"nan 1:2", f"'nan': {LABEL}"),
        (b"1_0 1:2", f"'1_0': {LABEL}"),
        (b"1,2 1:2", f"'1,2': {LABEL}"),
        (b"\xff\xfe1 1:2", rf"'\\xff\\xfe1': {LABEL}"),
        ("\uff11 1:2".encode(), rf"'\\xef\\xbc\\x91': {LABEL}"),
        (b"1 2", f"'2': {PAIR}"),
        (b"1 2:", f"'2:': {PAIR}"),
        (b"1 :2", f"':2': {PAIR}"),
        (b"1 1:2:3", f"'1:2:3': {PAIR}"),
        (b"1 1:x", f"'1:x': {PAIR}"),
        (b"1 1: 2", f"'1:': {PAIR}"),
        (b"1 1:inf", f"'1:inf': {PAIR}"),
        (b"1 1:1e999", f"'1:1e999': {PAIR}"),
        (b"1 1:nan", f"'1:nan': {PAIR}"),
        (b"1 1:1_000", f"'1:1_000': {PAIR}"),
        (b"1 1.0:2", f"'1.0:2': {PAIR}"),
        (b"1 -1:2", f"'-1:2': {PAIR}"),
        (b"1 +1:2", f"'+1:2': {PAIR}"),
        (b"1 qid:7 1:2", f"'qid:7': {PAIR}"),
        (b"1 1:\xc2\xbd", rf"'1:\\xc2\\xbd': {PAIR}"),
        (b"1 " + b"y" * 99, f"'{'y' * 39}…': {PAIR}"),
        (b"1 0:2", "'0:2': must have an index from 1 up"),
        (b"1 3:1 2:1", "'2:1': must have an index above the one before it, 3"),
        (b"1 3:1 3:1", "'3:1': must have an index above the one before it, 3"),
        (b"1 1000000000:1", "'1000000000:1': must have an index below 10^9"),
        (b"1 " + b"9" * 5000 + b":1", f"'{'9' * 39}…': must have an index below 10^9"),
        (b"2 1:1", "'2': there must be two labels in all, not -1, 1, 2"),
        (b"0.5 1:1", "'0.5': there must be two labels in all, not -1, 0.5, 1"),
    ],
)
def test_says_which_line_is_bad(tmp_path: Path, line: bytes, message: str) -> None:
    path = written(tmp_path, b"# about\n+1 1:1\n-1 2:1\n" + line + b"\n-1 1:1\n")

    assert refusal(path) == f"line 4 has {message}"


@pytest.mark.parametrize("content", [b"", b"\n \n", b"# only this", gzip.compress(b"", mtime=0)])
def test_refuses_a_file_without_samples(tmp_path: Path, content: bytes) -> None:
    assert refusal(written(tmp_path, content)) == "holds no sample; must be a LIBSVM file"


def test_refuses_samples_without_features(tmp_path: Path) -> None:
    path = written(tmp_path, b"1\n-1\n")

    assert refusal(path) == "no sample has a feature; must have some"


def test_refuses_a_single_label(tmp_path: Path) -> None:
    path = written(tmp_path, b"+1 1:1\n1.0 1:2\n")

    assert refusal(path) == "every label is 1; there must be two"


def test_refuses_what_would_not_fit_into_memory_before_taking_any(tmp_path: Path) -> None:
    path = written(tmp_path, b"1 1:1\n-1 999999999:1\n")
    tracemalloc.start()

    message = refusal(path)

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert message == "2 samples of 999999999 features take 14.9 GiB; must be at most 4 GiB"
    assert peak < 2**20


ZIPPED = gzip.compress(TEXT * 20)
UNREADABLE = "must be a LIBSVM file, plain or compressed by gzip ("


@pytest.mark.parametrize(
    "content",
    [
        ZIPPED[:5],
        ZIPPED[:-9],
        ZIPPED[:20] + b"\0\0\0\0" + ZIPPED[24:],
        ZIPPED[:-8] + b"\0\0\0\0" + ZIPPED[-4:],
        ZIPPED + b"and more",
        b"\x1f\x8b\x07 is another method",
    ],
    ids=["header", "cut off", "spoilt inside", "checksum", "more", "another method"],
)
def test_refuses_a_broken_archive(tmp_path: Path, content: bytes) -> None:
    assert refusal(written(tmp_path, content)).startswith(UNREADABLE)


def test_says_that_a_file_is_missing(tmp_path: Path) -> None:
    message = refusal(str(tmp_path / "none"))

    assert message.startswith(UNREADABLE)
    assert "No such file" in message


@pytest.mark.parametrize("name", ["", "a\0b"])
def test_refuses_a_directory_and_a_name_that_cannot_be(tmp_path: Path, name: str) -> None:
    assert refusal(f"{tmp_path}/{name}").startswith(UNREADABLE)
