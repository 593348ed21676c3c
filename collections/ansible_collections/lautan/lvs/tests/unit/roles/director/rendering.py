# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fill in the templates of the role with the variables of a cluster's plan."""

from __future__ import annotations

from functools import partial
from typing import Any

from ansible_collections.lautan.lvs.tests.unit.roles import rendering

evaluated = partial(rendering.evaluated, "director")
rendered = partial(rendering.rendered, "director")


def variables_of(plan: dict[str, Any], number: int = 0) -> dict[str, Any]:
    """What playbooks/vars/plan.yml hands to a director, by default the first one."""
    director = plan["directors"][number]
    return {
        "inventory_hostname": director["name"],
        "__director_interface": "eth0",
        "director_address": director["address"],
        "director_peers": [other["address"] for other in plan["directors"] if other != director],
        "director_forwarding": plan["forwarding"],
        "director_vrrp_instances": director["vrrp_instances"],
        "director_virtual_services": plan["virtual_services"],
        "director_media_services": plan["media_services"],
        "director_check_domain": plan["domain"],
    }
