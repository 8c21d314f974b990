from dataclasses import fields
from pathlib import Path

import pytest

from comlad_deploy.listing import FAMILIES, parameter_meanings, parts_page

ROOT = Path(__file__).parents[2]
PARTS = [part for table in FAMILIES.values() for part in table.own.values()]


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.__name__)
class TestEveryPart:
    def test_says_what_each_of_its_parameters_means(self, part: type) -> None:
        assert list(parameter_meanings(part)) == [field.name for field in fields(part)]

    def test_says_what_it_is_in_a_line(self, part: type) -> None:
        first, *_ = (part.__doc__ or "").split("\n\n")

        assert "\n" not in first
        assert first.endswith(".")


def test_has_a_section_of_every_part() -> None:
    page = parts_page()

    for table in FAMILIES.values():
        for kind in table.own:
            assert f"\n### {kind}\n" in page


def test_is_the_page_in_the_documentation() -> None:
    """After a change of a docstring: comlad list --markdown > docs/algorithms.md."""
    assert (ROOT / "docs" / "algorithms.md").read_text("utf-8") == parts_page()
