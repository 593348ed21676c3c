# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fill in the templates of a role as Ansible does, with the variables of a cluster's plan."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

ROLES = Path(__file__).resolve().parents[3] / "roles"


def evaluated(expression: str, variables: dict[str, Any], role: str = "director") -> Any:
    """What an expression in a task of the role gives."""
    loader = DataLoader()
    defaults, own = (
        loader.load_from_file(str(ROLES / role / path / "main.yml"), trusted_as_template=True)
        for path in ("defaults", "vars")
    )
    templar = Templar(loader=loader, variables={**defaults, **variables, **own})
    return templar.evaluate_expression(trust_as_template(expression))


def rendered(template: str, variables: dict[str, Any], role: str = "director") -> str:
    """The text that a template of the role gives."""
    return evaluated(f"lookup('template', '{ROLES / role / 'templates' / template}')", variables, role)


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
        "director_check_domain": plan["domain"],
    }
