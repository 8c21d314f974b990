import json
import math
from pathlib import Path
from typing import Any

import pytest

from comlad.errors import ConfigError
from comlad_deploy.bandwidth._links import Course, Link, common_target, course_of
from comlad_deploy.traces import Trace, at_count, read_trace, rounds_to


def trace(*losses: float) -> Trace:
    seconds = [0.5 * number for number in range(len(losses))]
    sent = [10 * number for number in range(len(losses))]
    return Trace(losses, [], {"message": sent}, seconds, {"up": sent, "down": sent})


@pytest.mark.parametrize(("count", "value"), [(0, 8.0), (10, 4.0), (15, 3.0), (20, 2.0), (99, 2.0)])
def test_reads_a_curve_between_its_points_and_beyond_its_end(count: float, value: float) -> None:
    assert at_count([0, 10, 20], [8.0, 4.0, 2.0], count) == value


@pytest.mark.parametrize("values", [[8.0, math.nan], [8.0, math.inf], []])
def test_reads_nothing_where_a_neighbour_is_no_number(values: list[float]) -> None:
    assert at_count([0, 10], values, 5) is None


@pytest.mark.parametrize(("target", "rounds"), [(9.0, 0), (4.0, 1), (3.0, 2), (1.0, None)])
def test_counts_the_rounds_to_a_loss(target: float, rounds: int | None) -> None:
    assert rounds_to([8.0, 4.0, 2.0, 5.0], target) == rounds


def test_takes_the_highest_end_for_the_target() -> None:
    assert common_target([trace(9.0, 2.0), trace(9.0, 3.0)]) == 3.0


def test_takes_no_target_from_a_method_that_gets_worse() -> None:
    assert common_target([trace(9.0, 2.0), trace(9.0, 10.0)]) == 2.0
    assert common_target([trace(9.0, 10.0), trace(9.0, 11.0)]) == 11.0


@pytest.mark.parametrize(
    ("link", "seconds"),
    [
        (Link("1mbit"), 0.8),
        (Link("1mbit", "100kbit"), 0.8 + 2.4),
        (Link(None, "100kbit"), 2.4),
        (Link(), 0.0),
    ],
)
def test_adds_the_seconds_of_both_ways(link: Link, seconds: float) -> None:
    assert link.seconds(up=100_000, down=30_000) == pytest.approx(seconds)


def test_predicts_what_rounds_take_on_fast_links_and_their_bytes_on_slow_ones() -> None:
    course = Course(rounds=4, seconds=2.0, up=100_000, down=30_000)

    assert course.predicted(Link("1mbit", "100kbit")) == pytest.approx(2.0 + 4 * (0.8 + 2.4))


def record(loss: float, up: list[int], down: list[int], **layers: list[int]) -> dict[str, Any]:
    """A line of rounds.jsonl, as far as it matters here."""
    return {
        "loss": loss,
        "seconds": 0.5,
        "bytes": {"up": {"message": sum(up)}},
        "devices": {"up": {"message": up, **layers}, "down": {"message": down}},
    }


def test_goes_by_the_link_that_carries_most_until_then(tmp_path: Path) -> None:
    records = [
        record(6.0, [2, 1], [5, 900], link=[200, 100]),
        record(4.0, [2, 1], [5, 10], link=[200, 500]),
        record(2.0, [9, 9], [99, 99], link=[99_999, 9]),  # later than the target
    ]
    lines = "\n".join(map(json.dumps, records))
    (tmp_path / "rounds.jsonl").write_text(lines + "\n", "utf-8")
    summary = {"loss": {"initial": 8.0}, "bytes": {"up": {"message": 24}}}

    course = course_of(read_trace(tmp_path, summary), target=4.0)

    assert course == Course(rounds=2, seconds=1.0, up=300.0, down=455.0)


def test_goes_by_another_layer_where_links_were_not_counted_in_all_rounds(tmp_path: Path) -> None:
    records = [record(4.0, [2, 1], [5, 9]), record(4.0, [2, 1], [5, 9], link=[20, 10])]
    lines = "\n".join(map(json.dumps, records))
    (tmp_path / "rounds.jsonl").write_text(lines + "\n", "utf-8")
    summary = {"loss": {"initial": 8.0}, "bytes": {"up": {"message": 6}}}

    assert read_trace(tmp_path, summary).busiest["up"] == [0, 2, 4]


def test_has_no_course_to_a_loss_that_is_not_reached() -> None:
    assert course_of(trace(8.0, 4.0), target=1.0) is None


def test_names_links_by_the_ways_that_are_narrow() -> None:
    links = [Link("1mbit", "5mbit"), Link(None, "5mbit"), Link()]

    assert [link.name for link in links] == ["up 1mbit, down 5mbit", "down 5mbit", "fast"]
    assert links[0].slug == "up-1mbit-down-5mbit"


def test_refuses_what_is_no_rate() -> None:
    with pytest.raises(ConfigError, match="--downlink 5: must be a rate"):
        Link(None, "5").seconds(1, 1)
