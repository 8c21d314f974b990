"""Who is kept away, and whom rounds wait for: time is a number here."""

from typing import Any

from comlad.experiment import Devices
from comlad_server._patience import Patience
from comlad_server._suspensions import Suspensions


class TestSuspensions:
    def test_last_twice_as_long_each_time_up_to_the_longest(self) -> None:
        suspensions, now, lasted = Suspensions(1.0, 10.0), 0.0, []

        for _ in range(6):
            suspensions.suspend(["a"], now)
            lasted.append(suspensions.left(["a"], now))
            now += lasted[-1]

        assert lasted == [1, 2, 4, 8, 10, 10]

    def test_are_of_one_device_and_last_as_long_as_its_own(self) -> None:
        suspensions = Suspensions(1.0, 10.0)
        suspensions.suspend(["a", "b"], 0.0)
        suspensions.suspend(["b"], 2.0)

        assert suspensions.left(["a"], 2.5) == suspensions.left(["c"], 2.5) == 0
        assert suspensions.left(["a", "b", "c"], 2.5) == 1.5

    def test_are_no_longer_for_whoever_is_suspended_again_meanwhile(self) -> None:
        suspensions = Suspensions(1.0, 10.0)
        suspensions.suspend(["a"], 0.0)
        suspensions.suspend(["a"], 0.5)

        assert suspensions.left(["a"], 0.75) == 0.25

    def test_are_forgotten_of_whoever_has_behaved(self) -> None:
        suspensions = Suspensions(1.0, 10.0)
        for now in (0.0, 1.0):
            suspensions.suspend(["a"], now)
        suspensions.suspend(["a"], 3.0 + 10.0)

        assert suspensions.left(["a"], 13.0) == 1

    def test_keep_nothing_of_those_that_are_forgotten(self) -> None:
        suspensions = Suspensions(1.0, 10.0)
        for now in range(1000):
            suspensions.suspend([now], now)

        assert len(suspensions._last) <= 12


PRESENT = set(range(10))


def patience(**devices: Any) -> Patience:
    return Patience(Devices(count=10, deadline_s=1.0, **devices))


class TestPatience:
    def test_waits_for_nobody_who_has_just_cost_a_deadline(self) -> None:
        waits = patience(byzantine=2)
        waits.missed([3], 0.0)

        assert waits.waited_for(PRESENT, 0.5) == PRESENT - {3}
        assert waits.waited_for(PRESENT, 1.0) == PRESENT

    def test_gives_a_silent_device_half_of_the_time_at_most(self) -> None:
        waits, now, waited = patience(byzantine=2), 0.0, 0.0
        while now < 1000.0:
            if 3 in waits.waited_for(PRESENT, now):
                now += 1.0
                waited += 1.0
                waits.missed([3], now)
            now += 0.01  # a round of the others

        assert waited < 25

    def test_waits_for_all_but_as_many_as_may_lie(self) -> None:
        waits = patience(byzantine=2)
        waits.missed([4], 0.0)
        waits.missed([1, 2, 3, 4], 1.0)

        # Those who have been late for longest first, of others the first.
        assert waits.waited_for(PRESENT, 1.5) == PRESENT - {1, 4}

    def test_counts_those_who_are_not_there_among_them(self) -> None:
        waits = patience(byzantine=2)
        waits.missed([3], 0.0)

        assert waits.waited_for(PRESENT - {8}, 0.5) == PRESENT - {3, 8}
        assert waits.waited_for(PRESENT - {8, 9}, 0.5) == PRESENT - {8, 9}

    def test_waits_for_everybody_where_nobody_is_expected_to_lie(self) -> None:
        waits = patience(byzantine=0)
        waits.missed([3], 0.0)

        assert waits.waited_for(PRESENT, 0.5) == PRESENT

    def test_waits_for_as_many_as_the_quorum(self) -> None:
        waits = patience(byzantine=3, quorum=9)
        waits.missed([1, 2], 0.0)

        assert waits.waited_for(PRESENT, 0.5) == PRESENT - {1}
