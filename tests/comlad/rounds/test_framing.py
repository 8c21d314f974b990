import pytest

from comlad.rounds import ByteCount, Direction, Layer, Traffic

UP, DOWN = Direction.UP, Direction.DOWN


class TestLink:
    def test_is_absent_where_nobody_counted_it(self) -> None:
        counted = ByteCount(1)
        counted.add_tcp((0,), (100, 900))

        assert "link" not in counted.totals()["up"]
        assert "link" not in counted.by_device()["up"]

    def test_is_reported_where_it_was_counted(self) -> None:
        counted = ByteCount(2)

        counted.add_link((0,), Traffic(100, 900, 2, 3))
        counted.add_link((1,), Traffic(0, 0, 0, 0))

        assert counted.totals()["down"]["link"] == 900
        assert counted.by_device()["up"]["link"] == [100, 0]

    def test_is_absent_when_one_device_was_not_counted(self) -> None:
        whole, part = ByteCount(2), ByteCount(2)
        part.add_link((0,), Traffic(100, 900, 2, 3))
        part.add_link((1,), None)

        whole.include(part)

        assert "link" not in whole.totals()["up"]

    def test_belongs_to_all_devices_of_an_interface(self) -> None:
        counted = ByteCount(3)
        for device in range(3):
            counted.add(UP, Layer.MESSAGE, (device,), 10)
            counted.add_tcp((device,), (20, 0))

        counted.add_link((0, 1, 2), Traffic(100, 900, 2, 3))

        assert counted.totals()["up"] == {"payload": 0, "message": 30, "tcp": 60, "link": 100}
        assert counted.by_device()["up"].keys() == {"payload", "message", "tcp"}
        assert counted.by_stream() == [
            {"devices": [0, 1, 2], "up": {"link": 100}, "down": {"link": 900}}
        ]

    def test_stands_beside_the_rest_of_a_stream_that_has_an_interface_to_itself(self) -> None:
        counted = ByteCount(2)
        counted.add(UP, Layer.MESSAGE, (0, 1), 10)
        counted.add_tcp((0, 1), (20, 0))

        counted.add_link((0, 1), Traffic(100, 900, 2, 3))

        (stream,) = counted.by_stream()
        assert stream["up"] == {"payload": 0, "message": 10, "tcp": 20, "link": 100}


class TestOverhead:
    def test_is_absent_without_tcp(self) -> None:
        counted = ByteCount(1)
        counted.count_message(UP, 10)

        assert counted.overhead() == {}

    def test_says_nothing_of_messages_that_were_not_sent_yet(self) -> None:
        counted = ByteCount(1)
        for direction in Direction:
            counted.add(direction, Layer.MESSAGE, (0,), 500)
        counted.add_tcp((0,), (520, 499))

        assert list(counted.overhead()) == ["up"]

    @pytest.mark.parametrize(
        ("size", "frames"), [(0, 1), (2**22 - 5, 1), (2**22 - 4, 2), (2**23 - 5, 2), (2**23 - 4, 3)]
    )
    def test_has_a_prefix_for_each_message_and_a_header_for_each_frame(
        self, size: int, frames: int
    ) -> None:
        counted = ByteCount(1)
        counted.add(UP, Layer.MESSAGE, (0,), size)
        counted.add_tcp((0,), (size + 100, 0))

        counted.count_message(UP, size)

        up = counted.overhead()["up"]
        assert up["messages"] == 1
        assert up["grpc_prefix"] == 5
        assert up["http2_frames"] == 9 * frames
        assert up["grpc_prefix"] + up["http2_frames"] + up["rest"] == 100
        assert "packets" not in up

    def test_adds_up_over_rounds(self) -> None:
        whole = ByteCount(1)
        for _ in range(3):
            part = ByteCount(1)
            part.count_message(DOWN, 5_000_000)
            part.add(DOWN, Layer.MESSAGE, (0,), 5_000_000)
            part.add_tcp((0,), (0, 5_000_100))
            part.add_link((0,), Traffic(0, 5_230_000, 0, 3454))
            whole.include(part)

        assert whole.overhead()["down"] == {
            "messages": 3,
            "grpc_prefix": 15,
            "http2_frames": 54,
            "rest": 231,
            "estimated": ["http2_frames", "rest"],
            "packets": 10_362,
            "packet_headers": 689_700,
        }
