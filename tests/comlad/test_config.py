import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import repeatable

from comlad.config import (
    at,
    inline,
    parse_toml,
    read_fields,
    read_toml,
    require,
    unknown,
    with_assignments,
    write_fields,
)
from comlad.errors import ConfigError


@dataclass(frozen=True)
class Part:
    whole: int
    number: float = 0.5
    flag: bool = False
    word: Literal["left", "right"] = "left"
    either: int | float | None = None
    ids: int | tuple[int, ...] = 0
    path: str | None = None

    def __post_init__(self) -> None:
        require(self.whole >= 0, "whole", self.whole, "must be at least 0")


@dataclass(frozen=True)
class Inner:
    size: int

    @classmethod
    def from_table(cls, table: Mapping[str, object]) -> "Inner":
        return read_fields(cls, table)

    def to_table(self) -> dict[str, Any]:
        return write_fields(self)


@dataclass(frozen=True)
class Outer:
    inner: Inner


def refusal(table: dict[str, Any]) -> str:
    with pytest.raises(ConfigError) as caught:
        read_fields(Part, table)
    return str(caught.value)


class TestReadFields:
    def test_fills_in_defaults(self) -> None:
        assert read_fields(Part, {"whole": 3}) == Part(whole=3)

    def test_takes_a_whole_number_where_a_number_is_wanted(self) -> None:
        part = read_fields(Part, {"whole": 3, "number": 2})

        assert isinstance(part.number, float)
        assert part.number == 2

    def test_keeps_whole_numbers_and_fractions_apart(self) -> None:
        whole = read_fields(Part, {"whole": 3, "either": 1})
        fraction = read_fields(Part, {"whole": 3, "either": 1.0})

        assert (type(whole.either), type(fraction.either)) == (int, float)

    def test_makes_a_tuple_of_a_list(self) -> None:
        assert read_fields(Part, {"whole": 3, "ids": [4, 5]}).ids == (4, 5)

    @pytest.mark.parametrize(
        ("key", "value", "right"),
        [
            ("whole", 1.0, "a whole number"),
            ("whole", "1", "a whole number"),
            ("whole", True, "a whole number"),
            ("number", "0.5", "a number"),
            ("number", False, "a number"),
            ("flag", 1, "true or false"),
            ("flag", "true", "true or false"),
            ("word", "up", "one of 'left', 'right'"),
            ("word", ["left"], "one of 'left', 'right'"),
            ("either", True, "a whole number or a number"),
            ("either", "half", "a whole number or a number"),
            ("ids", [1, True], "a whole number or a list, each a whole number"),
            ("ids", [1, "2"], "a whole number or a list, each a whole number"),
            ("ids", 0.5, "a whole number or a list, each a whole number"),
            ("path", 5, "a string"),
            ("path", {"a": 1}, "a string"),
        ],
    )
    def test_refuses_another_type(self, key: str, value: object, right: str) -> None:
        assert refusal({"whole": 3, key: value}) == f"{key} = {value!r}: must be {right}"

    def test_refuses_a_whole_number_that_no_float_can_hold(self) -> None:
        assert refusal({"whole": 3, "number": 10**400}).startswith("number = 1000")

    def test_refuses_what_the_class_refuses(self) -> None:
        assert refusal({"whole": -1}) == "whole = -1: must be at least 0"

    def test_names_a_key_that_is_missing(self) -> None:
        assert refusal({}) == "whole is missing: give a whole number"

    def test_suggests_the_nearest_key(self) -> None:
        message = refusal({"whole": 3, "nmber": 1})

        assert message.startswith("unknown key 'nmber': did you mean 'number'? one of either, ")

    def test_lists_the_keys_when_none_is_near(self) -> None:
        message = refusal({"whole": 3, "zzz": 1})

        assert message == "unknown key 'zzz': one of either, flag, ids, number, path, whole, word"

    @repeatable
    @given(
        st.builds(
            Part,
            whole=st.integers(0),
            number=st.floats(allow_nan=False),
            flag=st.booleans(),
            word=st.sampled_from(["left", "right"]),
            either=st.none() | st.integers() | st.floats(allow_nan=False),
            ids=st.integers() | st.lists(st.integers()).map(tuple),
            path=st.none() | st.text(),
        )
    )
    def test_reads_back_what_was_written(self, part: Part) -> None:
        assert read_fields(Part, write_fields(part)) == part


class TestNestedTables:
    def test_are_read_by_the_class_of_their_field(self) -> None:
        assert read_fields(Outer, {"inner": {"size": 3}}) == Outer(Inner(3))

    def test_may_be_values_already(self) -> None:
        assert read_fields(Outer, {"inner": Inner(3)}) == Outer(Inner(3))

    def test_are_written_as_tables(self) -> None:
        assert write_fields(Outer(Inner(3))) == {"inner": {"size": 3}}

    @pytest.mark.parametrize(
        ("table", "complaint"),
        [
            ({}, "inner is missing: give a table"),
            ({"inner": 3}, "inner = 3: must be a table"),
            ({"inner": {"size": "3"}}, "inner size = '3': must be a whole number"),
            ({"inner": {"sise": 3}}, "inner unknown key 'sise': did you mean 'size'? one of size"),
        ],
    )
    def test_are_complained_of_with_their_key(self, table: dict[str, Any], complaint: str) -> None:
        with pytest.raises(ConfigError) as caught:
            read_fields(Outer, table)

        assert str(caught.value) == complaint


class TestWriteFields:
    def test_leaves_out_what_is_not_given(self) -> None:
        assert "path" not in write_fields(Part(whole=1))

    def test_writes_lists_as_toml_knows_them(self) -> None:
        assert write_fields(Part(whole=1, ids=(1, 2)))["ids"] == [1, 2]


class TestUnknown:
    def test_suggests_only_what_is_near(self) -> None:
        assert "did you mean 'nnm'?" in str(unknown("rule", "nmm", ["mean", "nnm"]))
        assert "did you mean" not in str(unknown("rule", "krum", ["mean", "nnm"]))


class TestAt:
    def test_puts_the_place_before_a_complaint(self) -> None:
        with pytest.raises(ConfigError, match=r"^\[coding\] load = 0: must be 1$"), at("[coding]"):
            require(False, "load", 0, "must be 1")

    def test_leaves_other_errors_alone(self) -> None:
        with pytest.raises(KeyError, match=r"^'load'$"), at("[coding]"):
            raise KeyError("load")


class TestParseToml:
    def test_says_which_file_and_where(self) -> None:
        with pytest.raises(ConfigError) as caught:
            parse_toml("rounds = 3\nseed =\n", "my.toml")

        assert str(caught.value).startswith("my.toml is not TOML: ")
        assert "line 2" in str(caught.value)
        assert "\n" not in str(caught.value)

    def test_refuses_a_number_of_thousands_of_digits(self) -> None:
        with pytest.raises(ConfigError, match=r"^my.toml is not TOML: "):
            parse_toml("seed = " + "9" * 5000, "my.toml")


class TestReadToml:
    def test_reads_a_file(self, tmp_path: Path) -> None:
        path = tmp_path / "my.toml"
        path.write_text("name = 'β'\n[devices]\ncount = 3\n", "utf-8")

        assert read_toml(path) == {"name": "β", "devices": {"count": 3}}

    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            (None, "cannot be read ([Errno 2] No such file or directory"),
            (b"name = '\xff'", "cannot be read ('utf-8' codec can't decode"),
            (b"name = ", "is not TOML: "),
        ],
    )
    def test_names_the_file_and_what_is_wrong_with_it(
        self, tmp_path: Path, content: bytes | None, reason: str
    ) -> None:
        path = tmp_path / "my.toml"
        if content is not None:
            path.write_bytes(content)

        with pytest.raises(ConfigError) as caught:
            read_toml(path)

        assert str(caught.value).startswith(str(path))
        assert reason in str(caught.value)
        assert "\n" not in str(caught.value)

    def test_says_that_a_directory_is_no_file(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match=r"cannot be read .*Is a directory"):
            read_toml(tmp_path)


class TestWithAssignments:
    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ("3", 3),
            ("3e-7", 3e-7),
            ("true", True),
            ("[1, 2]", [1, 2]),
            ('"top-k"', "top-k"),
            ("top-k", "top-k"),
            (" top-k ", "top-k"),
            ("a=b", "a=b"),
            ("", ""),
        ],
    )
    def test_reads_toml_and_takes_the_rest_as_words(self, text: str, value: object) -> None:
        assert with_assignments({}, [f"compressor.key={text}"]) == {"compressor": {"key": value}}

    def test_takes_a_number_of_thousands_of_digits_as_a_word(self) -> None:
        assert with_assignments({}, ["x=" + "9" * 5000])["x"] == "9" * 5000

    def test_reads_numbers_that_are_none(self) -> None:
        assert math.isnan(with_assignments({}, ["x=nan"])["x"])

    def test_lays_values_over_a_table(self) -> None:
        found = {"rounds": 3, "devices": {"count": 5, "redraw": False}}

        changed = with_assignments(found, ["devices.count=7", "rounds=9"])

        assert changed == {"rounds": 9, "devices": {"count": 7, "redraw": False}}

    def test_lets_the_last_one_win(self) -> None:
        assert with_assignments({}, ["seed=1", "seed=2"]) == {"seed": 2}

    def test_leaves_its_input_alone(self) -> None:
        found = {"devices": {"count": 5}}

        with_assignments(found, ["devices.count=7"])

        assert found == {"devices": {"count": 5}}

    @pytest.mark.parametrize("assignment", ["", "rounds", "=3", ".a=3", "a.=3", "a..b=3"])
    def test_refuses_what_is_no_assignment(self, assignment: str) -> None:
        with pytest.raises(ConfigError) as caught:
            with_assignments({}, [assignment])

        assert str(caught.value) == f"--set {assignment}: must be of the form table.key=value"

    @pytest.mark.parametrize("rounds", [3, [{"kind": "identity"}]])
    def test_refuses_a_key_inside_what_is_no_table(self, rounds: object) -> None:
        with pytest.raises(ConfigError, match=r"^--set rounds.a=1: rounds is not a table$"):
            with_assignments({"rounds": rounds}, ["rounds.a=1"])


class TestInline:
    @pytest.mark.parametrize(
        "value",
        [
            *(
                3,
                -0.0,
                1e300,
                5e-324,
                math.inf,
                True,
                "top-k",
                "",
                'a "b" = {c}\n\t\\ \x00\x7f é 🦀',
            ),
            [1, 2.5, "x"],
            [],
            {},
            {"kind": "trimmed-mean", "before": [{"kind": "nnm"}, {"a b": {"c.d": [True]}}]},
        ],
    )
    def test_is_read_back_by_an_assignment(self, value: object) -> None:
        text = inline(value)

        assert with_assignments({}, [f"x={text}"]) == {"x": value}
        assert tomllib.loads(f"x = {text}") == {"x": value}
        assert "\n" not in text

    def test_writes_what_is_no_number(self) -> None:
        assert math.isnan(with_assignments({}, [f"x={inline(math.nan)}"])["x"])
