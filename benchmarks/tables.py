# SPDX-License-Identifier: MIT OR Apache-2.0
"""Tables of what programs measured about themselves."""
from statistics import median


def ratio(ours, theirs):
    """Median, least and most of the ratios round by round, as a cell; "-" without."""
    ratios = [a / b for a, b in zip(ours, theirs)]
    return f"{median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})" if ratios else "-"


def middle(values):
    return f"{median(values):,.0f}" if values else "-"


def table(title, columns, rows):
    """Lines of text, each column as wide as its widest cell."""
    grid = [[title, *columns], *([name, *cells] for name, cells in rows)]
    widths = [max(map(len, column)) for column in zip(*grid)]
    return ["  ".join([name.ljust(widths[0]), *(c.rjust(w) for c, w in zip(cells, widths[1:]))])
            for name, *cells in grid]
