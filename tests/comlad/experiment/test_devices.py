from typing import Any

import pytest

from comlad.errors import ConfigError
from comlad.experiment import Devices, byzantine_devices, process_groups


class TestDevices:
    def test_assumes_as_many_liars_as_there_are(self) -> None:
        assert Devices(10, 3).tolerated == 3
        assert Devices(10, (1, 7)).tolerated == 2

    def test_assumes_what_it_is_told(self) -> None:
        assert Devices(10, 3, tolerate=0).tolerated == 0
        assert Devices(10, 0, tolerate=4).tolerated == 4

    def test_may_be_two_thousand_million(self) -> None:
        assert Devices(2**31 - 1, (5, 2**31 - 2)).byzantine_count == 2

    @pytest.mark.parametrize(
        ("parameters", "message"),
        [
            ({"count": 0}, "count = 0: must be at least 1"),
            ({"count": -5}, "count = -5: must be at least 1"),
            ({"count": 2**31}, "count = 2147483648: must be less than 2^31"),
            (
                {"count": 10, "byzantine": 5},
                "byzantine = 5: must be at least 0 and less than half of 10 devices",
            ),
            ({"count": 10, "byzantine": -1}, "byzantine = -1: must be at least 0"),
            ({"count": 3, "byzantine": (0, 1)}, "byzantine = (0, 1): must be at least 0 and less"),
            ({"count": 9, "byzantine": (9,)}, "byzantine = (9,): must be distinct ids from 0 to 8"),
            ({"count": 9, "byzantine": (-1,)}, "byzantine = (-1,): must be distinct ids from 0"),
            ({"count": 9, "byzantine": (1, 1)}, "byzantine = (1, 1): must be distinct ids from 0"),
            (
                {"count": 9, "byzantine": (1,), "redraw": True},
                "byzantine = (1,): must be a number, not a list, if redraw is true",
            ),
            ({"count": 10, "tolerate": 5}, "tolerate = 5: must be at least 0 and less than half"),
            ({"count": 10, "tolerate": -1}, "tolerate = -1: must be at least 0 and less than half"),
            ({"count": 10, "deadline_s": 0.0}, "deadline_s = 0.0: must be a positive number of"),
            ({"count": 10, "deadline_s": float("nan")}, "deadline_s = nan: must be a positive"),
            ({"count": 10, "deadline_s": float("inf")}, "deadline_s = inf: must be a positive"),
            ({"count": 10, "quorum": 0}, "quorum = 0: must be 1 to 10 devices"),
            ({"count": 10, "quorum": 11}, "quorum = 11: must be 1 to 10 devices"),
            ({"count": 10, "repeats": -1}, "repeats = -1: must be at least 0"),
        ],
    )
    def test_refuse_numbers_that_cannot_be(self, parameters: dict[str, Any], message: str) -> None:
        with pytest.raises(ConfigError) as caught:
            Devices(**parameters)

        assert str(caught.value).startswith(message)


class TestByzantineDevices:
    def test_are_as_many_as_was_said(self) -> None:
        liars = byzantine_devices(Devices(100, 30), seed=0)

        assert len(liars) == 30
        assert liars <= set(range(100))

    def test_are_those_that_were_named(self) -> None:
        assert byzantine_devices(Devices(10, (4, 2)), seed=0, round=7) == {2, 4}

    def test_are_drawn_from_the_seed(self) -> None:
        drawn = {byzantine_devices(Devices(100, 30), seed) for seed in range(10)}

        assert len(drawn) == 10

    def test_stay_the_same_in_every_round(self) -> None:
        drawn = {byzantine_devices(Devices(100, 30), 0, round) for round in range(10)}

        assert len(drawn) == 1

    def test_are_others_in_every_round_if_redrawn(self) -> None:
        drawn = {byzantine_devices(Devices(100, 30, redraw=True), 0, round) for round in range(10)}

        assert len(drawn) == 10
        assert {len(liars) for liars in drawn} == {30}

    def test_may_be_anyone(self) -> None:
        devices = Devices(10, 3, redraw=True)

        assert frozenset.union(*(byzantine_devices(devices, 0, t) for t in range(50))) == {
            *range(10)
        }

    def test_may_be_nobody(self) -> None:
        assert byzantine_devices(Devices(10), 0) == frozenset()


class TestExpectedLiars:
    """Of 20 devices, of which four may lie."""

    @pytest.mark.parametrize(
        ("refused", "missing", "f"), [(0, 0, 4), (1, 0, 3), (0, 1, 3), (2, 1, 1), (3, 2, 0)]
    )
    def test_are_those_tolerated_but_faults(self, refused: int, missing: int, f: int) -> None:
        assert Devices(20, 4).expected(refused, missing) == f

    @pytest.mark.parametrize(("refused", "missing", "f"), [(0, 3, 4), (1, 3, 3), (5, 0, 0)])
    def test_do_not_go_by_who_is_only_late(self, refused: int, missing: int, f: int) -> None:
        assert Devices(20, 4, missing="late").expected(refused, missing) == f

    def test_are_those_that_rules_are_to_assume(self) -> None:
        assert Devices(20, 4, tolerate=7).expected(1, 1) == 5


class TestProcessGroups:
    def test_give_each_device_a_process(self) -> None:
        honest, byzantine = process_groups(Devices(5, (1, 3)), 0, 1)

        assert honest == ((0,), (2,), (4,))
        assert byzantine == ((1,), (3,))

    def test_fill_processes_with_devices_of_one_program(self) -> None:
        honest, byzantine = process_groups(Devices(9, (1, 3)), 0, 3)

        assert honest == ((0, 2, 4), (5, 6, 7), (8,))
        assert byzantine == ((1, 3),)

    def test_let_everyone_run_the_byzantine_program_if_anyone_may_have_to_lie(self) -> None:
        honest, byzantine = process_groups(Devices(5, 2, redraw=True), 0, 2)

        assert honest == ()
        assert byzantine == ((0, 1), (2, 3), (4,))

    def test_let_nobody_run_it_if_nobody_lies(self) -> None:
        assert process_groups(Devices(3, 0, redraw=True), 0, 5) == (((0, 1, 2),), ())

    @pytest.mark.parametrize("per_process", [1, 3, 50, 1000])
    def test_host_every_device_once(self, per_process: int) -> None:
        honest, byzantine = process_groups(Devices(100, 30), 0, per_process)

        hosted = [device for group in (*honest, *byzantine) for device in group]
        assert sorted(hosted) == list(range(100))
        assert {device for group in byzantine for device in group} == byzantine_devices(
            Devices(100, 30), 0
        )
