# Copyright (c) 2026, lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens to a cluster over the years, while a client sends requests: nobody notices. Each test leaves it whole.

Limits of time are wide: they tell an operation that goes on unnoticed from one that does not. The figures to quote are
in docs/figures.md.
"""

from __future__ import annotations

import re
import shutil
import tarfile
import time

import pytest

from lab import browsers, cluster, conference, fleet, process, seed, topology
from lab.ansible import unfolded
from lab.cluster import weights

ROOM = "staff"  # it has PINs
PIN = "4711"
NODES = topology.nodes()
DIRECTORS = [node for node in NODES.values() if node.role == "directors"]
WITH_RS4 = ("-i", str(topology.INVENTORY), "-i", str(topology.ROOT / "molecule/lifecycle/inventory/rs4.yml"))
DOMAIN = cluster.cluster_facts()["lvs_domain"]
SECRETS = topology.INVENTORY.parent / "secrets"

# What a host is, as far as this collection could have changed it. Not compared: what programs make of other files,
# copies that they keep, and whom packet filters have noted for a moment.
STATE = r"""
set -e
echo; echo == packages
dpkg-query --show --showformat '${Package} ${Version} ${db:Status-Abbrev}\n'
echo; echo == units
systemctl list-unit-files --state=enabled --no-legend --plain
systemctl list-units --type=service --state=running --no-legend --plain | cut -d ' ' -f 1
echo; echo == files
find /etc /usr/local /var/www /var/lib/lautan* ! -path /etc/ld.so.cache ! -path /etc/.pwd.lock ! -path /etc/machine-id \
    ! -path '/etc/*-' '(' -type l -printf '%p -> %l\n' -o -type f -exec sha256sum {} + ')' 2> /dev/null | sort
echo; echo == addresses
ip -brief address show
echo; echo == rules
ip rule show
ip -6 rule show
ip route show table local proto 198
echo; echo == filter
nft list ruleset | sed '/ expires /d'
echo; echo == kernel
sysctl --ignore net.ipv4.conf.all.arp_ignore net.ipv4.conf.all.arp_announce net.ipv4.conf.all.rp_filter \
    net.ipv4.ip_forward net.ipv6.conf.all.forwarding kernel.panic
"""


def state(node: topology.Node) -> dict[str, set[str]]:
    said = process.run(fleet.ssh(node, "bash"), stdin=STATE)
    parts = [part.splitlines() for part in said.split("\n== ")[1:]]
    assert len(parts) == 7, said
    return {name: {line for line in lines if line} for name, *lines in parts}


def differences(before: dict[str, set[str]], after: dict[str, set[str]]) -> list[str]:
    return [
        f"{sign} {part}: {line}"
        for part in before
        for sign, lines in (("-", before[part] - after[part]), ("+", after[part] - before[part]))
        for line in sorted(lines)
    ]


def marks(director: topology.Node) -> set[str]:
    """The services by mark of one director, with the real server of each."""
    return set(re.findall(r"^-a -f .*$", cluster.table(director), re.MULTILINE))


def served(client, vip: str) -> str:
    """The serial number of the certificate that a VIP shows."""
    place = f"[{vip}]:443" if ":" in vip else f"{vip}:443"
    ask = f"openssl s_client -connect {place} -servername {DOMAIN} < /dev/null 2> /dev/null"
    return client.check_output(f"{ask} | openssl x509 -noout -serial")


@pytest.mark.parametrize(
    ("name", "arguments", "says"),
    [
        ("add", ["-e", "host=rs4"], "host=rs4: is not a real server; those are rs1, rs2, rs3."),
        ("add", ["-e", "host=director1"], "host=director1: is not a real server"),
        ("remove", ["-e", "host=rs9"], "host=rs9: is not a real server"),
        ("replace", ["-e", "host=rs9"], "host=rs9: is not a host of the cluster"),
        ("replace", [], "Name one with -e host=NAME"),
        ("teardown", [], f"say so with -e confirm={DOMAIN}"),
        ("teardown", ["-e", "confirm=yes"], f"Nobody would serve {DOMAIN} any more"),
        ("teardown", ["-e", f"confirm={DOMAIN}", "-e", "host=rs1"], "A real server leaves with playbooks/remove.yml."),
        ("restore", [], "Name the archive with -e from=FILE"),
    ],
)
def test_what_is_refused_before_any_host_is_touched(playbook, name, arguments, says):
    status, out = playbook(name, *arguments)
    assert status != 0
    assert says in unfolded(out)


@pytest.mark.long
def test_who_is_in_use_is_not_touched(playbook):
    """A real server that serves is not installed anew, and a director that holds VIPs does not leave."""
    status, out = playbook("replace", "-e", "host=rs1")
    assert status != 0
    assert "rs1 is in service on director" in unfolded(out)
    active = cluster.active_director()
    status, out = playbook("teardown", "-e", f"confirm={DOMAIN}", "-e", f"host={active.name}")
    assert status != 0
    vips = ", ".join(cluster.cluster_facts()["lvs_vips"])
    assert f"{active.name} holds {vips}, and was not touched." in unfolded(out)
    cluster.wait_whole()
    assert {frozenset(weights(director, NODES["rs1"])) for director in DIRECTORS} == {frozenset({1})}
    assert all(process.run(fleet.ssh(director, "ls /var/lib/lautan-operation || :")) == "" for director in DIRECTORS)


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("add", [*WITH_RS4, "-e", "host=rs4"]),
        ("remove", ["-e", "host=rs3"]),
        ("certificate", []),
        ("secrets", []),
        ("backup", []),
        ("update", ["-e", "release=trixie"]),
        ("reboot", []),
        ("teardown", ["-e", f"confirm={DOMAIN}"]),
    ],
)
def test_what_would_happen(run, name, arguments):
    """In check mode they tell of changes, and there are none."""
    hosts = [node for node in NODES.values() if node.role in ("directors", "real_servers", "spares")]

    def kept() -> dict[str, bytes]:
        return {str(path): path.read_bytes() for path in sorted(topology.INVENTORY.parent.rglob("*")) if path.is_file()}

    before, files = [state(host) for host in hosts], kept()
    out = run(name, "--check", *arguments)
    assert re.search(r"changed=[1-9]", out.rpartition("PLAY RECAP")[2]), out
    assert [differences(then, state(host)) for then, host in zip(before, hosts, strict=True)] == [[] for _ in hosts]
    assert kept() == files


@pytest.mark.long
def test_add_and_remove_a_real_server(run, unnoticed):
    """The new one has ports of its own, and nobody else gets others. When it has left, it is as bare as before."""
    server = NODES["rs4"]
    before, media = state(server), marks(DIRECTORS[0])

    unnoticed("add rs4", lambda: run("add", *WITH_RS4, "-e", "host=rs4"))
    assert [weights(director, server) for director in DIRECTORS] == [{1}, {1}]
    added = marks(DIRECTORS[0]) - media
    assert media <= marks(DIRECTORS[0])
    assert {re.search(r"-r \[?(.+?)]?:\d+ ", line)[1] for line in added} == {str(server.address), str(server.address6)}
    # It takes rooms: nothing keeps them away any more.
    drained = fleet.ssh(server, "nft list table inet lautan_drained")
    assert not process.succeeds(drained)
    assert process.succeeds(fleet.ssh(server, "curl --silent --fail http://127.0.0.1:8088/janus/info"))

    said: list[str] = []
    unnoticed("remove rs4", lambda: said.append(run("remove", *WITH_RS4, "-e", "host=rs4")))
    assert [weights(director, server) for director in DIRECTORS] == [set(), set()]
    assert [marks(director) for director in DIRECTORS] == [media, media]
    assert "Delete rs4 from the group real_servers" in unfolded(said[0])
    assert "lvs_vacant_places" not in said[0]  # it was the last one
    for director in DIRECTORS:
        assert not process.succeeds(fleet.ssh(director, "test -e /etc/keepalived/drain_rs4"))
    assert differences(before, state(server)) == []


def test_certificate(run, unnoticed, trusting_client):
    """It is another one, of the same authority, wherever it is asked for."""
    vips = cluster.cluster_facts()["lvs_vips"]
    before = {vip: served(trusting_client, vip) for vip in vips}
    unnoticed("certificate", lambda: run("certificate"))
    file = str(SECRETS / "tls/site.crt")
    made = process.run(["openssl", "x509", "-noout", "-serial", "-in", file]).strip()
    assert made not in before.values()
    assert {served(trusting_client, vip) for vip in vips} == {made}
    ask = f"openssl s_client -connect {vips[0]}:5349 < /dev/null 2> /dev/null | openssl x509 -noout -serial"
    assert trusting_client.check_output(ask) == made
    servers = [node for node in NODES.values() if node.role == "real_servers"]
    kept = (
        "cmp /etc/nginx/tls/site.crt /etc/turnserver/site.crt && openssl x509 -noout -serial < /etc/nginx/tls/site.crt"
    )
    assert {process.run(fleet.ssh(server, kept)).strip() for server in servers} == {made}
    # An operator who looks at a certificate before it is taken over sees whom it is for.
    told = process.run(["openssl", "x509", "-in", file, "-noout", "-subject", "-ext", "subjectAltName", "-enddate"])
    assert {f"DNS:{DOMAIN}", f"DNS:turn.{DOMAIN}"} <= set(re.split(r"[\s,]+", told))
    assert re.search(r"^subject=.*\bCN\b", told, re.MULTILINE)
    assert re.search(r"^notAfter=\w+ ", told, re.MULTILINE)


@pytest.mark.long
def test_secrets(playbook, run, unnoticed, person):
    """Every secret is another one. People with a PIN stay in their room, whose servers get them one after the other."""
    if list((SECRETS / "conference").glob("*.old")):  # an earlier change has not ended
        run("secrets", "-e", "at_once=true")
    people = [person(name, name.lower()) for name in ("Alice", "Bob")]
    for someone in people:
        someone.enter(ROOM, pin=PIN)
    browsers.wait_until_all_see_each_other(people)
    names = ("janus_admin", "janus_api_token", "room_admin", "turn")
    before = {name: conference.secret(name) for name in names}
    keys = conference.secret("room_keys")

    at = time.time()
    run("secrets")
    noticed = conference.judge("secrets", {each.name: each.recording() for each in people}, at, time.time())
    print(noticed)
    assert noticed["gap"] < 3, noticed
    assert noticed["rejoins"] == 0, noticed
    after = {name: conference.secret(name) for name in names}
    assert all(after[name] != before[name] for name in names)
    assert conference.secret("room_keys") == keys
    assert conference.wait_until_together(ROOM, ["Alice", "Bob"])  # which asks Janus, with the new one
    # A newcomer gets in, too.
    carol = person("Carol", "carol")
    carol.enter(ROOM, pin=PIN)
    browsers.wait_until_all_see_each_other([*people, carol])
    for someone in (*people, carol):
        someone.leave()

    # Nobody knows the old ones any more, but for coturn, which takes both for some time.
    servers = [node for node in NODES.values() if node.role == "real_servers"]
    old = "|".join(before[name] for name in names if name != "turn")
    search = f"! grep -r -q -E '{old}' /etc/janus /etc/nginx /etc/turnserver"
    assert all(process.succeeds(fleet.ssh(server, search)) for server in servers)
    lines = "grep '^static-auth-secret=' /etc/turnserver/turnserver.conf | cut -d = -f 2"
    both = f"{after['turn']}\n{before['turn']}\n"
    assert {process.run(fleet.ssh(server, lines)) for server in servers} == {both}
    assert sorted(path.name for path in (SECRETS / "conference").glob("*.old")) == ["turn.old"]
    status, out = playbook("secrets")
    assert status != 0
    assert re.search(r"Run this again in \d+ s", unfolded(out))
    # Now without people: browsers leave directors too little time to ask that no request fails.
    unnoticed("secrets, the end", lambda: run("secrets", "-e", "at_once=true"))
    assert {process.run(fleet.ssh(server, lines)) for server in servers} == {f"{after['turn']}\n"}
    assert {name: conference.secret(name) for name in names} == after
    assert list((SECRETS / "conference").glob("*.old")) == []
    unnoticed("secrets", lambda: run("secrets"))
    run("secrets", "-e", "at_once=true")
    conference.wait_whole()


def test_secrets_in_a_vault(ansible, ask_janus, run, tmp_path):
    """Playbooks and commands read what is encrypted, and a host gets the same. Decrypted, they are what they were."""
    secrets, password = tmp_path / "secrets", tmp_path / "password"
    shutil.copytree(SECRETS, secrets)
    password.write_text("correct horse\n")
    files = sorted((secrets / "conference").iterdir())
    before = [file.read_bytes() for file in files]
    assert len(files) >= 5
    option = ("--vault-password-file", str(password))
    # The runbook's way is to ask for it.
    assert ansible("ansible-vault", "encrypt", *option, *map(str, files))[0] == 0
    assert {file.read_bytes()[:14] for file in files} == {b"$ANSIBLE_VAULT"}
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    told = ask_janus(*option, secrets=str(secrets))
    assert {name: facts["running"] for name, facts in told.items()} == dict.fromkeys(("rs1", "rs2", "rs3"), True)
    out = run("site", "--limit", "rs1", "-e", f"lvs_secrets_directory={secrets}", *option)
    assert re.search(r"^rs1 +: ok=[1-9]\d* +changed=0 ", out, re.MULTILINE), out
    assert ansible("ansible-vault", "decrypt", *option, *map(str, files))[0] == 0
    assert [file.read_bytes() for file in files] == before


def test_host_key_of_a_new_machine(tmp_path):
    """ssh refuses it until the old one is forgotten. What ssh knows is a file of this test's own."""
    server, old, known = NODES["rs1"], seed.SSH / "host_rs2.pub", tmp_path / "known_hosts"
    known.write_text(f"{server.address} {old.read_text()}")
    options = ["-o", f"UserKnownHostsFile={known}", "-o", "StrictHostKeyChecking=accept-new"]
    login = ["ssh", *options, *fleet.ssh(server, "hostname")[1:]]
    assert not process.succeeds(login)
    process.run(["ssh-keygen", "-R", str(server.address), "-f", str(known)])
    assert process.run(login) == f"{server.name}\n"


def test_backup_and_restore(playbook, run, tmp_path, request):
    """Secrets that are lost come back as they were; an archive that was damaged, or is of others, replaces nothing."""
    secrets = tmp_path / "secrets"
    shutil.copytree(SECRETS, secrets)
    where = ("-e", f"lvs_secrets_directory={secrets}")
    run("backup", *where, "-e", f"to={tmp_path / 'backups'}")
    (elsewhere,) = (tmp_path / "backups").iterdir()
    backups = topology.INVENTORY.parent / "backups"
    before = set(backups.glob("*"))
    out = run("backup", *where)
    (archive,) = set(backups.glob("*")) - before
    request.addfinalizer(archive.unlink)
    assert {path.stat().st_mode & 0o777 for path in (backups, elsewhere.parent)} == {0o700}
    assert re.fullmatch(rf"{re.escape(DOMAIN)}-\d{{8}}T\d{{6}}Z\.tar\.gz", archive.name)
    assert archive.stat().st_mode & 0o777 == 0o600
    assert "secrets/tls/ca.key" in out
    with tarfile.open(archive) as kept, tarfile.open(elsewhere) as other:
        assert "backup/SHA256SUMS" in kept.getnames()
        assert sorted(kept.getnames()) == sorted(other.getnames())
    every = {path.relative_to(SECRETS): path.read_bytes() for path in SECRETS.rglob("*") if path.is_file()}

    def held() -> dict:
        return {path.relative_to(secrets): path.read_bytes() for path in secrets.rglob("*") if path.is_file()}

    shutil.rmtree(secrets)
    run("restore", *where, "-e", f"from={archive.relative_to(topology.ROOT)}")
    assert held() == every
    assert (secrets / "tls/ca.key").stat().st_mode & 0o777 == 0o600
    assert "changed=0" in run("restore", *where, "-e", f"from={archive}")

    (secrets / "tls/ca.key").write_text("another one")
    for broken, says in ((archive.read_bytes()[:-100], "is no whole backup"), (b"nonsense", "is no whole backup")):
        damaged = tmp_path / "damaged.tar.gz"
        damaged.write_bytes(broken)
        status, out = playbook("restore", *where, "-e", f"from={damaged}")
        assert status != 0
        assert says in out
    status, out = playbook("restore", *where, "-e", f"from={archive}", "-e", "lvs_domain=other.example.org")
    assert status != 0
    assert f"is of {DOMAIN}, and this is other.example.org" in unfolded(out)
    assert (secrets / "tls/ca.key").read_text() == "another one"
    run("restore", *where, "-e", f"from={archive}")
    assert held() == every
    (before,) = tmp_path.glob("secrets.before-*")
    assert (before / "tls/ca.key").read_text() == "another one"


@pytest.mark.long
def test_director_leaves_and_is_replaced(run, unnoticed):
    """The one that stands by is taken down, and is as one that was installed anew, which then takes its place."""
    active = cluster.active_director()
    (standby,) = [director for director in DIRECTORS if director != active]
    confirm = ("-e", f"confirm={DOMAIN}", "-e", f"host={standby.name}")
    unnoticed(f"teardown {standby.name}", lambda: run("teardown", *confirm))
    left = state(standby)
    fleet.install_anew(standby)
    assert differences(state(standby), left) == []
    assert cluster.active_director() == active

    # What was drained while the other one was away: a real server that is not there any more, so that it does nothing.
    process.run(fleet.ssh(active, "echo '-1 siti, new disk' > /etc/keepalived/drain_rs9"))
    try:
        unnoticed(f"replace {standby.name}", lambda: run("replace", "-e", f"host={standby.name}"))
        told = process.run(fleet.ssh(standby, "cat /etc/keepalived/drain_rs9"))
    finally:
        for director in DIRECTORS:
            process.run(fleet.ssh(director, "rm -f /etc/keepalived/drain_rs9"))
    assert told == "-1 siti, new disk\n"
    cluster.wait_whole()
    assert cluster.active_director() == active
    assert marks(standby) == marks(active)


@pytest.mark.long
def test_the_whole_cluster_is_taken_down(run, verified):
    """Each host is as it was before: some are installed anew to see that. All can then be deployed again."""
    hosts = [node for node in NODES.values() if node.role in ("directors", "real_servers", "monitoring")]
    run("teardown", "-e", f"confirm={DOMAIN}")
    assert cluster.vip_holders() == []
    left = {host.name: state(host) for host in hosts}
    anew = {}
    # One of each kind, and for both programs that configure networks.
    for host in (NODES[name] for name in ("director2", "rs1", "rs3", "monitor")):
        fleet.install_anew(host)
        anew[host.name] = state(host)
        assert differences(anew[host.name], left[host.name]) == [], host.name
    # The others are like those.
    for name, bare in (("director1", "director2"), ("rs2", "rs1")):
        names = [{line.split()[0] for line in each["packages"]} for each in (left[name], anew[bare])]
        assert names[0] == names[1], name
        assert [left[name][part] for part in ("rules", "filter", "kernel")] == [
            anew[bare][part] for part in ("rules", "filter", "kernel")
        ], name
        ours = re.compile("lautan|lvs|keepalived|janus|turnserver|prometheus")
        assert list(filter(ours.search, left[name]["files"] | left[name]["units"])) == [], name
    run("site")
    conference.wait_whole()
    verified()
