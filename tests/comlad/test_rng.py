import itertools

import numpy as np
import pytest

from comlad.rng import (
    Purpose,
    Stream,
    device_generator,
    device_key,
    keyed_numbers,
    run_generator,
)

KEY = bytes(range(16))


def test_repeats_the_servers_draws() -> None:
    first = run_generator(7, Stream.PLAN, 3).random(5)
    second = run_generator(7, Stream.PLAN, 3).random(5)

    assert first.tobytes() == second.tobytes()


def test_repeats_a_devices_draws() -> None:
    first = device_generator(KEY, Purpose.COMPRESSION, 3).random(5)
    second = device_generator(KEY, Purpose.COMPRESSION, 3).random(5)

    assert first.tobytes() == second.tobytes()


def test_gives_every_stream_and_round_of_every_seed_its_own_draws() -> None:
    places = list(itertools.product((0, 1), Stream, (0, 1, 2)))

    draws = {run_generator(*place).integers(2**63) for place in places}

    assert len(draws) == len(places)


def test_gives_every_device_of_every_seed_its_own_key() -> None:
    keys = {device_key(seed, device) for seed in range(3) for device in range(100)}

    assert len(keys) == 300


def test_makes_keys_of_sixteen_bytes() -> None:
    assert len(device_key(2**63 - 1, 10**6)) == 16


def test_never_runs_a_devices_draws_into_those_of_another_purpose_or_round() -> None:
    streams = [
        device_generator(KEY, purpose, round).bit_generator.random_raw(4000)
        for purpose in Purpose
        for round in (0, 1, 2**32 - 1)
    ]

    assert len(np.unique(np.concatenate(streams))) == 4000 * len(streams)


@pytest.mark.parametrize(("seed", "device"), [(0, 1), (1, 0)])
def test_draws_otherwise_for_another_key(seed: int, device: int) -> None:
    draws = [
        device_generator(key, Purpose.SAMPLING, 0).random()
        for key in (device_key(0, 0), device_key(seed, device))
    ]

    assert draws[0] != draws[1]


# What a seed means is a promise: these numbers change with no version of comlad.
class TestTheMeaningOfASeed:
    def test_of_the_servers_streams(self) -> None:
        drawn = [int(run_generator(0, stream, 1).integers(2**32)) for stream in Stream]

        assert drawn == [438744794, 1930064927, 3182082491, 81811750, 2687525334, 1484888164]

    def test_of_a_devices_key(self) -> None:
        assert device_key(0, 1).hex() == "dfa8bb785f96312b972ad09b48675117"

    def test_of_a_devices_purposes(self) -> None:
        drawn = [int(device_generator(KEY, purpose, 1).integers(2**32)) for purpose in Purpose]

        assert drawn == [3611224431, 2217750865, 1379322976, 3793257530]

    def test_of_a_common_key(self) -> None:
        assert keyed_numbers(KEY, 2).tolist() == [14317193316798735637, 17731107087576214090]
