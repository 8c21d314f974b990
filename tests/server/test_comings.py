"""Who comes back too often."""

from comlad_server._comings import Comings


def test_may_be_a_few_in_a_while() -> None:
    comings = Comings(3, 1.0)

    assert [comings.too_often([7], now) for now in (5.0, 5.2, 5.4, 5.6)] == [*[False] * 3, True]


def test_are_forgotten_after_a_while() -> None:
    comings = Comings(3, 1.0)

    assert not any(comings.too_often([7], now / 4) for now in range(3))
    assert not any(comings.too_often([7], 1 + now / 4) for now in range(3))


def test_are_those_of_each_device() -> None:
    comings = Comings(1, 1.0)

    assert not comings.too_often([0, 1], 0.0)
    assert not comings.too_often([2], 0.0)
    assert comings.too_often([3, 1], 0.5)
    assert not comings.too_often([], 0.5)
