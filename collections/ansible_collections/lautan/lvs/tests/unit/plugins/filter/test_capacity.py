# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The wiring of the filters, and that their documentation tells what they take and return."""

from __future__ import annotations

import yaml

from ansible_collections.lautan.lvs.plugins.filter import capacity_lines, capacity_page, capacity_plan
from ansible_collections.lautan.lvs.plugins.plugin_utils._capacity_wishes import FIGURES, SCHOOL_KEYS

DOCUMENTED = yaml.safe_load(capacity_plan.DOCUMENTATION)
RETURNED = yaml.safe_load(capacity_plan.RETURN)["_value"]["contains"]
WISHES = [{"name": "North", "rooms": 10, "people_per_room": 12, "video_kbit": 600, "uplink_mbit": 1500}]


def test_options_and_defaults() -> None:
    assert DOCUMENTED["positional"] == "figures, benchmark"
    assert list(DOCUMENTED["options"]["_input"]["suboptions"]) == list(SCHOOL_KEYS)
    figures = DOCUMENTED["options"]["figures"]["suboptions"]
    assert {name: option.get("default") for name, option in figures.items()} == {
        name: default for name, (default, _bounds, _rule) in FIGURES.items()
    }


def test_what_is_returned() -> None:
    plan = capacity_plan.FilterModule().filters()["capacity_plan"](WISHES, {"cores": 16})
    assert list(plan) == list(RETURNED)
    for part in ("servers", "links"):
        shown = plan[part][0] if part == "links" else plan[part]
        assert list(shown) == list(RETURNED[part]["contains"])
    assert capacity_lines.FilterModule().filters()["capacity_lines"](plan)
    page = capacity_page.FilterModule().filters()["capacity_page"](plan)
    assert list(page) == list(yaml.safe_load(capacity_page.RETURN)["_value"]["contains"])
