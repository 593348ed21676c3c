# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fill in the templates of a role as Ansible does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

ROLES = Path(__file__).resolve().parents[3] / "roles"


def evaluated(role: str, expression: str, variables: dict[str, Any]) -> Any:
    """What an expression in a task of the role gives."""
    loader = DataLoader()
    defaults, own = (
        loader.load_from_file(str(path), trusted_as_template=True) if path.exists() else {}
        for path in (ROLES / role / "defaults/main.yml", ROLES / role / "vars/main.yml")
    )
    templar = Templar(loader=loader, variables={**defaults, **variables, **own})
    return templar.evaluate_expression(trust_as_template(expression))


def rendered(role: str, template: str, variables: dict[str, Any]) -> str:
    """The text that a template of the role gives."""
    return evaluated(role, f"lookup('template', '{ROLES / role / 'templates' / template}')", variables)
