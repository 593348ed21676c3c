# Copyright (c) 2026, lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every command in the runbooks is run by a test. Those that need no host are tried here."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
RUNBOOKS = sorted((ROOT / "docs/runbooks").glob("*.md"))

# By file, which test runs a command. Names of hosts, addresses and the domain are replaced, as the lab has its own. The
# path of a playbook is left out, and its inventory.
TESTS = {
    "molecule/cluster/tests/test_cluster.py": {
        "preflight.yml": "test_preflight",
        "verify.yml": "test_verify_tells_and_repairs_what_was_changed_by_hand",
        "verify.yml -e repair=true": "test_verify_tells_and_repairs_what_was_changed_by_hand",
        'curl --silent --include --insecure --http1.0 --header "Host: DOMAIN" https://ADDRESS/lb-ok/ADDRESS': (
            "test_only_the_segment_may_ask_for_a_vip"
        ),
    },
    "molecule/conference/tests/test_conference.py": {
        "ansible real_servers -m lautan.lvs.janus_info"
        " -a \"admin_secret={{ lookup('file', inventory_dir ~ '/secrets/conference/janus_admin') }}\"": (
            "test_two_rooms_of_two_people_on_two_servers"
        ),
        "site.yml -e webrtc_rooms_force=true": "test_room_that_goes_while_somebody_is_in_it",
    },
    "molecule/lifecycle/tests/test_changes.py": {
        # So does each scenario, before its tests.
        "site.yml": "test_one_more_service",
        "site.yml -e lvs_forwarding=nat -e lvs_conference=false": "test_nat_and_back",
        "ansible real_servers -m ansible.builtin.command -a 'ip route replace default via 198.18.0.90'": (
            "test_nat_and_back"
        ),
        "ansible real_servers -m ansible.builtin.command -a 'ip -6 route replace default via fd00:c612::90'": (
            "test_nat_and_back"
        ),
        "verify.yml -e lvs_forwarding=nat -e lvs_conference=false": "test_nat_and_back",
    },
    "molecule/lifecycle/tests/test_lifecycle.py": {
        "add.yml -e host=HOST": "test_add_and_remove_a_real_server",
        "remove.yml -e host=HOST": "test_add_and_remove_a_real_server",
        "backup.yml": "test_backup_and_restore",
        "restore.yml -e from=inventory/mine/backups/DOMAIN-20261126T093851Z.tar.gz": "test_backup_and_restore",
        "ansible-vault encrypt inventory/mine/secrets/conference/*": "test_secrets_in_a_vault",
        "certificate.yml": "test_certificate",
        "openssl x509 -in /etc/letsencrypt/live/DOMAIN/fullchain.pem -noout -subject -ext subjectAltName -enddate": (
            "test_certificate"
        ),
        "ssh-keygen -R ADDRESS": "test_host_key_of_a_new_machine",
        "ssh root@ADDRESS hostname": "test_host_key_of_a_new_machine",
        "replace.yml -e host=HOST": "test_director_leaves_and_is_replaced",
        "secrets.yml": "test_secrets",
        "teardown.yml -e confirm=DOMAIN": "test_the_whole_cluster_is_taken_down",
        "teardown.yml -e confirm=DOMAIN -e host=HOST": "test_director_leaves_and_is_replaced",
    },
    "molecule/monitoring/tests/test_monitoring.py": {
        "ssh -L 9090:127.0.0.1:9090 root@ADDRESS": "test_page_of_prometheus_through_ssh",
        "ssh root@ADDRESS 'promtool query instant http://127.0.0.1:9090 ALERTS'": "test_commands_of_the_runbook",
        "curl -s http://ADDRESS:9100/metrics | grep ^lautan_": "test_commands_of_the_runbook",
        "systemctl start lautan-metrics.service": "test_commands_of_the_runbook",
        "cat /run/lautan-metrics/lautan.prom": "test_commands_of_the_runbook",
    },
    "molecule/operations/tests/test_drill.py": {
        "drill.yml -e fault=keepalived-stopped -e confirm=DOMAIN": "test_a_director_and_a_real_server",
        "ansible localhost -m ansible.builtin.debug"
        " -a \"msg={{ lookup('ansible.builtin.file', 'inventory/mine/drills.jsonl').splitlines() | map('from_json')"
        " | lautan.lvs.drill_lines | join('\\n') }}\"": "test_a_director_and_a_real_server",
    },
    "molecule/operations/tests/test_operations.py": {
        "drain.yml -e host=HOST -e \"reason='siti, new disk'\"": "test_drain_and_undrain",
        "undrain.yml -e host=HOST": "test_drain_and_undrain",
        "status.yml": "test_status",
        "status.yml -e json=/tmp/status.json -e html=/tmp/status.html": "test_status",
        "switchover.yml": "test_switchover",
        "switchover.yml -e to=HOST": "test_switchover_to_a_director_and_home",
        "switchover.yml -e to=home": "test_switchover_to_a_director_and_home",
        "update.yml": "test_rolling_update",
        "reboot.yml": "test_reboot",
        "update.yml -e release=trixie": "test_another_release_of_debian",
    },
    "tests/test_runbooks.py": {
        "python3 -m venv .venv": "test_make_installs_tools_as_the_runbook_does",
        "python -m pip install -r requirements.txt": "test_make_installs_tools_as_the_runbook_does",
        "python tools/vendor-collections": "test_make_installs_tools_as_the_runbook_does",
        "cp -r inventory/example inventory/mine": "test_example_of_an_inventory",
    },
}
NOT_RUN = {
    "editor inventory/mine/hosts.yml inventory/mine/group_vars/all.yml": "somebody has to sit at it",
}


def blocks(page: Path) -> list[tuple[str, str]]:
    """The fenced blocks of a page: language and text."""
    return re.findall(r"^ *```(\w*)\n(.*?)^ *```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def commands(page: Path) -> list[str]:
    """The commands of a page, as in TESTS."""
    lines = [
        line.strip()
        for language, text in blocks(page)
        if language == "sh"
        for line in re.sub(r" *\\\n *", " ", text).splitlines()
    ]
    for pattern, by in (
        (r" -i inventory/mine/hosts\.yml\b", ""),
        (r"^\.venv/bin/", ""),
        (r"^ansible-playbook playbooks/", ""),
        (r"\b(director|rs)\d+\b", "HOST"),
        (r"\bconference\.example\.org\b", "DOMAIN"),
        (r"\b192\.0\.2\.\d+\b", "ADDRESS"),
    ):
        lines = [re.sub(pattern, by, line) for line in lines]
    return lines


def test_every_command_is_run_by_a_test() -> None:
    found = {command: page.name for page in RUNBOOKS for command in commands(page)}
    known = [command for tests in TESTS.values() for command in tests] + list(NOT_RUN)
    assert len(known) == len(set(known))
    assert {command: page for command, page in found.items() if command not in known} == {}
    assert set(known) - found.keys() == set()


def test_no_command_is_in_another_block() -> None:
    languages = {language for page in RUNBOOKS for language, _ in blocks(page)}
    assert languages == {"sh", "text", "yaml", "ini"}
    looks_like_one = re.compile(r"^ *(\.venv/bin/|ansible-playbook |ssh |curl )", re.MULTILINE)
    others = [text for page in RUNBOOKS for language, text in blocks(page) if language != "sh"]
    assert list(filter(looks_like_one.search, others)) == []


def sources(path: Path) -> dict[str, str]:
    """The text of each function of a file, by name."""
    text = path.read_text(encoding="utf-8")
    return {
        node.name: ast.get_source_segment(text, node) or ""
        for node in ast.parse(text).body
        if isinstance(node, ast.FunctionDef)
    }


@pytest.mark.parametrize("name", TESTS)
def test_that_test_is_there(name: str) -> None:
    functions, fixtures = sources(ROOT / name), sources(ROOT / "molecule/conftest.py")
    assert set(TESTS[name].values()) - functions.keys() == set()
    for command, test in TESTS[name].items():
        if playbook := re.match(r"(\w+)\.yml\b", command):
            head = functions[test].partition(":\n")[0]
            does = functions[test] + "".join(fixtures[each] for each in fixtures if re.search(rf"\b{each}\b", head))
            assert f'"{playbook[1]}"' in does, f"{test} does not run {command}"


def test_make_installs_tools_as_the_runbook_does() -> None:
    """With words that keep it quiet. `make tools` is what all tests begin with."""
    made = (ROOT / "Makefile").read_text(encoding="utf-8")
    for word, by in (
        ("$(PYTHON)", "python3"),
        ("$(venv)", ".venv"),
        (" --clear", ""),
        (" -qq --disable-pip-version-check", ""),
        ("--requirement", "-r"),
    ):
        assert word in made
        made = made.replace(word, by)
    (block,) = [text for _, text in blocks(ROOT / "docs/runbooks/deploy.md") if "venv .venv" in text]
    lines = block.splitlines()
    assert len(lines) == 3
    assert [line for line in lines if not re.search(rf"(@|\|\| ){re.escape(line)}$", made, re.MULTILINE)] == []


def test_example_of_an_inventory(tmp_path: Path) -> None:
    """Copied as the runbook says, it has no mistake; and one that is made there is found. No host is asked."""
    copy = tmp_path / "mine"
    subprocess.run(["cp", "-r", "inventory/example", str(copy)], cwd=ROOT, check=True)
    program = str(ROOT / ".venv/bin/ansible-playbook")
    # The first play is for localhost, and a limit knows only hosts that are listed.
    only_here = ["-i", "localhost,", "--limit", "localhost"]

    def preflight() -> tuple[int, str]:
        command = [program, "-i", str(copy / "hosts.yml"), *only_here, "playbooks/preflight.yml"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        return done.returncode, " ".join((done.stdout + done.stderr).split())

    status, out = preflight()
    assert status == 0, out
    assert "TASK [Derive the plan and find every mistake in it] " in out
    assert re.search(r"PLAY RECAP \*+ localhost : ok=[1-9]", out), out
    facts = copy / "group_vars/all.yml"
    vip = yaml.safe_load(facts.read_text())["lvs_vips"][0]
    facts.write_text(facts.read_text().replace(f"lvs_vips: [{vip}", "lvs_vips: [203.0.113.9"))
    status, out = preflight()
    assert status != 0
    assert "203.0.113.9" in out
    assert "The cluster description has 1 mistake" in out
