# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""The report of a benchmark: a page that needs nothing else, the figures as CSV, and a summary. Pure."""

from __future__ import annotations

from html import escape
from typing import Any, Final

from ansible_collections.lautan.lvs.plugins.plugin_utils import _benchmark_words as words
from ansible_collections.lautan.lvs.plugins.plugin_utils._benchmark_figures import Measured
from ansible_collections.lautan.lvs.plugins.plugin_utils._benchmark_results import read_results
from ansible_collections.lautan.lvs.plugins.plugin_utils._benchmark_sections import SECTIONS, html_table
from ansible_collections.lautan.lvs.plugins.plugin_utils._benchmark_statistics import (
    ROUNDS,
    SHARE_APART,
    SPREADS,
    share,
)
from ansible_collections.lautan.lvs.plugins.plugin_utils._svg_plot import style


def benchmark_report(results: Any) -> dict[str, str]:
    """Return the files of the report, by name.

    :raises ResultsError: if anything is wrong with the results.
    """
    measured = Measured(read_results(results))
    return {
        "index.html": _page(measured),
        "results.csv": words.csv_text(measured),
        "summary.txt": words.summary_text(measured),
    }


def _page(measured: Measured) -> str:
    sections = "\n".join(
        f"<h2>{escape(head)}</h2>\n<p>{escape(text)}</p>\n" + "\n".join(parts)
        for head, text, parts in ((head, text, list(parts(measured))) for head, text, parts in SECTIONS)
        if parts
    )
    title = escape(words.title(measured))
    return f"""\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
{_STYLE}
{style()}
</style>
</head>
<body>
<h1>{title}</h1>
{_summary(measured)}
{sections}
<h2>How to read this</h2>
<p>{escape(_READING)}</p>
</body>
</html>
"""


_STYLE: Final = """\
  :root { color-scheme: light dark; --line: #8884; --dim: #666; --bad: #b3261e; }
  @media (prefers-color-scheme: dark) { :root { --dim: #a0a4ad; --bad: #ff8a80; } }
  body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
  body { background: var(--page); }
  h1 { font-size: 1.5rem; margin: 0; }
  h2 { font-size: 1.2rem; margin: 2.5rem 0 .3rem; }
  h3 { font-size: 1rem; margin: 1.5rem 0 .3rem; }
  p { margin: .3rem 0 .8rem; }
  ul { margin: .3rem 0; padding-left: 1.3rem; }
  .noise { color: var(--bad); }
  .wide { overflow-x: auto; margin: .3rem 0 1rem; }
  table { border-collapse: collapse; width: 100%; }
  th, td { text-align: left; padding: .25em 1em .25em 0; border-bottom: 1px solid var(--line); vertical-align: top; }
  th { font-weight: 600; color: var(--dim); font-size: .85rem; }
  td { font-size: .9rem; font-variant-numeric: tabular-nums; }
  .short { white-space: nowrap; }
  summary { color: var(--dim); cursor: pointer; }
  .plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 27rem), 1fr)); gap: 1.5rem; }
  .plots, .stack svg { margin: .8rem 0; }"""

_READING: Final = (
    "A figure is the median of rounds, and its interval one of 95 %: a bootstrap, made wide enough for few rounds. "
    "All that is compared was measured in turns, round by round, and a ratio is the median of the ratios of rounds. A "
    f"figure is too noisy, and words stand in its place, if there are less than {ROUNDS} rounds, if their middle half "
    f"lies apart by more than {share(SPREADS['rate'])} of the median ({share(SPREADS['time'])} for response time, "
    f"{share(SPREADS['ratio'])} for ratios, and for shares if that is more than {100 * SHARE_APART:g} points), if "
    "others took processor time away, or if the load host could not do what it should."
)


def _summary(measured: Measured) -> str:
    parts = []
    for part in words.summary(measured):
        items = "\n".join(f"<li{_loud(line)}>{escape(line)}</li>" for line in part.lines)
        parts.append(f"<h3>{escape(part.head)}</h3>\n<ul>\n{items}\n</ul>")
        if part.table:
            parts.append(html_table(part.table, False))
    return "\n".join(parts)


def _loud(line: str) -> str:
    loud = line.startswith("Noise") or " were expected" in line or " times as long" in line
    return ' class="noise"' if loud else ""
