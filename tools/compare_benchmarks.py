#!/usr/bin/env python3
# Copyright (c) 2026, lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare two benchmarks: the median of each figure in both, and whether their intervals overlap.

The status is 1 if more disagree than may (--allowed), or if there is nothing to compare. What is too noisy in one of
them, or is in one of them only, is not compared; the last line counts it.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "collections")]

from ansible_collections.lautan.lvs.plugins.plugin_utils import _benchmark_words as words  # noqa: E402
from ansible_collections.lautan.lvs.plugins.plugin_utils._benchmark_figures import Measured, describe  # noqa: E402
from ansible_collections.lautan.lvs.plugins.plugin_utils._benchmark_results import (  # noqa: E402
    read_results,
)
from ansible_collections.lautan.lvs.plugins.plugin_utils._benchmark_statistics import Figure  # noqa: E402
from ansible_collections.lautan.lvs.plugins.plugin_utils._text_table import text_table  # noqa: E402

Shown = tuple[Figure, Callable[[float], str]]


def figures(results: Any) -> dict[str, Shown]:
    """All figures by their names.

    :raises ResultsError: if anything is wrong with the results.
    """
    measured = Measured(read_results(results))
    found: dict[str, Shown] = {}
    for key, what, figure, show, _unit in words.every(measured):
        load = f" at {words.plain(key.offered)}/s" if key.offered else ""
        found[f"{what}{load}: {describe(key)}"] = figure, show
    return found | {name: (figure, show) for name, figure, show in words.derived(measured)}


def compare(first: Mapping[str, Shown], second: Mapping[str, Shown]) -> tuple[list[tuple[str, ...]], int, int]:
    """The rows of a table, how many were compared, and how many of them disagree."""
    rows, compared, disagree = [], 0, 0
    for name, (one, show) in first.items():
        if name not in second:
            continue
        other, _show = second[name]
        verdict = "too noisy"
        if not one.why and not other.why:
            compared += 1
            agree = one.agrees(other)
            disagree += not agree
            verdict = "agree" if agree else "DISAGREE"
        rows.append((name, *(_shown(each, show) for each in (one, other)), verdict))
    return rows, compared, disagree


def _shown(figure: Figure, show: Callable[[float], str]) -> str:
    return "-" if figure.why else f"{show(figure.median)} ({words.between(figure, show)})"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("first", type=Path, help="results.json of one run")
    parser.add_argument("second", type=Path, help="results.json of another")
    parser.add_argument(
        "--allowed",
        type=float,
        default=5.0,
        metavar="PERCENT",
        help="how many of the figures may disagree (default: %(default)g)",
    )
    parser.add_argument("--only", choices=("all", "disagreeing"), default="all", help="which figures are shown")
    options = parser.parse_args(arguments)
    both = []
    for path in (options.first, options.second):
        try:
            both.append(figures(json.loads(path.read_text(encoding="utf-8"))))
        except (OSError, ValueError) as exc:  # a ResultsError is a ValueError
            print(f"{path}: {exc}", file=sys.stderr)
    if len(both) < 2:
        return 2
    first, second = both
    rows, compared, disagree = compare(first, second)
    shown = [row for row in rows if options.only == "all" or row[-1] == "DISAGREE"]
    print(*text_table(("figure", "first", "second", ""), shown), sep="\n")
    alone = len(first.keys() ^ second.keys())
    print(
        f"\n{compared} figures compared, {compared - disagree} agree, {disagree} disagree, and "
        f"{options.allowed:g} % may; {len(rows) - compared} too noisy, {alone} in one of them only"
    )
    return 0 if compared and disagree * 100 <= options.allowed * compared else 1


if __name__ == "__main__":
    sys.exit(main())
