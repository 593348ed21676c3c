# Copyright (c) 2026, lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The checks that need no lab: linters, documentation, unit tests."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from steps import CACHE, JUNIT, ROOT, VENV, Step, repository_files

COLLECTION = ROOT / "collections/ansible_collections/lautan/lvs"
# ansible-test's own home: it must not depend on, nor change, what the user's holds.
SANITY_HOME = CACHE / "sanity-home"


def is_shell_script(path: Path) -> bool:
    """Tell by the first line; a template is none before it is filled in."""
    with path.open("rb") as file:
        return path.suffix != ".j2" and bool(re.match(rb"#!.*\b(ba|da)?sh\b", file.readline(100)))


def prepare_sanity() -> None:
    """Let ansible-test make its virtual environments without downloading a pip to start with.

    It looks for get-pip.py in its cache first; the pip that comes with Python does as well.
    """
    shutil.rmtree(COLLECTION / "tests/output", ignore_errors=True)  # sanity tests would test their own output
    requirements = next(VENV.glob("lib/python3*/site-packages/ansible_test/_internal/python_requirements.py"))
    version = re.search(r"\bpip='([\d.]+)'", requirements.read_text(encoding="utf-8"))
    if version is None:
        raise RuntimeError(f"{requirements} no longer names the version of pip that ansible-test installs")
    script = SANITY_HOME / f".ansible/test/cache/get_pip_{version[1].replace('.', '_')}.py"
    script.parent.mkdir(parents=True, exist_ok=True)
    script.write_text("import ensurepip\n\nensurepip.bootstrap(default_pip=True)\n", encoding="utf-8")
    # pip's own configuration and cache stay in use.
    for name in (".config/pip", ".cache/pip"):
        users, link = Path.home() / name, SANITY_HOME / name
        if users.is_dir() and not os.path.lexists(link):
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(users)


def checks() -> list[Step]:
    """Return all checks, those that take long first."""
    prepare_sanity()
    python_version = next(VENV.glob("lib/python3*")).name.removeprefix("python")
    ansible_home = {"ANSIBLE_HOME": str(CACHE / "ansible")}  # not the user's
    sanity = ["ansible-test", "sanity", "--local", "--python", python_version, "--color", "no"]
    docs = ["antsibull-docs", "lint-collection-docs", "--plugin-docs", "--skip-rstcheck"]
    docs += ["--validate-collection-refs=all", "--disallow-unknown-collection-refs", "--check-extra-docs-refs", "."]
    shell_scripts = map(str, filter(is_shell_script, repository_files()))
    unit_report = JUNIT / "unit.xml"
    return [
        Step("ansible-test sanity", sanity, cwd=COLLECTION, environment={"HOME": str(SANITY_HOME)}),
        Step("ansible-lint", ["ansible-lint", "--nocolor"], environment=ansible_home),
        Step("unit tests", ["pytest", f"--junitxml={unit_report}"], junit=unit_report, counts=False),
        Step("antsibull-docs", docs, cwd=COLLECTION, environment=ansible_home),
        Step("antsibull-changelog", ["antsibull-changelog", "lint"], cwd=COLLECTION, environment=ansible_home),
        Step("yamllint", ["yamllint", "--strict", "."]),
        Step("shellcheck", ["shellcheck", *shell_scripts]),
        Step("ruff check", ["ruff", "check"]),
        Step("ruff format", ["ruff", "format", "--diff"]),
    ]


def workers() -> int:
    """Return how many checks to run at a time."""
    return min(4, os.cpu_count() or 1)
