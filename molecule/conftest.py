# Copyright (c) 2026, lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the scenarios' tests share: ways to reach the nodes, the lab, the playbooks and the served page."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
import testinfra
import yaml

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "collections")]
INVENTORY = ROOT / "inventory" / "lab" / "hosts.yml"
# testinfra starts ansible-inventory, which is beside this Python and not necessarily on the path.
os.environ["PATH"] = f"{ROOT / '.venv' / 'bin'}:{os.environ['PATH']}"

DIRECTORS = ("director1", "director2")
DOMAIN = "conference.lab.example"


def pytest_addoption(parser):
    # Not by default: two browsers are as much as a small machine can bear.
    parser.addoption("--people", action="store_true", help="have two people in a room while operations are tested")


@pytest.fixture(scope="session")
def never_off() -> set[str]:
    """The nodes that a scenario never switches off: to log in once will do there."""
    return {"client"}


@pytest.fixture(scope="session")
def kept_logins():
    """A configuration of ssh with which logins are kept, until the tests are over."""
    with tempfile.TemporaryDirectory(prefix="lautan-ssh-") as directory:
        config = Path(directory) / "config"
        config.write_text(f"ControlPath {directory}/%C\n")
        yield config
        for login in filter(Path.is_socket, Path(directory).iterdir()):
            subprocess.run(["ssh", "-o", f"ControlPath={login}", "-O", "exit", "any"], capture_output=True, check=False)


@pytest.fixture(scope="session")
def node(never_off, kept_logins):
    """The testinfra host of a node of the lab, by name."""
    made = {}

    def get(name: str):
        if name not in made:
            keep = {"ssh_config": str(kept_logins)} if name in never_off else {}
            made[name] = testinfra.get_host(f"ansible://{name}", ansible_inventory=str(INVENTORY), **keep)
        return made[name]

    return get


@pytest.fixture(scope="session")
def lab():
    """Run a verb of the lab, or a command in its router (``lab("exec", "router", ...)``); returns what it printed."""

    def run(*words: str, check: bool = True) -> str:
        done = subprocess.run([ROOT / "lab" / "lab", *words], capture_output=True, text=True, check=False)
        if check and done.returncode != 0:
            pytest.fail(f"lab/lab {' '.join(words)} ended with status {done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout

    return run


@pytest.fixture(scope="session")
def ansible_settings() -> dict[str, str]:
    """What the environment says to Ansible."""
    from lab import ansible

    return ansible.kept_python()


@pytest.fixture
def ansible(ansible_settings):
    """Run a program of Ansible on the lab; returns its exit status and output."""

    def run(program: str, *arguments: str) -> tuple[int, str]:
        command = [str(ROOT / ".venv/bin" / program), *arguments]
        environment = os.environ | ansible_settings
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, env=environment)
        return done.returncode, done.stdout + done.stderr

    return run


@pytest.fixture
def playbook(ansible):
    """Run a playbook on the lab; returns its exit status and output."""
    return lambda name, *arguments: ansible("ansible-playbook", f"playbooks/{name}.yml", *arguments)


@pytest.fixture
def run(playbook):
    """Run a playbook on the lab, which must end well; returns its output."""

    def done(name: str, *arguments: str) -> str:
        status, out = playbook(name, *arguments)
        assert status == 0, out
        return out

    return done


@pytest.fixture
def verified(run):
    """Have verify.yml find the cluster as it should be; returns its output."""
    return lambda *arguments, repair=False: run("verify", *arguments, *(["-e", "repair=true"] if repair else []))


@pytest.fixture
def unnoticed(request):
    """Do something under load. No request fails, no connection breaks, and people see each other all the time."""
    from lab import conference, measure

    def under_load(what: str, do, people=()) -> None:
        if request.config.getoption("--people"):
            people = [each for each in request.getfixturevalue("people") if not each.page.is_closed()]
        at = time.time()
        # Ten each second: what an operation leaves of this machine is for its directors.
        seen = measure.under_load(what, do, interval=0.1)
        print(f"\n{what}: {time.time() - at:.0f} s; {seen}")
        assert seen.requests > 100
        assert seen.unnoticed, seen
        if people:
            noticed = conference.judge(what, {each.name: each.recording() for each in people}, at, time.time())
            print(noticed)
            assert noticed["gap"] < 3, noticed
            assert noticed["rejoins"] == 0, noticed

    return under_load


@pytest.fixture
def ask_janus(ansible):
    """Ask Janus on each real server, as docs/runbooks/rooms.md says; returns what it tells, by real server."""

    def ask(*options: str, secrets: str = "") -> dict[str, dict]:
        directory = f"'{secrets}" if secrets else "inventory_dir ~ '/secrets"
        secret = "{{ lookup('file', " + directory + "/conference/janus_admin') }}"
        what = ["-m", "lautan.lvs.janus_info", "-a", f"admin_secret={secret}"]
        status, out = ansible("ansible", "real_servers", *what, *options)
        assert status == 0, out
        told = re.findall(r"^(\S+) \| SUCCESS => *\n((?: .*\n)+)", out, re.MULTILINE)
        return {name: yaml.safe_load(facts) for name, facts in told}

    return ask


@pytest.fixture
def addresses(node):
    """The addresses of a node's interfaces: a list of dictionaries of ``ip -json address``, flattened."""

    def get(name: str) -> list[dict]:
        links = json.loads(node(name).check_output("ip -json address show"))
        return [entry | {"link": link["ifname"]} for link in links for entry in link["addr_info"]]

    return get


@pytest.fixture
def holders(addresses):
    """The directors that hold an address."""

    def get(vip: str) -> list[str]:
        return [name for name in DIRECTORS if vip in {entry["local"] for entry in addresses(name)}]

    return get


@pytest.fixture(scope="session")
def mac(node):
    """The MAC address of a node."""
    return lambda name: node(name).check_output("cat /sys/class/net/eth0/address")


@pytest.fixture(scope="session")
def trusting_client(node):
    """The client's testinfra host; the cluster's authority is in its /tmp/ca.crt."""
    client = node("client")
    authority = (INVENTORY.parent / "secrets/tls/ca.crt").read_text()
    client.check_output("printf -- %s > /tmp/ca.crt", authority)
    return client


@pytest.fixture
def get(trusting_client):
    """Fetch a URL from the client, as its user would: returns status, headers by lower-case name, and body."""

    def fetch(url: str, vip: str) -> tuple[int, dict[str, str], str]:
        place = f"[{vip}]" if ":" in vip else vip
        resolve = " ".join(f"--resolve {DOMAIN}:{port}:{place}" for port in (80, 443))
        out = trusting_client.check_output(f"curl -sS -i --http1.1 -m 5 --cacert /tmp/ca.crt {resolve} '{url}'")
        head, _, body = out.replace("\r\n", "\n").partition("\n\n")
        first, *lines = head.split("\n")
        return int(first.split()[1]), {k.lower(): v for k, v in (line.split(": ", 1) for line in lines)}, body

    return fetch


# ---- people


@pytest.fixture(scope="session")
def all_browsers():
    from lab import browsers, conference  # scenarios without people do not need them

    conference.wait_whole()
    with browsers.Browsers() as started:
        yield started


@pytest.fixture
def person(all_browsers, request):
    """Somebody at a pupil's browser, as :meth:`lab.browsers.Browsers.person`; everybody leaves in the end."""
    people = []

    def sit_down(name: str, at: str, **options):
        people.append(all_browsers.person(name, at, **options))
        return people[-1]

    yield sit_down
    test = re.sub(r"\W+", "-", request.node.name.removeprefix("test_")).strip("-")
    for someone in (each for each in people if not each.page.is_closed()):
        someone.screenshot(f"{test}-{someone.name.lower()}")
        someone.leave()


@pytest.fixture
def people(person):
    """Two people in a room who see each other: at one browser, as another one takes time from directors."""
    from lab import browsers

    found = [person(name, "alice") for name in ("Alice", "Bob")]
    for someone in found:
        someone.enter("class-1a")
    browsers.wait_until_all_see_each_other(found)
    return found
