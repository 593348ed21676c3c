#!/usr/bin/env python3
# Copyright (c) 2026, lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Change the configuration of the active director's keepalived again and again while a client uses the cluster.

Three in ten are invalid. The status is 1 if one of those was applied, if a valid one was not, or if the client noticed.
Needs a lab on which playbooks/site.yml ran. The configuration is put back in the end.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "collections")]

from ansible_collections.lautan.lvs.plugins.filter.keepalived_document import keepalived_document  # noqa: E402
from lab import cluster, fleet, measure, process  # noqa: E402
from lab.ansible import play  # noqa: E402
from lab.topology import Node  # noqa: E402
from tools.keepalived_changes import FILE, Change, Config, plan  # noqa: E402
from tools.keepalived_verdict import LOOK, Judge, Outcome, read_look, report  # noqa: E402


def change_under_load(changes: int, invalid: int) -> tuple[list[Outcome], measure.Noticed]:
    """Change the configuration of the active director while the client asks; put it back in the end.

    :raises LabError: if that was not possible.
    """
    director = cluster.active_director()
    text = process.run(fleet.ssh(director, f"cat {FILE}"))
    config = _config_of(text)
    _insist_on_the_modules_own(director, config)
    every = plan(config, cluster.cluster_facts()["lvs_vips"][0], changes, invalid)
    judge = Judge(config, read_look(process.run(fleet.ssh(director, LOOK))))
    results: list[dict] = []
    try:
        noticed = measure.under_load(f"{changes} configurations", lambda: results.extend(_apply(director, every)))
    finally:
        _put_back(director, config, text)
    outcomes = [
        judge.outcome(change, each["done"], read_look(each["seen"]))
        for change, each in zip(every, results, strict=True)
    ]
    return outcomes, noticed


def _config_of(text: str) -> Config:
    found = keepalived_document(text)
    if found["unrepresented"]:
        raise process.LabError(f"{FILE} has what the module cannot write: {'; '.join(found['unrepresented'])}")
    return found["config"]


def _apply(director: Node, every: list[Change]) -> list[dict]:
    """Apply one configuration after the other in one play. Returns what the module and what LOOK gave for each."""
    tasks: list[dict] = []
    for number, change in enumerate(every):
        if change.before:
            tasks.append({"name": "Before", "ansible.builtin.raw": change.before})
        look = f"{change.after}; {LOOK}" if change.after else LOOK
        tasks += [
            {
                "name": change.kind,
                "lautan.lvs.keepalived_config": {"config": change.config},
                "register": f"done_{number}",
                "ignore_errors": True,
            },
            {"name": "Look", "ansible.builtin.raw": look, "register": f"seen_{number}"},
        ]
    pairs = (f"{{'done': done_{number}, 'seen': seen_{number}.stdout}}" for number in range(len(every)))
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "results.json"
        content = f"{{{{ [{', '.join(pairs)}] | to_json }}}}"
        keep = {"name": "Keep", "ansible.builtin.copy": {"dest": str(path), "content": content, "mode": "0600"}}
        play(director, [*tasks, keep | {"delegate_to": "localhost"}])
        return json.loads(path.read_text())


def _insist_on_the_modules_own(director: Node, config: Config) -> None:
    """What was not written by the module could not be put back as it was."""
    task = {"name": "Compare", "lautan.lvs.keepalived_config": {"config": config}, "check_mode": True}
    play(director, [task | {"register": "compared", "failed_when": "compared is failed or compared is changed"}])


def _put_back(director: Node, config: Config, text: str) -> None:
    options = {"config": config, "on_foreign_change": "replace"}
    # A keepalived that died of a change is not the module's to start.
    start = {"name": "Start", "ansible.builtin.raw": "systemctl start keepalived.service"}
    play(director, [{"name": "Put back", "lautan.lvs.keepalived_config": options}, start])
    if read_look(process.run(fleet.ssh(director, LOOK))).sha256 != hashlib.sha256(text.encode()).hexdigest():
        raise process.LabError(f"{director.name}: {FILE} is not what it was; run playbooks/site.yml")


def unharmed(noticed: measure.Noticed) -> bool:
    """Whether no request failed and the held connection lives."""
    return noticed.failed == 0 and noticed.held_alive


def summary(noticed: measure.Noticed) -> str:
    """One line for people about what the client noticed."""
    held = f"alive, longest gap {noticed.held_gap:.3f} s" if noticed.held_alive else "lost"
    line = (
        f"requests {noticed.requests}, failed {noticed.failed}, slow {noticed.slow}, longest gap {noticed.gap:.3f} s; "
        f"held connection {held}"
    )
    return line if unharmed(noticed) else f"{line}; {noticed.error}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--changes", type=int, default=100, help="how many (100)")
    arguments = parser.parse_args()
    outcomes, noticed = change_under_load(arguments.changes, arguments.changes * 3 // 10)
    print(report(outcomes))
    print(summary(noticed))
    return 0 if unharmed(noticed) and not any(each.faults for each in outcomes) else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except process.LabError as error:
        sys.exit(f"measure_keepalived: {error}")
