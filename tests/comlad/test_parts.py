from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from typing import Any

import pytest

from comlad.aggregation import AGGREGATORS, PREAGGREGATORS
from comlad.attacks import ATTACKS
from comlad.coding import CODINGS
from comlad.compression import COMPRESSORS
from comlad.errors import ConfigError
from comlad.estimators import ESTIMATORS
from comlad.parts import Table
from comlad.problems import PROBLEMS
from comlad.steps import STEPS


@dataclass(frozen=True)
class Apple:
    weight: int = 1


@dataclass(frozen=True)
class Pear:
    pass


@dataclass(frozen=True)
class Plum:
    colour: str = "blue"


not_a_class = 5

Offer = Callable[..., None]


@pytest.fixture
def fruits() -> Table[Any]:
    return Table("fruits", {"apple": Apple, "pear": Pear})


@pytest.fixture
def offer(monkeypatch: pytest.MonkeyPatch) -> Offer:
    """Make another package's entry points: offer(plum="package:Plum")."""

    def install(**kinds: str) -> None:
        def entry_points(group: str) -> list[EntryPoint]:
            return [EntryPoint(name, value, group) for name, value in kinds.items()]

        monkeypatch.setattr("importlib.metadata.entry_points", entry_points)

    return install


class TestTable:
    def test_reads_a_kind_with_its_parameters(self, fruits: Table[Any]) -> None:
        assert fruits.read({"kind": "apple", "weight": 3}) == Apple(3)

    def test_writes_what_it_reads(self, fruits: Table[Any]) -> None:
        assert fruits.write(Apple(3)) == {"kind": "apple", "weight": 3}

    def test_suggests_the_nearest_kind(self, fruits: Table[Any]) -> None:
        with pytest.raises(ConfigError) as caught:
            fruits.read({"kind": "appel"})

        right = "unknown kind of fruits 'appel': did you mean 'apple'? one of apple, pear"
        assert str(caught.value) == right

    def test_says_of_which_kind_a_key_is_unknown(self, fruits: Table[Any]) -> None:
        with pytest.raises(ConfigError) as caught:
            fruits.read({"kind": "apple", "wieght": 3})

        right = "(kind 'apple') unknown key 'wieght': did you mean 'weight'? one of weight"
        assert str(caught.value) == right

    def test_says_that_the_kind_is_missing(self, fruits: Table[Any]) -> None:
        with pytest.raises(ConfigError, match=r"^kind is missing: one of apple, pear$"):
            fruits.read({})

    def test_says_that_the_kind_is_no_word(self, fruits: Table[Any]) -> None:
        with pytest.raises(ConfigError, match=r"^kind = 5: must be one of apple, pear$"):
            fruits.read({"kind": 5})

    def test_does_not_write_a_stranger(self, fruits: Table[Any]) -> None:
        with pytest.raises(ConfigError, match=r"^Plum\(colour='blue'\) is in no table of fruits$"):
            fruits.write(Plum())


class TestPartsOfOtherPackages:
    def test_are_listed_with_the_own(self, fruits: Table[Any], offer: Offer) -> None:
        offer(plum=f"{__name__}:Plum")

        assert fruits.kinds() == ["apple", "pear", "plum"]

    def test_are_read_and_written(self, fruits: Table[Any], offer: Offer) -> None:
        offer(plum=f"{__name__}:Plum")

        plum = fruits.read({"kind": "plum", "colour": "red"})

        assert plum == Plum("red")
        assert fruits.write(plum) == {"kind": "plum", "colour": "red"}

    def test_are_looked_for_in_the_familys_group(self, fruits: Table[Any]) -> None:
        assert fruits.group == "comlad.fruits"

    def test_never_replace_the_own(self, fruits: Table[Any], offer: Offer) -> None:
        offer(apple=f"{__name__}:Plum")

        assert fruits.lookup("apple") is Apple

    def test_are_named_when_they_do_not_load(self, fruits: Table[Any], offer: Offer) -> None:
        offer(plum="no_such_package:Plum")

        with pytest.raises(ConfigError, match=r"^comlad.fruits 'plum' does not load: No module"):
            fruits.lookup("plum")

    @pytest.mark.parametrize("name", ["not_a_class", "Table"])
    def test_must_be_dataclasses(self, fruits: Table[Any], offer: Offer, name: str) -> None:
        offer(plum=f"{__name__}:{name}")

        with pytest.raises(ConfigError, match=r"^comlad.fruits 'plum' is .*: must be a dataclass$"):
            fruits.lookup("plum")

    @pytest.mark.parametrize("part", [Pear(), Plum()])
    def test_do_no_harm_when_broken_and_not_used(
        self, fruits: Table[Any], offer: Offer, part: Any
    ) -> None:
        offer(aaa="no_such_package:Plum", plum=f"{__name__}:Plum")

        assert fruits.read(fruits.write(part)) == part


@pytest.mark.parametrize(
    ("family", "table"),
    [
        ("aggregators", AGGREGATORS),
        ("preaggregators", PREAGGREGATORS),
        ("attacks", ATTACKS),
        ("codings", CODINGS),
        ("compressors", COMPRESSORS),
        ("estimators", ESTIMATORS),
        ("problems", PROBLEMS),
        ("steps", STEPS),
    ],
)
class TestEveryFamily:
    def test_can_be_extended_under_its_name(self, family: str, table: Table[Any]) -> None:
        assert table.group == f"comlad.{family}"

    def test_suggests_near_misses_of_every_kind(self, family: str, table: Table[Any]) -> None:
        for kind in table.own:
            with pytest.raises(ConfigError, match=f"did you mean '{kind}'"):
                table.lookup(kind + "x")

    def test_has_only_dataclasses_that_cannot_be_changed(
        self, family: str, table: Table[Any]
    ) -> None:
        for part in table.own.values():
            assert part.__dataclass_params__.frozen


def test_names_kinds_of_other_packages_that_its_own_stand_before(
    offer: Offer, fruits: Table[Any]
) -> None:
    offer(apple="tests_of_parts:Pear")

    assert fruits.shadowed() == {"apple": "tests_of_parts"}
    assert fruits.lookup("apple") is Apple
