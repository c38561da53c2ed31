# SPDX-License-Identifier: MIT OR Apache-2.0
"""Tables of figures, before they become text, HTML or Markdown."""
from dataclasses import dataclass
from statistics import median


@dataclass
class Table:
    title: str
    columns: list                # their titles
    rows: list                   # (name, cells)
    notes: tuple = ()            # lines below it
    words: tuple = ()            # titles of columns of words; the others hold figures

    def as_lines(self):
        """Each column as wide as its widest cell."""
        grid = [[self.title, *self.columns], *([name, *cells] for name, cells in self.rows)]
        widths = [max(map(len, column)) for column in zip(*grid)]
        words = [True, *(title in self.words for title in self.columns)]
        lines = ["  ".join(cell.ljust(width) if is_words else cell.rjust(width)
                           for cell, width, is_words in zip(row, widths, words)).rstrip()
                 for row in grid]
        return [*lines, *(f"  {note}" for note in self.notes)]

    def as_markdown(self):
        head = f"| {self.title} | {' | '.join(self.columns)} |"
        rule = "|---|" + "".join("---|" if title in self.words else "---:|"
                                 for title in self.columns)
        rows = [f"| {name} | {' | '.join(cells)} |" for name, cells in self.rows]
        return [head, rule, *rows, *(line for note in self.notes for line in ("", note))]


def as_text(tables):
    return "\n\n".join("\n".join(table.as_lines()) for table in tables)


def ratio(ours, theirs):
    """Median, least and most of the ratios round by round, as a cell; "-" without."""
    ratios = [a / b for a, b in zip(ours, theirs)]
    return spread(ratios, ".2f")


def spread(values, form=",.0f"):
    """Median, least and most, as a cell; "-" without."""
    if not values:
        return "-"
    low, middle_one, high = (format(v, form) for v in (min(values), median(values), max(values)))
    return f"{middle_one} ({low}-{high})" if len(values) > 1 else middle_one


def middle(values):
    return f"{median(values):,.0f}" if values else "-"
