# SPDX-License-Identifier: MIT OR Apache-2.0
"""Plots of a run as SVG to stand in a page: text stays text, colours follow the page's scheme."""
import io
import re

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt  # noqa: E402
from matplotlib.ticker import (FuncFormatter, LogLocator, NullFormatter,  # noqa: E402
                               NullLocator)

WIDTH = 4.6  # inches: with a font of 9 points still read on a phone
TEXT = "#010203"  # becomes the page's colour of text
OWN = "#3b7dd8"
GREY = "#8a8f98"
COLOURS = ["#d9822b", "#3fa37c", "#b05fc4", "#c94f4f", "#7a6f2f", "#4fb0c6", "#a0a0e0"]

plt.rcParams.update({
    "svg.fonttype": "none", "svg.hashsalt": "copoll", "font.size": 9,
    "font.sans-serif": ["system-ui", "sans-serif"], "text.color": TEXT, "axes.labelcolor": TEXT,
    "axes.edgecolor": TEXT, "xtick.color": TEXT, "ytick.color": TEXT, "axes.spines.top": False,
    "axes.spines.right": False, "axes.titlesize": 9, "axes.titlelocation": "left",
    "axes.grid": True, "grid.color": "#808890", "grid.alpha": 0.3, "grid.linewidth": 0.6})
matplotlib.logging.getLogger("matplotlib.font_manager").setLevel("ERROR")  # the browser's fonts


def ratio_bars(case):
    """Rates relative to the base, a bar for each server; the thin line spans the rounds. Empty if
    there is nothing to compare."""
    rows = [row for row in case["servers"] if row["ratio"] is not None]
    if len(rows) < 2:
        return ""
    rows.reverse()  # the first on top
    figure, axes = plt.subplots(figsize=(WIDTH, 0.45 + 0.27 * len(rows)))
    ratios = [row["ratio"] for row in rows]
    spans = [[row["ratio"] - row["ratio_min"] for row in rows],
             [row["ratio_max"] - row["ratio"] for row in rows]]
    axes.barh(range(len(rows)), ratios, xerr=spans, height=0.62,
              color=[OWN if is_own(row["name"]) else GREY for row in rows],
              error_kw={"ecolor": TEXT, "elinewidth": 1})
    axes.set_yticks(range(len(rows)), [row["name"] for row in rows])
    axes.axvline(1, color=TEXT, linewidth=0.8, linestyle=(0, (4, 3)))
    for place, row in enumerate(rows):
        axes.annotate(f"{row['ratio']:.2f}", (row["ratio_max"], place), (4, 0), va="center",
                      textcoords="offset points")
    axes.set_xlim(0, max([1, *(row["ratio_max"] for row in rows)]) * 1.12)
    axes.grid(axis="y", visible=False)
    axes.set_title(f"rate, x {case['base']}")
    return as_svg(figure, f"rates in {case['name']}, relative to {case['base']}")


def lines(title, x_label, y_label, series, x_ticks, log_x=False, log_y=False):
    """{name: [(x, y)]} as lines; `x_ticks` is {x: its text}. Empty if there is no line."""
    series = {name: points for name, points in series.items() if len(points) > 1}
    if not series:
        return ""
    figure, axes = plt.subplots(figsize=(WIDTH, 3.0))
    for (name, points), colour in zip(series.items(), colours_of(series)):
        own = is_own(name)
        axes.plot(*zip(*points), label=name, color=colour, marker="o", markersize=3,
                  linewidth=2 if own else 1.2, zorder=3 if own else 2)
    if log_x:
        axes.set_xscale("log")
    if log_y:
        axes.set_yscale("log")
        values = [y for points in series.values() for _, y in points]
        if max(values) < 50 * min(values):  # too few decades to tell where one is
            axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    else:
        axes.set_ylim(bottom=0)
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_xticks(list(x_ticks), list(x_ticks.values()))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.12g}"))
    axes.set_xlabel(x_label)
    axes.set_title(y_label)
    axes.legend(loc="upper center", bbox_to_anchor=(0.45, -0.17), ncols=2, frameon=False)
    return as_svg(figure, title)


def colours_of(names):
    """One for each of the names, the same in all plots as far as there are enough."""
    free = [colour for colour in (*COLOURS, GREY)
            if colour not in {known[name] for name in names if name in known}]
    for name in names:
        if is_own(name):
            yield OWN
            continue
        if name not in known:
            known[name] = free.pop(0) if free else GREY
        yield known[name]


known = {}  # {name: its colour}, in the plots so far


def is_own(name):
    return name.startswith("copoll")


def as_svg(figure, label):
    """The drawing alone, as wide as the page lets it be."""
    out = io.StringIO()
    figure.savefig(out, format="svg", bbox_inches="tight", transparent=True,
                   metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    plt.close(figure)
    svg = out.getvalue()
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg[svg.index("<svg"):], flags=re.DOTALL)
    svg = re.sub(r' (?:width|height)="[\d.]+pt"', "", svg, count=2)
    svg = re.sub(r' xmlns(?::xlink)?="[^"]*"| version="1.1"', "", svg)
    svg = svg.replace("xlink:href", "href").replace(TEXT, "currentColor")
    # Ids are those of this drawing: a page holds many.
    name = f"p{abs(hash_of(label)):x}"
    svg = re.sub(r'id="([^"]+)"', rf'id="{name}-\1"', svg)
    svg = re.sub(r'href="#([^"]+)"', rf'href="#{name}-\1"', svg)
    svg = re.sub(r"url\(#([^)]+)\)", rf"url(#{name}-\1)", svg)
    return svg.replace("<svg", f'<svg role="img" aria-label="{escape_attribute(label)}"', 1)


def hash_of(text):
    """The same in every run, unlike hash()."""
    value = 0
    for letter in text:
        value = (value * 131 + ord(letter)) % (1 << 48)
    return value


def escape_attribute(text):
    return text.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
