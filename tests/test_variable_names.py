# Copyright (c) 2026, lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task registers outlives it, and hides a variable of the same name wherever that is given later in the run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
ROLES = ROOT / "collections/ansible_collections/lautan/lvs/roles"
FILES = [*ROOT.glob("playbooks/**/*.yml"), *(path for path in ROLES.glob("*/*/*.yml") if path.parent.name != "meta")]


def names(part: Any) -> Iterator[tuple[str, str]]:
    """Each name that is registered or set as a fact ("kept"), or given as a variable ("given")."""
    if isinstance(part, dict):
        for key, value in part.items():
            if key == "register":
                yield "kept", value
            if key == "ansible.builtin.set_fact":
                yield from (("kept", name) for name in value)
            if key == "vars" and isinstance(value, dict):
                yield from (("given", name) for name in value)
            yield from names(value)
    elif isinstance(part, list):
        for each in part:
            yield from names(each)


def test_nothing_registered_hides_a_variable() -> None:
    found: dict[str, dict[str, set[str]]] = {"kept": defaultdict(set), "given": defaultdict(set)}
    for path in FILES:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        if path.parent.name in ("vars", "defaults"):
            document = {"vars": document}
        for kind, name in names(document):
            found[kind][name].add(str(path.relative_to(ROOT)))
    assert len(found["kept"]) > 50
    assert len(found["given"]) > 50
    hidden = found["kept"].keys() & found["given"].keys()
    assert {name: (found["kept"][name], found["given"][name]) for name in hidden} == {}
