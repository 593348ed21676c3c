# Copyright (c) 2026, lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run playbooks, and tasks on a node of the lab."""

from __future__ import annotations

import functools
import importlib.util
import json
import tempfile
from pathlib import Path

from . import process
from .topology import ROOT, Node

# Settings of Ansible with which it works as operators have it, whatever the environment says.
AS_OPERATORS = {"ANSIBLE_STRATEGY": "linear"}


@functools.cache
def kept_python() -> dict[str, str]:
    """Settings of Ansible with which Python is started once on a node, and not once for each task.

    To start a program takes a virtual machine of the lab some times longer than this one.
    """
    found = importlib.util.find_spec("ansible_mitogen")
    if found is None or found.origin is None:
        raise process.LabError("mitogen is not installed: `make tools` installs what the lab needs")
    return {
        "ANSIBLE_STRATEGY": "mitogen_linear",
        "ANSIBLE_STRATEGY_PLUGINS": str(Path(found.origin).parent / "plugins/strategy"),
        "ANSIBLE_TIMEOUT": "60",  # to start it takes such a node ten seconds
        "ANSIBLE_DEPRECATION_WARNINGS": "false",  # it warns of strategies that are not its own
    }


def unfolded(output: str) -> str:
    """What Ansible printed on one line, so that a message can be found however it was folded."""
    return " ".join(output.split())


def playbook(*arguments: str, environment: dict[str, str] | None = None) -> None:
    """Run ``ansible-playbook`` from the root of the repository, where ansible.cfg is.

    :raises LabError: if it failed.
    """
    settings = {"LC_ALL": "C.UTF-8", **kept_python(), **(environment or {})}
    command = ["env", "--chdir", str(ROOT), *(f"{name}={value}" for name, value in settings.items())]
    process.run([*command, str(ROOT / ".venv/bin/ansible-playbook"), *arguments])


def play(node: Node, tasks: list[dict], environment: dict[str, str] | None = None) -> None:
    """Run tasks on a node.

    :raises LabError: if one failed.
    """
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
        json.dump([{"hosts": node.name, "gather_facts": False, "tasks": tasks}], file)
        file.flush()
        playbook(file.name, environment=environment)


def in_namespace(name: str) -> dict[str, object]:
    """Variables with which tasks run in a network namespace: Ansible's way to another user leads there as well."""
    return {
        "ansible_become": True,
        "ansible_become_method": "ansible.builtin.sudo",
        "ansible_become_exe": f"ip netns exec {name}",
        "ansible_become_flags": "",
        "ansible_become_user": "",
    }
