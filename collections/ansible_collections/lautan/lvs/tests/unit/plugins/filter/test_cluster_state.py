# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter: it is offered, and it is documented as it is."""

from __future__ import annotations

import inspect

import yaml

from ansible_collections.lautan.lvs.plugins.filter import cluster_state as plugin
from ansible_collections.lautan.lvs.plugins.plugin_utils._cluster_state import compare


def test_filter_is_offered() -> None:
    assert plugin.FilterModule().filters() == {"cluster_state": compare}


def test_documentation_has_every_parameter() -> None:
    documentation = yaml.safe_load(plugin.DOCUMENTATION)
    # What is piped into a filter is called _input, whatever the function calls it.
    assert list(documentation["options"]) == ["_input", *list(inspect.signature(compare).parameters)[1:]]
    assert documentation["positional"].split(", ") == list(documentation["options"])[1:]
    assert all(option["required"] for option in documentation["options"].values())


def test_documentation_has_every_key_of_the_result() -> None:
    empty = {"vips": [], "gateways": [], "real_servers": [], "virtual_services": [], "media_services": []}
    plan = {"domain": "lvs", "forwarding": "dr", "conference": None, "vrrp": {"instances": []}, **empty}
    result = compare(plan, {}, {}, [], {}, {}, [], {})
    assert list(yaml.safe_load(plugin.RETURN)["_value"]["contains"]) == list(result)
