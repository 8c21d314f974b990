import pytest

from comlad_deploy.reproduce._results import theory_results
from comlad_deploy.reproduce._theory import TheoryFigure, fig2, fig3, rows

FIGURE_2 = {
    0: 224.9801116011,
    0.5: 799.1726941344,
    1: 1117.0499458015,
    1.5: 1362.7161778708,
    2: 1570.4165435994,
    2.5: 1753.6898405477,
    3: 1919.5446330026,
    3.5: 2072.1672715968,
    4: 2214.2953946312,
    4.5: 2347.8355666994,
    5: 2474.1786928899,
}
FIGURE_3 = {
    1: 1788.7512274640,
    5: 799.1726941344,
    10: 564.4096709380,
    20: 398.1203293127,
    50: 249.9350623816,
    100: 174.5323421648,
}


@pytest.mark.parametrize(
    ("figure", "column", "expected"),
    [(fig2(), "delta", FIGURE_2), (fig3(), "load", FIGURE_3)],
    ids=["fig2", "fig3"],
)
def test_has_the_numbers_of_the_formula(
    figure: TheoryFigure, column: str, expected: dict[float, float]
) -> None:
    found = {row[column]: row["error"] for row in rows(figure)}

    for value, error in expected.items():
        assert found[value] == pytest.approx(error, abs=1e-9)


@pytest.mark.parametrize("figure", [fig2(), fig3()], ids=["fig2", "fig3"])
def test_finds_what_the_paper_says(figure: TheoryFigure) -> None:
    results = theory_results(figure)

    assert {claim["key"]: claim["holds"] for claim in results["claims"]} == {
        fact.key: True for fact in figure.facts
    }


def test_says_that_the_theorem_applies_to_hardly_any_of_it() -> None:
    assert [row["delta"] for row in rows(fig2()) if row["theorem_applies"]] == [0]
    assert not any(row["theorem_applies"] for row in rows(fig3()))
    assert "holds only at δ = 0" in fig2().applies
    assert "nowhere in this figure" in fig3().applies
    assert "δ below 0.00312 only" in fig2().remarks[0]
    assert "0 of the 100 points" in fig3().remarks[0]


def test_knows_what_compression_costs() -> None:
    (overhead,) = (fact for fact in fig2().facts if fact.key == "overhead-grows")

    # 64 bits a value and log2 of the number of ways to choose 25 of 100 coordinates.
    assert "1678 bits at δ = 3" in overhead.measured
