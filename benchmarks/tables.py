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

    def as_lines(self):
        """Each column as wide as its widest cell."""
        grid = [[self.title, *self.columns], *([name, *cells] for name, cells in self.rows)]
        widths = [max(map(len, column)) for column in zip(*grid)]
        lines = ["  ".join([name.ljust(widths[0]),
                            *(c.rjust(w) for c, w in zip(cells, widths[1:]))])
                 for name, *cells in grid]
        return [*lines, *(f"  {note}" for note in self.notes)]

    def as_markdown(self):
        head = f"| {self.title} | {' | '.join(self.columns)} |"
        rule = "|---|" + "---:|" * len(self.columns)
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
