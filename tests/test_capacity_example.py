# Copyright (c) 2026, lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What docs/capacity.md says is what the arithmetic says."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import yaml

from ansible_collections.lautan.lvs.plugins.plugin_utils._capacity import capacity_plan
from ansible_collections.lautan.lvs.plugins.plugin_utils._capacity_report import capacity_lines

DOCS = Path(__file__).resolve().parent.parent / "docs"
PAGE = (DOCS / "capacity.md").read_text(encoding="utf-8")
SCHOOL = {"name": "North", "rooms": 1, "people_per_room": 12, "video_kbit": 600}
WISHES = yaml.safe_load((DOCS / "wishes.yml").read_text(encoding="utf-8"))


def test_the_example() -> None:
    plan = capacity_plan(WISHES["capacity_schools"], WISHES["capacity_servers"])
    assert plan["mistakes"] == []
    assert f"```text\n{chr(10).join(capacity_lines(plan))}\n```" in PAGE
    processors = next(each for each in plan["links"] if each["link"] == "real server, processors")
    assert processors["average"] * 4 == pytest.approx(231_000)
    assert "= 231,000 packets/s" in PAGE


def test_where_the_limits_lie() -> None:
    def used(rooms: int, people: int) -> dict[str, float]:
        wished = SCHOOL | {"rooms": rooms, "people_per_room": people}
        plan = capacity_plan([wished], {"count": 1, "spare": 0, "cores": 1000, "usable_percent": 80})
        assert plan["mistakes"] == []
        return {each["link"]: each["used"] / each["limit"] for each in plan["links"]}

    room = used(1, 12)
    assert room["real server, sent"] * 800 == pytest.approx(97, abs=0.5)
    assert room["director, each way"] * 800 == pytest.approx(10.7, abs=0.05)
    assert room["director, packets"] * 240_000 == pytest.approx(3150)
    assert "97 Mbit/s from the real server, 10.7 Mbit/s and\n3,150 packets/s" in PAGE
    for link, rooms in (("real server, sent", 8), ("director, packets", 76), ("director, each way", 74)):
        assert math.floor(1 / room[link]) == rooms
        assert f"{rooms} rooms at 80 %" in PAGE
    assert used(1, 33)["real server, sent"] < 1
    assert capacity_plan([SCHOOL | {"people_per_room": 34}], {"cores": 1000})["mistakes"]
    assert "33 people at 80 %" in PAGE


@pytest.mark.parametrize(("video", "needed", "even"), [(600, 39, 13), (300, 15, 7)])
def test_what_the_hash_costs(video: int, needed: int, even: int) -> None:
    servers = capacity_plan([SCHOOL | {"rooms": 100, "video_kbit": video}], {"cores": 100, "spare": 0})["servers"]
    assert (servers["needed"], servers["even"]) == (needed, even)
    assert f": {needed} " in PAGE
    assert f"and {even} if " in PAGE
