# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filters of the status: they are offered, and documented as they are."""

from __future__ import annotations

import inspect

import yaml

from ansible_collections.lautan.lvs.plugins.filter import cluster_status as plugin
from ansible_collections.lautan.lvs.plugins.filter import status_lines as lines_plugin
from ansible_collections.lautan.lvs.plugins.plugin_utils._cluster_status import cluster_status, status_lines


def test_filters_are_offered() -> None:
    assert plugin.FilterModule().filters() == {"cluster_status": cluster_status}
    assert lines_plugin.FilterModule().filters() == {"status_lines": status_lines}


def test_documentation_has_every_parameter() -> None:
    documentation = yaml.safe_load(plugin.DOCUMENTATION)
    assert list(documentation["options"]) == ["_input", *list(inspect.signature(cluster_status).parameters)[1:]]
    assert documentation["positional"].split(", ") == list(documentation["options"])[1:]


def test_documentation_has_every_key_of_the_result() -> None:
    plan = {
        "domain": "lvs",
        "vips": [],
        "directors": [],
        "real_servers": [],
        "virtual_services": [],
        "conference": None,
    }
    result = cluster_status(plan, {"faults": []}, {}, {}, 1.0)
    assert list(yaml.safe_load(plugin.RETURN)["_value"]["contains"]) == list(result)
