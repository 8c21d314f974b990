from dataclasses import replace

import numpy as np
import pytest
from draco_trials import ALL, CODES, LIES, N, Trial, framing, relative_error
from numpy.random import Generator
from numpy.typing import NDArray
from samples import fresh_rng

from comlad.coding import Decoded, DracoCyclic, Received
from comlad.coding._band_code import band_code
from comlad.errors import ConfigError

FLIP = LIES["sign-flip"]
CODE = CODES[0]
# What can only be told from rounding if it is larger.
DELICATE = {"around the tolerance"}


def small_round(
    code: DracoCyclic, n: int, rng: Generator
) -> tuple[NDArray[np.float64], NDArray[np.intp], NDArray[np.float64]]:
    """What all of n devices send, their tasks, and the mean of all gradients."""
    gradients = rng.normal(1, 1, (n, 6))
    tasks, permutation = code.draw(n, rng)
    vectors = code.encode(gradients, code.subsets(tasks, permutation), tasks, n)
    return vectors, tasks, gradients.mean(axis=0)


def decode_small(
    code: DracoCyclic, n: int, liars: int, seed: int, absent: int = 0
) -> tuple[Decoded, list[int], NDArray[np.float64]]:
    """What comes of sign flips of the first devices of a permutation; the next are absent."""
    rng = fresh_rng(seed)
    vectors, tasks, mean = small_round(code, n, rng)
    order = rng.permutation(n)
    vectors[order[:liars]] *= -2
    present = np.sort(order[[*range(liars), *range(liars + absent, n)]])
    received = Received(vectors[present], tuple(present.tolist()), tasks[present], n, rng)
    return code.decode(received), sorted(order[:liars].tolist()), mean


class TestSmallCodes:
    @pytest.mark.parametrize(
        ("n", "code"),
        [
            (15, DracoCyclic(7)),
            (20, DracoCyclic(9)),
            (20, DracoCyclic(10, values="real")),
            (5, DracoCyclic(5)),
            (3, DracoCyclic(3)),
        ],
    )
    @pytest.mark.parametrize("seed", range(5))
    def test_are_exact_with_as_many_liars_as_they_correct(
        self, n: int, code: DracoCyclic, seed: int
    ) -> None:
        decoded, liars, mean = decode_small(code, n, code.corrects(n), seed)

        assert decoded.mean == pytest.approx(mean, rel=1e-14, abs=1e-14)
        assert decoded.suspects == tuple(liars)

    @pytest.mark.parametrize("seed", range(5))
    @pytest.mark.parametrize(
        ("liars", "absent"), [(0, 0), (1, 0), (3, 0), (2, 2), (2, 1), (1, 4), (0, 5)]
    )
    def test_take_two_absent_devices_for_a_liar(self, liars: int, absent: int, seed: int) -> None:
        decoded, liars_ids, mean = decode_small(DracoCyclic(7), 15, liars, seed, absent)

        assert decoded.mean == pytest.approx(mean, rel=1e-13, abs=1e-13)
        assert decoded.suspects == tuple(liars_ids)

    @pytest.mark.parametrize("seed", range(5))
    @pytest.mark.parametrize(("liars", "absent"), [(4, 0), (7, 0), (3, 1), (2, 3), (1, 5), (0, 6)])
    def test_give_no_answer_beyond_that(self, liars: int, absent: int, seed: int) -> None:
        decoded, _, _ = decode_small(DracoCyclic(7), 15, liars, seed, absent)

        assert decoded.mean is None
        assert decoded.suspects == ()

    def test_decode_zeros(self) -> None:
        vectors = np.zeros((15, 4))
        vectors[3] = 1

        decoded = DracoCyclic(7).decode(Received(vectors, ALL[:15], np.arange(15), 15, fresh_rng()))

        assert decoded.mean is not None
        assert decoded.mean.tolist() == [0, 0]
        assert decoded.suspects == (3,)

    @pytest.mark.parametrize("size", [1e-300, 1e-30, 1e30, 1e300])
    def test_decode_numbers_of_any_size(self, size: float) -> None:
        rng, code = fresh_rng(), DracoCyclic(7)
        vectors, tasks, mean = small_round(code, 15, rng)
        vectors[4] *= -2

        decoded = code.decode(Received(vectors * size, ALL[:15], tasks, 15, rng))

        assert decoded.mean == pytest.approx(mean * size, rel=1e-13)
        assert decoded.suspects == (4,)


@pytest.mark.parametrize("code", CODES, ids=lambda code: code.values)
class TestTwentyLiarsOfAHundred:
    @pytest.mark.parametrize("neighbours", [False, True], ids=["random", "neighbours"])
    @pytest.mark.parametrize("lie", sorted({*LIES} - DELICATE))
    def test_do_not_matter(self, code: DracoCyclic, lie: str, neighbours: bool) -> None:
        rng = fresh_rng(1)
        trial = Trial.drawn(code, rng)
        liars = np.arange(40, 60) if neighbours else rng.permutation(N)[:20]

        decoded = code.decode(trial.received(LIES[lie], liars, rng))

        assert decoded.mean is not None
        assert relative_error(decoded.mean, trial.mean) < 1e-13
        lying = liars if lie != "some behave" else liars[::3]
        assert decoded.suspects == tuple(sorted(lying.tolist()))

    @pytest.mark.parametrize("power", range(-16, -8))
    def test_do_not_matter_where_they_are_hardly_more_than_rounding(
        self, code: DracoCyclic, power: int
    ) -> None:
        rng = fresh_rng(power + 20)
        trial, liars = Trial.drawn(code, rng), rng.permutation(N)[:20]
        received = trial.received(lambda own, _: own, liars, rng)
        received.vectors[liars] += 10.0**power * rng.normal(size=received.vectors[liars].shape)

        decoded = code.decode(received)

        if decoded.mean is not None:
            assert relative_error(decoded.mean, trial.mean) < 1e-11

    @pytest.mark.parametrize("seed", range(8))
    def test_never_bring_a_wrong_answer_about(self, code: DracoCyclic, seed: int) -> None:
        # More of them, with the worst lie known, in draco_trials.py.
        rng = fresh_rng(seed)
        names = sorted(LIES)
        for number in range(15):
            trial = Trial.drawn(code, rng, dimension=30)
            count = int(rng.integers(1, 20 if number % 3 else 40))
            lie = LIES[names[(number + seed) % len(names)]]

            decoded = code.decode(trial.received(lie, rng.permutation(N)[:count], rng))

            if decoded.mean is not None:
                assert relative_error(decoded.mean, trial.mean) < 1e-10

    @pytest.mark.parametrize("lie", ["sign-flip", "identical", "rank-1", "NaN"])
    def test_are_not_told_apart_in_twenty_neighbouring_rows(
        self, code: DracoCyclic, lie: str
    ) -> None:
        # Rounding alone, magnified 5·10^7 times, is an error of 10^-8 in that case. Rows
        # are drawn, and it comes about once in 10^18 rounds.
        rng = fresh_rng(2)
        trial = Trial.drawn(code, rng)
        liars = np.flatnonzero(trial.tasks < 20)

        decoded = code.decode(trial.received(LIES[lie], liars, rng))

        gain = band_code(N, code.load).mean_gain(np.arange(20))
        assert 1e7 < gain < 1e9
        assert decoded.mean is None


class TestFramed:
    @pytest.mark.parametrize("seed", range(6))
    def test_devices_do_not_bring_a_wrong_answer_about(self, seed: int) -> None:
        rng = fresh_rng(seed)
        trial, liars = Trial.drawn(CODE, rng, dimension=20), rng.permutation(N)[:20]

        decoded = CODE.decode(trial.received(framing(trial, liars, rng), liars, rng))

        if decoded.mean is not None:
            assert relative_error(decoded.mean, trial.mean) < 1e-5

    def test_devices_are_seen_to_be_so(self, monkeypatch: pytest.MonkeyPatch) -> None:
        rng = fresh_rng(20)
        trial, liars = Trial.drawn(CODE, rng, dimension=20), rng.permutation(N)[:20]
        received = trial.received(framing(trial, liars, rng), liars, rng)

        seen_through = CODE.decode(replace(received, rng=fresh_rng()))
        monkeypatch.setattr(
            "comlad.coding._draco_decoder.resembles_a_word", lambda *arguments: False
        )
        taken_in = CODE.decode(replace(received, rng=fresh_rng()))

        assert seen_through.mean is None
        assert taken_in.mean is not None
        assert relative_error(taken_in.mean, trial.mean) > 1e-6
        assert not {*taken_in.suspects} & {*liars.tolist()}


class TestMemory:
    def decode_twice(self, trial: Trial, first: int, second: int) -> Decoded:
        rng = fresh_rng(3)
        before = CODE.decode(trial.received(FLIP, np.arange(first), rng))
        received = trial.received(FLIP, np.arange(second), rng)
        return CODE.decode(replace(received, memory=before.memory))

    @pytest.mark.parametrize(("first", "second"), [(20, 20), (20, 3), (5, 18), (4, 0)])
    def test_is_no_prejudice(self, first: int, second: int) -> None:
        trial = Trial.drawn(CODE, fresh_rng())

        decoded = self.decode_twice(trial, first, second)

        assert decoded.mean is not None
        assert relative_error(decoded.mean, trial.mean) < 1e-13
        assert decoded.suspects == ALL[:second]

    def test_saves_the_search(self, monkeypatch: pytest.MonkeyPatch) -> None:
        trial = Trial.drawn(CODE, fresh_rng())
        before = CODE.decode(trial.received(FLIP, np.arange(20), fresh_rng()))
        monkeypatch.setattr("comlad.coding._draco_decoder.Search", None)
        received = trial.received(FLIP, np.arange(20), fresh_rng())

        decoded = CODE.decode(replace(received, memory=before.memory))

        assert decoded.suspects == ALL[:20]
        with pytest.raises(TypeError):
            CODE.decode(received)

    def test_survives_a_round_that_cannot_be_decoded(self) -> None:
        trial = Trial.drawn(CODE, fresh_rng())
        before = CODE.decode(trial.received(FLIP, np.arange(20), fresh_rng()))
        received = trial.received(FLIP, np.arange(30), fresh_rng())

        decoded = CODE.decode(replace(received, memory=before.memory))

        assert decoded.mean is None
        assert decoded.memory is before.memory

    def test_names_devices_that_may_be_absent_now(self) -> None:
        trial = Trial.drawn(CODE, fresh_rng())
        before = CODE.decode(trial.received(FLIP, np.arange(10), fresh_rng()))
        received = trial.received(FLIP, np.arange(10), fresh_rng(), ALL[5:])

        decoded = CODE.decode(replace(received, memory=before.memory))

        assert decoded.suspects == ALL[5:10]


class TestTolerance:
    @pytest.mark.parametrize(("tolerance", "decodes"), [(1e-14, False), (1e-10, True)])
    def test_allows_for_gradients_that_differ_in_their_last_digits(
        self, tolerance: float, decodes: bool
    ) -> None:
        rng, code = fresh_rng(), DracoCyclic(41, tolerance=tolerance)
        trial = Trial.drawn(code, rng)
        received = trial.received(FLIP, np.arange(20), rng)
        received.vectors[:] *= 1 + 1e-12 * rng.normal(size=received.vectors.shape)

        decoded = code.decode(received)

        assert (decoded.mean is not None) == decodes
        if decoded.mean is not None:
            assert relative_error(decoded.mean, trial.mean) < 1e-11
            assert decoded.suspects == ALL[:20]

    @pytest.mark.parametrize("tolerance", [0.0, 1e-16, 1e-8])
    def test_is_refused_where_it_would_mean_nothing(self, tolerance: float) -> None:
        with pytest.raises(ConfigError, match=f"^tolerance = {tolerance}: must be from 1e-15, "):
            DracoCyclic(41, tolerance=tolerance)


@pytest.mark.parametrize(("n", "code"), [(12, DracoCyclic(5)), (12, DracoCyclic(6, "real"))])
def test_estimates_the_mean_without_bias_from_each_vector(n: int, code: DracoCyclic) -> None:
    gradients, rng = fresh_rng(3).normal(1, 2, (n, 1)), fresh_rng(5)
    estimates = []
    for _ in range(3000):
        tasks, permutation = code.draw(n, rng)
        vectors = code.encode(gradients, code.subsets(tasks, permutation), tasks, n)
        estimates.append(code.estimates(Received(vectors, ALL[:n], tasks, n, rng))[0, 0])

    allowed = 4 * np.std(estimates) / np.sqrt(len(estimates))
    assert abs(np.mean(estimates) - gradients.mean()) < allowed


def test_gives_each_device_neighbouring_subsets() -> None:
    tasks, permutation = np.array([3, 8]), np.array([5, 0, 1, 7, 3, 8, 6, 2, 4])

    assert DracoCyclic(3).subsets(tasks, permutation).tolist() == [[7, 3, 8], [4, 5, 0]]


def test_decodes_the_same_bits_from_the_same_draws() -> None:
    trial = Trial.drawn(CODE, fresh_rng())
    means = [
        CODE.decode(trial.received(LIES["rank-1"], np.arange(20), fresh_rng(4))).mean
        for _ in range(2)
    ]

    assert means[0] is not None
    assert means[1] is not None
    assert means[0].tobytes() == means[1].tobytes()


def test_leaves_what_was_received_alone() -> None:
    received = Trial.drawn(CODE, fresh_rng()).received(LIES["huge"], np.arange(20), fresh_rng())
    received.vectors.flags.writeable = received.tasks.flags.writeable = False
    before = received.vectors.tobytes()

    CODE.decode(received)

    assert received.vectors.tobytes() == before


@pytest.mark.parametrize("load", [-1, 0, 2])
def test_refuses_to_correct_nobody(load: int) -> None:
    with pytest.raises(ConfigError, match=f"^load = {load}: must be at least 3, which corrects"):
        DracoCyclic(load)
