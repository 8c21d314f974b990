from run_events import experiment_of, round_event

from comlad_server.operations._board import StatusBoard
from comlad_server.operations._table import device_table

ALL_LAYERS = {"payload": 4 * 10**9, "message": 5 * 10**9, "tcp": 6 * 10**9, "link": 7 * 10**9}


def board_of(devices: int) -> StatusBoard:
    board = StatusBoard(experiment_of(devices, rounds=100_000), clock=lambda: 0.0)
    board.observe({"event": "ready", "devices": list(range(devices - 1)), "peer": "p"})
    return board


def test_has_a_row_for_each_device_and_their_sum() -> None:
    board = board_of(3)
    board.observe(round_event(0, 3, {"payload": 100, "message": 120, "tcp": 150}))
    board.observe(
        round_event(
            1,
            3,
            {"payload": 100, "message": 120, "tcp": 150},
            missing=[2],
            refused={"1": "too many bytes"},
        )
    )

    assert device_table(board.status()).splitlines() == [
        "2 of 100000 rounds, loss 0.5, 2 of 3 connected; B:",
        "                                                     up                down",
        "device        last  answered  missing  refused  payload  message  tcp   tcp",
        "     0           1         2        0        0      200      240  300  3000",
        "     1           0         1        0        1      200      240  300  3000",
        "     2  away     0         1        1        0      200      240  300  3000",
        "   all                     4        1        1      600      720  900  9000",
    ]


def test_fits_a_hundred_columns_with_large_numbers() -> None:
    board = StatusBoard(experiment_of(1000, rounds=100_000))
    for number in range(99_990, 100_000):
        missing = list(range(0, 1000, 3))
        board.observe(round_event(number, 1000, ALL_LAYERS, loss=1.23456e-12, missing=missing))

    lines = device_table(board.status()).splitlines()

    assert max(map(len, lines)) <= 100


def test_shows_the_busiest_and_those_with_most_faults_of_many() -> None:
    board = board_of(100)
    record = round_event(0, 100, missing=list(range(60, 75)))
    record["devices"]["up"]["message"][90:] = [10**4] * 10
    record["bytes"]["up"]["message"] = sum(record["devices"]["up"]["message"])
    board.observe(record)

    lines = device_table(board.status()).splitlines()

    shown = [int(line.split()[0]) for line in lines[3:-2]]
    assert len(shown) == 40
    assert {*range(60, 75), *range(90, 100)} <= set(shown)
    assert shown == sorted(shown)
    assert lines[-2].split()[:2] == ["60", "more"]


def test_has_a_row_for_what_devices_of_one_process_share() -> None:
    board = board_of(2)
    record = round_event(0, 2)
    record["bytes"]["up"]["message"] += 30
    record["bytes"]["up"]["tcp"] = record["bytes"]["down"]["tcp"] = 5000
    board.observe(record)

    *_, shared, everything = device_table(board.status()).splitlines()

    assert shared.split() == ["shared", "0", "30", "0"]
    assert everything.split()[-5:] == ["200", "270", "5000", "2400", "5000"]
