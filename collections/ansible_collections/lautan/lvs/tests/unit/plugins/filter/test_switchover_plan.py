# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The wiring of the filter."""

from __future__ import annotations

import yaml

from ansible_collections.lautan.lvs.plugins.filter import switchover_plan


def test_everything_is_documented():
    filters = switchover_plan.FilterModule().filters()
    documented = yaml.safe_load(switchover_plan.RETURN)["_value"]["contains"]
    plan = {"directors": [{"name": "director2", "address": "198.18.0.12"}, {"name": "director1", "address": ""}]}
    item = {"name": "lvs_51", "state": "MASTER", "addresses_missing": [], "addresses_orphaned": []}
    directors = {"director1": {"vrrp": {"instances": [item]}}, "director2": {"vrrp": {"instances": []}}}
    found = filters["switchover_plan"](plan, directors, to="director2")
    assert list(found) == list(documented)
    assert found["moves"] == documented["moves"]["sample"]
    assert list(found["moves"][0]) == list(documented["moves"]["contains"])
    assert yaml.safe_load(switchover_plan.DOCUMENTATION)["positional"] == "directors, to"
