import json

import pytest

from comlad.rounds import ByteCount, Direction, Layer

UP, DOWN = Direction.UP, Direction.DOWN
PAYLOAD, MESSAGE = Layer.PAYLOAD, Layer.MESSAGE


def test_starts_from_nothing() -> None:
    counted = ByteCount(2)

    assert counted.totals() == {
        "up": {"payload": 0, "message": 0},
        "down": {"payload": 0, "message": 0},
    }
    assert counted.by_stream() == []


def test_charges_a_stream_of_one_device_to_that_device() -> None:
    counted = ByteCount(4)

    counted.add(UP, MESSAGE, (3,), 10)
    counted.add(UP, MESSAGE, (3,), 5, slot=0)

    assert counted.by_device()["up"]["message"] == [0, 0, 0, 15]
    assert counted.by_stream() == []


def test_charges_a_slot_to_its_device() -> None:
    counted = ByteCount(4)

    counted.add(DOWN, PAYLOAD, (3, 1), 10, slot=1)

    assert counted.by_device()["down"]["payload"] == [0, 10, 0, 0]


def test_charges_what_devices_share_to_their_stream_once() -> None:
    counted = ByteCount(4)

    counted.add(DOWN, MESSAGE, (3, 1), 100)
    counted.add(DOWN, MESSAGE, (3, 1), 2, slot=0)

    assert counted.by_device()["down"]["message"] == [0, 0, 0, 2]
    assert counted.by_stream() == [
        {
            "devices": [3, 1],
            "up": {"payload": 0, "message": 0},
            "down": {"payload": 0, "message": 100},
        }
    ]
    assert counted.total(DOWN, MESSAGE) == 102


def test_adds_tallies_up() -> None:
    whole, part = ByteCount(3), ByteCount(3)
    for counted in (whole, part):
        counted.add(UP, PAYLOAD, (0,), 7)
        counted.add(UP, MESSAGE, (1, 2), 20)
        counted.add(UP, MESSAGE, (1, 2), 3, slot=1)

    whole.include(part)

    assert whole.totals()["up"] == {"payload": 14, "message": 46}
    assert whole.by_device()["up"]["message"] == [0, 0, 6]
    assert whole.by_stream()[0]["up"]["message"] == 40
    assert part.totals()["up"] == {"payload": 7, "message": 23}


def test_counts_more_bytes_than_32_bits_hold() -> None:
    counted = ByteCount(1)

    for _ in range(3):
        counted.add(UP, MESSAGE, (0,), 2**31)

    assert counted.total(UP, MESSAGE) == 3 * 2**31


class TestTcp:
    def test_is_absent_where_nobody_counted_it(self) -> None:
        assert "tcp" not in ByteCount(1).totals()["up"]
        assert "tcp" not in ByteCount(1).by_device()["up"]

    def test_is_reported_where_it_was_counted(self) -> None:
        counted = ByteCount(2)

        counted.add_tcp((0,), (100, 900))
        counted.add_tcp((1,), (0, 0))

        assert counted.totals()["up"]["tcp"] == 100
        assert counted.by_device()["down"]["tcp"] == [900, 0]

    def test_is_not_told_apart_by_device_on_a_shared_connection(self) -> None:
        counted = ByteCount(3)

        counted.add_tcp((0,), (100, 900))
        counted.add_tcp((1, 2), (10, 90))

        assert counted.totals()["up"]["tcp"] == 110
        assert "tcp" not in counted.by_device()["up"]
        assert counted.by_stream()[0]["down"] == {"payload": 0, "message": 0, "tcp": 90}

    def test_survives_adding_up(self) -> None:
        whole, part = ByteCount(2), ByteCount(2)
        part.add_tcp((1,), (5, 6))

        whole.include(part)

        assert whole.by_device()["up"]["tcp"] == [0, 5]

    @pytest.mark.parametrize("first_metered", [True, False])
    def test_is_absent_where_only_a_part_of_a_run_was_metered(self, first_metered: bool) -> None:
        first, second = ByteCount(1), ByteCount(1)
        for part, metered in ((first, first_metered), (second, not first_metered)):
            part.add(UP, MESSAGE, (0,), 10)
            if metered:
                part.add_tcp((0,), (20, 30))

        first.include(second)

        assert first.totals()["up"] == {"payload": 0, "message": 20}

    def test_is_there_though_nothing_was_carried_in_a_part(self) -> None:
        whole, part = ByteCount(1), ByteCount(1)
        part.add(UP, MESSAGE, (0,), 10)
        part.add_tcp((0,), (20, 30))

        for each in (ByteCount(1), part, ByteCount(1)):
            whole.include(each)

        assert whole.totals()["up"]["tcp"] == 20


def test_leaves_a_table_that_it_gave_as_it_is() -> None:
    counted = ByteCount(3)
    counted.add(UP, MESSAGE, (0, 2), 9)
    table = counted.to_table()
    before = json.dumps(table)

    counted.include(counted)

    assert json.dumps(table) == before


def test_is_the_same_through_its_table() -> None:
    counted, again = ByteCount(3), ByteCount(3)
    counted.add(UP, PAYLOAD, (0, 2), 7, slot=1)
    counted.add(UP, MESSAGE, (0, 2), 9)
    counted.add(Direction.DOWN, MESSAGE, (1,), 8)
    counted.count_message(UP, 9)
    counted.add_tcp((0, 2), (50, 60))
    counted.add_tcp((1,), (5, 6))
    counted.add_link((0, 1, 2), None)

    again.restore(json.loads(json.dumps(counted.to_table())))

    part = ByteCount(3)
    part.add(UP, MESSAGE, (0, 2), 1)
    part.add_tcp((0, 2), (2, 3))
    for tally in (counted, again):
        tally.include(part)
    for what in ("totals", "by_device", "by_stream", "overhead", "to_table"):
        assert getattr(again, what)() == getattr(counted, what)()
