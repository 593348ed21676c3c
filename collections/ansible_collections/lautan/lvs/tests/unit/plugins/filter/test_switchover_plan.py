# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The wiring of the filter."""

from __future__ import annotations

import yaml

from ansible_collections.lautan.lvs.plugins.filter import switchover_plan


def test_everything_is_documented():
    filters = switchover_plan.FilterModule().filters()
    found = filters["switchover_plan"]({"directors": []}, {}, to="x")
    assert list(found) == list(yaml.safe_load(switchover_plan.RETURN)["_value"]["contains"])
    assert found["faults"]
    assert yaml.safe_load(switchover_plan.DOCUMENTATION)["positional"] == "directors, to"
