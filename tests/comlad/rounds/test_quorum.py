import pytest
from samples import small

from comlad.rounds import lacks
from comlad.session import OpenRound, Session

TRIM_1 = "trim = 1: drops 1 at each end and leaves none of 2 vectors; must be less"


class TestARound:
    """Of five devices, of which one may lie; trimmed-mean cuts one at each end."""

    @pytest.mark.parametrize(("votes", "refused"), [(5, 0), (4, 0), (3, 0), (4, 1), (3, 2)])
    def test_lacks_nothing_with_as_many_answers_as_the_rule_needs(
        self, votes: int, refused: int
    ) -> None:
        assert lacks(small(), votes, refused) is None

    @pytest.mark.parametrize("refused", [0, 1, 3])
    def test_lacks_answers_if_the_rule_needs_more(self, refused: int) -> None:
        assert lacks(small(), 2, refused) == f"2 of 5 devices answered: {TRIM_1}"

    def test_lacks_answers_below_the_quorum_whatever_the_rule_needs(self) -> None:
        prepared = small("devices.quorum=4")

        assert lacks(prepared, 3, 0) == "3 of 5 devices answered: must be 4, the quorum"
        assert lacks(prepared, 3, 2) == "3 of 5 devices answered: must be 4, the quorum"
        assert lacks(prepared, 4, 0) is None

    def test_lacks_everything_if_nobody_answered(self) -> None:
        assert lacks(small("devices.byzantine=0"), 0, 0) == "nobody answered"

    def test_leaves_it_to_a_decoder_how_many_it_needs(self) -> None:
        prepared = small(
            "devices.count=9",
            "devices.byzantine=2",
            coding={"kind": "draco-cyclic", "load": 5},
            compressor={"kind": "identity"},
        )

        assert lacks(prepared, 1, 0) is None
        assert lacks(prepared, 0, 0) == "nobody answered"

    @pytest.mark.parametrize(("missing", "votes"), [("fault", 3), ("late", 5)])
    def test_needs_fewer_answers_if_who_is_missing_is_a_fault(
        self, missing: str, votes: int
    ) -> None:
        """Multi-Krum needs 2f + 3 vectors, where f = 1 liar is expected of seven devices."""
        prepared = small(
            "devices.count=7",
            f"devices.missing='{missing}'",
            aggregator={"kind": "multi-krum"},
        )

        assert lacks(prepared, votes, 0) is None
        assert lacks(prepared, votes - 1, 0) is not None


def opened(session: Session, *answers: int) -> OpenRound:
    """A round in which these devices have been refused, and nobody else was heard of."""
    result = session.open_round()
    result.inbox.replay(dict.fromkeys(answers, "nonsense"))
    return result


@pytest.mark.parametrize("too_few", ["repeat", "stop", "skip"])
def test_a_session_says_which_round_lacks_what(too_few: str) -> None:
    session = Session(small(f"devices.too_few='{too_few}'"))

    assert session.lacks(opened(session, 3)) == "round 0: nobody answered"
