"""Tables of words, for a terminal of 100 columns and for a page."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # rich is part of the extra `lab`
    from rich.table import Table

__all__ = ["Sheet"]

_WIDTH = 100


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table of words.

    Args:
        columns: Headings; a line break is where a terminal breaks them.
        rows: Cells; a row whose first cell is empty belongs to the one above it.
        left: How many columns, from the first, are words and not numbers.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    left: int = 1

    def markdown(self) -> str:
        """As a page has it."""
        rows = [[cell.replace("|", "\\|") for cell in row] for row in self.rows]
        rule = ["---"] * self.left + ["---:"] * (len(self.columns) - self.left)
        heads = [" ".join(column.split()) for column in self.columns]
        return "\n".join("| " + " | ".join(row) + " |" for row in (heads, rule, *rows))

    def table(self) -> "Table":
        """As a terminal shows it, with a space between columns, or two where there is room."""
        from rich import box
        from rich.table import Table
        from rich.text import Text

        widths = [
            max(len(line) for cell in column for line in cell.splitlines() or [""])
            for column in zip(self.columns, *self.rows, strict=True)
        ]
        roomy = sum(widths) + 2 * len(widths) <= _WIDTH
        table = Table(
            box=box.SIMPLE_HEAD,
            show_edge=False,
            pad_edge=False,
            padding=(0, 1 if roomy else 0),
            collapse_padding=True,
        )
        for number, column in enumerate(self.columns):
            words = number < self.left
            table.add_column(
                column,
                justify="left" if words else "right",
                vertical="bottom",
                no_wrap=not words,
                overflow="fold",
            )
        for row in self.rows:
            table.add_row(*map(Text, row))  # a name is no markup
        return table
