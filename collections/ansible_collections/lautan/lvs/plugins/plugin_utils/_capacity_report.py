# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""A capacity plan for a terminal, and its plots for a page. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ansible_collections.lautan.lvs.plugins.plugin_utils import _svg_plot as svg
from ansible_collections.lautan.lvs.plugins.plugin_utils._text_table import text_table

_HEADS: Final = ("link", "unit", "usable", "average", "used", "used %", "one dead %", "more rooms")
_SIZE: Final = (960, 340)


def capacity_lines(plan: Mapping[str, Any]) -> list[str]:
    """Write it for a terminal."""
    schools = [
        (each["name"], each["rooms"], each["people"], *(f"{each[key]:,.0f}" for key in _SCHOOL))
        for each in plan["schools"]
    ]
    return [
        *text_table(("school", "rooms", "people", "kbit/s of one", "Mbit/s to it", "from it"), schools),
        "",
        *text_table(_HEADS, [_row(each) for each in plan["links"]]),
        "",
        *verdict(plan),
    ]


_SCHOOL: Final = ("stream_kbit", "down_mbit", "up_mbit")


def _row(link: Mapping[str, Any]) -> tuple[str | None, ...]:
    texts = [f"{link[key]:,.0f}" for key in ("limit", "average", "used")]
    shares = [None if link[key] is None else f"{link[key]:.0f}" for key in ("percent", "one_dead")]
    return (link["link"], link["unit"], *texts, *shares, str(link["more_rooms"]))


def verdict(plan: Mapping[str, Any]) -> list[str]:
    """What follows from it, in sentences."""
    servers, first = plan["servers"], plan["first"]
    needed, count = servers["needed"], plan["figures"]["count"]["value"]
    spare = f"{servers['spare'] or 'none'} of them spare"
    least = f"at least {servers['even']} if rooms were spread evenly"
    lines = [f"{plan['people']} people in {plan['rooms']} rooms."]
    if needed is None:
        lines.append(f"A hash spreads the rooms, and each real server bears too few: 100 are not enough ({least}).")
    else:
        lines.append(f"{needed} real servers are enough, {spare} ({least}).")
    if count is not None:
        enough = "enough" if needed is not None and count >= needed else "not enough"
        alive, risk = max(count - servers["spare"], 1), servers["risk"]
        lines.append(
            f"There are {count}, which is {enough}: with {alive} alive, one gets too much with a risk of {risk:.0%}."
        )
    share = first["percent"] if first["one_dead"] is None else first["one_dead"]
    dead = " while one machine is dead" if share > first["percent"] else ""
    lines.append(
        f"First to fill: {first['link']}, {share:.0f} %{dead}; {first['more_rooms']} more rooms until it is full."
    )
    full = [each["link"] for each in plan["links"] if max(each["percent"], each["one_dead"] or 0) > 100]
    if full:
        lines.append(f"Too small: {'; '.join(full)}.")
    return lines


def capacity_plots(plan: Mapping[str, Any]) -> list[str]:
    """Its plots as SVG."""
    growth, links = plan["growth"], plan["links"]
    people = svg.Axis("people in rooms", low=0)
    lines = [
        svg.Series(each["link"], [svg.Point(at["people"], at["links"][each["link"]]) for at in growth], number + 1)
        for number, each in enumerate(links[:5])
    ]
    full = svg.Series("full", [svg.Point(growth[0]["people"], 100), svg.Point(growth[-1]["people"], 100)], 0, "rule")
    needed = [
        svg.Series(name, [svg.Point(at["people"], at[key]) for at in growth if at[key] is not None], colour)
        for name, key, colour in (("as the hash spreads rooms", "needed", 1), ("spread evenly", "even", 2))
    ]
    planned = plan["servers"]["planned"]
    shares = {
        "all alive": (1, [_bar(each["percent"]) for each in links]),
        "one dead": (5, [_bar(each["one_dead"]) for each in links]),
    }
    percent = svg.Axis("% of what is usable", low=0)
    servers = "real server" if planned == 1 else "real servers"
    return [
        svg.lines(f"Links with {planned} {servers}, one of them dead", people, percent, [*lines, full], size=_SIZE),
        svg.lines("Real servers needed", people, svg.Axis("real servers", low=0), needed, size=_SIZE),
        *(
            svg.bars(
                f"Before and after a death{', continued' if begin else ''}",
                [each["link"] for each in links[begin : begin + _BARS]],
                {name: (colour, row[begin : begin + _BARS]) for name, (colour, row) in shares.items()},
                percent,
                ("full", 100),
                size=_SIZE,
            )
            for begin in range(0, len(links), _BARS)
        ),
    ]


# So many groups of bars fit beside each other, with their names.
_BARS: Final = 8


def _bar(share: float | None) -> svg.Bar | None:
    return None if share is None else svg.Bar(share, text=f"{share:.0f}")


def capacity_page(plan: Mapping[str, Any]) -> dict[str, Any]:
    """What a page consists of: the style and the plots, and the tables as rows."""
    return {
        "style": svg.style(),
        "plots": capacity_plots(plan),
        "heads": list(_HEADS),
        "rows": [_row(each) for each in plan["links"]],
        "verdict": verdict(plan),
    }
