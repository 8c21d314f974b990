import numpy as np
import pytest
from numpy.typing import NDArray
from samples import fresh_rng

from comlad.coding import DracoRepetition, Received
from comlad.errors import ConfigError

N, LOAD = 20, 5  # four groups of five, of which two may lie in each
CODING = DracoRepetition(LOAD)
GRADIENTS = fresh_rng(1).normal(0, 1, (N, 4))


def answers(seed: int = 0) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """What 20 honest devices send, and their tasks."""
    tasks, permutation = CODING.draw(N, fresh_rng(seed))
    return CODING.encode(GRADIENTS, CODING.subsets(tasks, permutation), tasks, N), tasks


def received(
    vectors: NDArray[np.float64], tasks: NDArray[np.intp], without: tuple[int, ...] = ()
) -> Received:
    there = [device for device in range(N) if device not in without]
    return Received(vectors[there], tuple(there), tasks[there], N, fresh_rng())


def group(tasks: NDArray[np.intp], number: int) -> list[int]:
    """The ids of its devices."""
    members: list[int] = np.flatnonzero(tasks // LOAD == number).tolist()
    return members


def test_has_all_members_of_a_group_send_the_same_to_the_last_bit() -> None:
    vectors, tasks = answers()

    for number in range(N // LOAD):
        assert len({vectors[device].tobytes() for device in group(tasks, number)}) == 1


def test_has_every_subset_in_one_group() -> None:
    tasks, permutation = CODING.draw(N, fresh_rng())

    owned = {tuple(row) for row in CODING.subsets(tasks, permutation).tolist()}

    assert sorted(subset for row in owned for subset in row) == list(range(N))


@pytest.mark.parametrize("seed", range(5))
def test_decodes_with_two_liars_that_agree_in_each_group(seed: int) -> None:
    vectors, tasks = answers(seed)
    liars = [device for number in range(4) for device in group(tasks, number)[:2]]
    vectors[liars] = 7

    decoded = CODING.decode(received(vectors, tasks))

    assert decoded.mean == pytest.approx(GRADIENTS.mean(axis=0), rel=1e-12)
    assert decoded.suspects == tuple(sorted(liars))


def test_decodes_with_two_absent_devices_in_a_group() -> None:
    vectors, tasks = answers()

    decoded = CODING.decode(received(vectors, tasks, tuple(group(tasks, 0)[:2])))

    assert decoded.mean == pytest.approx(GRADIENTS.mean(axis=0), rel=1e-12)
    assert decoded.suspects == ()


@pytest.mark.parametrize("absent", [1, 3, 5])
def test_fails_where_two_liars_could_be_the_majority(absent: int) -> None:
    vectors, tasks = answers()
    members = group(tasks, 2)
    vectors[members[:2]] = 7

    decoded = CODING.decode(received(vectors, tasks, tuple(members[5 - absent :])))

    assert decoded.mean is None


def test_takes_no_vector_that_is_not_finite() -> None:
    vectors, tasks = answers()
    vectors[group(tasks, 1)[:3]] = np.nan

    assert CODING.decode(received(vectors, tasks)).mean is None


@pytest.mark.parametrize("lie", [0.0, 1e300, np.inf, np.nan])
def test_gives_the_same_bits_whatever_liars_send(lie: float) -> None:
    vectors, tasks = answers()
    liars = [device for number in range(4) for device in group(tasks, number)[:2]]
    honest = CODING.decode(received(vectors, tasks)).mean
    vectors[liars] = lie

    decoded = CODING.decode(received(vectors, tasks)).mean

    assert decoded is not None
    assert honest is not None
    assert decoded.tobytes() == honest.tobytes()


def test_finds_out_a_single_bit() -> None:
    vectors, tasks = answers()
    vectors[3, 0] = np.nextafter(vectors[3, 0], np.inf)

    assert CODING.decode(received(vectors, tasks)).suspects == (3,)


def test_fails_where_an_even_group_is_of_two_minds() -> None:
    # Four devices correct one liar, and two copies are more than that.
    vectors = np.array([[1.0], [1.0], [2.0], [2.0]])

    decoded = DracoRepetition(4).decode(
        Received(vectors, (0, 1, 2, 3), np.arange(4), 4, fresh_rng())
    )

    assert decoded.mean is None


def test_estimates_the_mean_from_each_vector() -> None:
    rng, sent = fresh_rng(), []
    for _ in range(2000):
        tasks, permutation = CODING.draw(N, rng)
        vectors = CODING.encode(GRADIENTS, CODING.subsets(tasks, permutation), tasks, N)
        sent.append(CODING.estimates(received(vectors, tasks))[0])

    deviation = np.std(sent, axis=0) / np.sqrt(len(sent))
    assert (np.abs(np.mean(sent, axis=0) - GRADIENTS.mean(axis=0)) < 4 * deviation).all()


@pytest.mark.parametrize(("load", "near"), [(6, "5 or 10"), (3, "4"), (19, "10 or 20"), (21, "20")])
def test_refuses_a_load_that_does_not_divide(load: int, near: str) -> None:
    with pytest.raises(ConfigError) as caught:
        DracoRepetition(load).check(20)

    right = f"must divide 20, the number of devices and of subsets: {near}"
    assert str(caught.value) == f"load = {load}: {right}"


@pytest.mark.parametrize(("load", "corrected"), [(3, 1), (5, 2), (50, 24)])
def test_corrects_less_than_half_a_group(load: int, corrected: int) -> None:
    assert DracoRepetition(load).corrects(100) == corrected
