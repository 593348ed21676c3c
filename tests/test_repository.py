# Copyright (c) 2026, lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of this repository that have to agree with each other.

Every test is parametrized over what there is to compare; pytest.ini makes an empty set a failure.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from steps import repository_files

ROOT = Path(__file__).resolve().parent.parent
COLLECTION = ROOT / "collections/ansible_collections/lautan/lvs"

# Names in a path that say whose machine a file was written on.
SOMEBODYS_PATH = re.compile(r"(?<![\w.~-])/(?:home/\w|Users/\w|work/|workspace/|builds/|root/\.pyenv)")
FENCED_CODE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
INLINE_CODE = re.compile(r"`[^`\n]*`")
LINK = re.compile(r"\]\(<?([^)>\s]+)|^\[[^\]]+\]:\s+(\S+)", re.MULTILINE)
PLAYBOOK = re.compile(r"\bplaybooks/[\w/-]+\.ya?ml\b")


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


def load(path: Path):
    return yaml.safe_load(path.read_text(encoding="utf-8"))


FILES = repository_files()
DOCUMENTS = [path for path in FILES if path.suffix == ".md"]
ROLES = sorted(path for path in COLLECTION.glob("roles/*") if path.is_dir())


def relative_links(document: Path) -> list[str]:
    prose = INLINE_CODE.sub("", FENCED_CODE.sub("", document.read_text(encoding="utf-8")))
    targets = [inline or reference for inline, reference in LINK.findall(prose)]
    return [target for target in targets if not re.match(r"[a-z]+:", target)]


def playbooks_named(document: Path) -> set[str]:
    return set(PLAYBOOK.findall(document.read_text(encoding="utf-8")))


def anchors(document: Path) -> set[str]:
    """Return the anchors that a forge makes of the headings of a Markdown file."""
    text = FENCED_CODE.sub("", document.read_text(encoding="utf-8"))
    headings = re.findall(r"^#+ +(.+?) *#*$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
class TestRole:
    def options(self, role: Path) -> dict[str, dict]:
        """Return the options of all entry points of a role."""
        options = {}
        for entry_point in load(role / "meta/argument_specs.yml")["argument_specs"].values():
            options |= entry_point.get("options") or {}
        return options

    def defaults(self, role: Path) -> dict[str, object]:
        path = role / "defaults/main.yml"
        return (load(path) or {}) if path.exists() else {}

    def test_documents_the_defaults_it_has(self, role: Path) -> None:
        documented = {name: option["default"] for name, option in self.options(role).items() if "default" in option}
        assert documented == self.defaults(role)

    def test_has_no_default_for_what_is_required(self, role: Path) -> None:
        required = {name for name, option in self.options(role).items() if option.get("required")}
        with_default = {name for name, option in self.options(role).items() if "default" in option}
        assert not required & (with_default | self.defaults(role).keys())

    def test_has_tasks_for_every_entry_point(self, role: Path) -> None:
        for entry_point in load(role / "meta/argument_specs.yml")["argument_specs"]:
            assert (role / f"tasks/{entry_point}.yml").is_file()


def test_collection_depends_on_what_is_required() -> None:
    required = {entry["name"]: entry["version"] for entry in load(ROOT / "requirements.yml")["collections"]}
    assert required == load(COLLECTION / "galaxy.yml")["dependencies"]
    assert required


def test_collection_carries_the_licence_of_the_repository() -> None:
    assert (COLLECTION / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()


@pytest.mark.parametrize("document", list(filter(relative_links, DOCUMENTS)), ids=relative)
def test_links_lead_somewhere(document: Path) -> None:
    broken = []
    for target in relative_links(document):
        path, _, anchor = target.partition("#")
        destination = (document.parent / path) if path else document
        if not destination.exists() or (anchor and destination.suffix == ".md" and anchor not in anchors(destination)):
            broken.append(target)
    assert not broken


@pytest.mark.parametrize("document", list(filter(playbooks_named, DOCUMENTS)), ids=relative)
def test_playbooks_named_in_documentation_exist(document: Path) -> None:
    assert {name for name in playbooks_named(document) if not (ROOT / name).is_file()} == set()


def test_files_name_nobodys_machine() -> None:
    assert FILES
    naming = []
    for path in FILES:
        text = path.read_text(encoding="utf-8", errors="replace")
        if f"{ROOT}/" in text or (path != Path(__file__) and SOMEBODYS_PATH.search(text)):
            naming.append(relative(path))
    assert naming == []
