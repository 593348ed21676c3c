# Copyright (c) 2026, lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cluster as it must be once site.yml has run: what the kernels hold and what goes over the wire."""

from __future__ import annotations

import os
import re
import subprocess
import time

import pytest

from lab import process, topology
from lab.ansible import kept_python, unfolded

DIRECTORS = ("director1", "director2")
REAL_SERVERS = ("rs1", "rs2", "rs3")
CLUSTER = (*DIRECTORS, *REAL_SERVERS)
VIPS = ("198.18.0.100", "fd00:c612::100")
DOMAIN = "conference.lab.example"

TABLE = {
    line
    for vip, network in (("198.18.0.100", "198.18.0."), ("[fd00:c612::100]", "[fd00:c612::"))
    for port in (80, 443, 3478, 5349)
    for line in (
        f"-A -t {vip}:{port} -s mh -b mh-fallback,mh-port",
        *(f"-a -t {vip}:{port} -r {network}{last}{']' * ('[' in vip)}:{port} -g -w 1" for last in (21, 22, 23)),
    )
} | {
    # Media: packets that nftables marks, for one real server, and nothing is remembered of them.
    line
    for mark, last in ((1001, 21), (1002, 22), (1003, 23))
    for service, server in ((f"-f {mark}", f"198.18.0.{last}"), (f"-f {mark} -6", f"[fd00:c612::{last}]"))
    for line in (f"-A {service} -s rr -o", f"-a {service} -r {server}:0 -g -w 1")
}


@pytest.fixture(scope="session")
def never_off() -> set[str]:
    return {"client", *DIRECTORS, *REAL_SERVERS}


@pytest.mark.parametrize("vip", VIPS)
def test_vip_is_on_exactly_one_director(holders, vip):
    assert len(holders(vip)) == 1


def test_vips_are_together(holders):
    assert holders(VIPS[0]) == holders(VIPS[1])


@pytest.mark.parametrize("name", DIRECTORS)
def test_ipvs_table(node, name):
    process.wait_until(lambda: saved(node, name) == sorted(TABLE), f"{name} to have the whole table", timeout=10)


@pytest.mark.parametrize("name", DIRECTORS)
def test_director_does_not_route(node, name):
    """Direct routing needs no forwarding, and a director that forwards would be a way around the router."""
    assert node(name).check_output("cat /proc/sys/net/ipv4/ip_forward") == "0"


@pytest.mark.parametrize("name", DIRECTORS)
def test_keepalived_is_ahead_of_other_programs(node, name):
    assert node(name).check_output("ps -C keepalived -o cls=").split() == ["RR"] * 3


@pytest.mark.parametrize("name", DIRECTORS)
def test_timeouts_of_connections(node, name):
    assert node(name).check_output("ipvsadm --list --timeout") == "Timeout (tcp tcpfin udp): 900 60 60"


def test_director_that_stands_by_learns_connections(node, holders):
    """On a director that knows a connection, it does not matter which real servers are in service by then."""
    (active,) = holders(VIPS[0])
    (standby,) = (name for name in DIRECTORS if name != active)

    def known(name: str) -> set[tuple[str, str]]:
        """Port of the client, and real server, of established connections."""
        lines = node(name).check_output("ipvsadm --list --connection --numeric").split("\n")
        words = [line.split() for line in lines if " ESTABLISHED " in line and f" {VIPS[0]}:443 " in line]
        return {(line[3], line[5]) for line in words}

    before = known(active)
    one = f"sleep 12 | openssl s_client -quiet -connect {VIPS[0]}:443"
    node("client").check_output(f"for n in $(seq 5); do ({one}) >/dev/null 2>&1 & done; sleep 1")
    begun = known(active) - before
    assert len(begun) >= 5
    # The kernel gathers what it has to tell for two seconds.
    process.wait_until(lambda: begun <= known(standby), f"{standby} to know {begun}", timeout=8)


@pytest.mark.parametrize("name", REAL_SERVERS)
def test_real_server_holds_vips_without_using_them(addresses, name):
    held = {entry["local"]: entry for entry in addresses(name)}
    ipv4, ipv6 = (held[vip] for vip in VIPS)
    assert (ipv4["link"], ipv4["scope"], ipv4["prefixlen"]) == ("eth0", "host", 32)
    assert (ipv6["link"], ipv6["preferred_life_time"], ipv6["prefixlen"]) == ("eth0", 0, 128)


@pytest.mark.parametrize("name", REAL_SERVERS)
def test_arp_settings(node, name):
    settings = node(name).check_output("sysctl -n net.ipv4.conf.all.arp_ignore net.ipv4.conf.all.arp_announce")
    assert settings.split() == ["3", "2"]


def test_one_mac_answers_arp_for_vip(lab, holders, mac):
    out = lab("exec", "router", "arping", "-c", "3", "-w", "4", "-I", "lan", VIPS[0], check=False)
    assert {found.lower() for found in re.findall(r"\[([0-9A-Fa-f:]{17})\]", out)} == {mac(holders(VIPS[0])[0])}


def test_one_mac_answers_neighbour_solicitation_for_vip(lab, holders, mac):
    out = lab("exec", "router", "ndisc6", "-m", "-w", "1500", VIPS[1], "lan", check=False)
    found = re.findall(r"Target link-layer address: ([0-9A-Fa-f:]{17})", out)
    assert {each.lower() for each in found} == {mac(holders(VIPS[1])[0])}


@pytest.mark.parametrize("vip", VIPS)
def test_every_real_server_serves_the_client(get, vip):
    answers = [get(f"https://{DOMAIN}/", vip) for _ in range(30)]
    assert {status for status, _, _ in answers} == {200}
    assert {headers["x-real-server"] for _, headers, _ in answers} == set(REAL_SERVERS)


@pytest.mark.parametrize("vip", VIPS)
def test_page_is_for_people(get, vip):
    status, headers, body = get(f"https://{DOMAIN}/", vip)
    assert status == 200
    assert "text/html" in headers["content-type"]
    assert 'id="join"' in body
    assert "'unsafe" not in headers["content-security-policy"]


@pytest.mark.parametrize("vip", VIPS)
def test_plain_http_leads_to_https(get, vip):
    status, headers, _ = get(f"http://{DOMAIN}/room?x=1", vip)
    assert (status, headers["location"]) == (308, f"https://{DOMAIN}/room?x=1")


def test_health_check_answers_on_both_ports(get):
    assert [get(f"{scheme}://{DOMAIN}/lb-ok", VIPS[0])[::2] for scheme in ("http", "https")] == [(200, "ok")] * 2


@pytest.mark.parametrize("vip", VIPS)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_only_the_segment_may_ask_for_a_vip(get, node, vip, scheme):
    """Directors ask each real server on its own address. A client is refused: a flood would use up ports."""
    for last in (21, 22, 23):
        own = f"[fd00:c612::{last}]" if ":" in vip else f"198.18.0.{last}"
        # As docs/runbooks/services.md tries what a check will ask.
        ask = f'curl --silent --include --insecure --http1.0 --header "Host: {DOMAIN}" "{scheme}://{own}/lb-ok/{vip}"'
        answers = [node(name).check_output(ask).splitlines() for name in DIRECTORS]
        assert [(answer[0].split()[1], answer[-1]) for answer in answers] == [("200", "ok")] * 2
    assert get(f"{scheme}://{DOMAIN}/lb-ok/{vip}", vip)[0] == 403


def test_old_tls_is_refused(trusting_client):
    done = trusting_client.run(
        f"curl -sS -m 5 --cacert /tmp/ca.crt --tls-max 1.1 --resolve {DOMAIN}:443:{VIPS[0]} https://{DOMAIN}/"
    )
    assert done.rc == 35, done.stderr  # curl(1): a TLS handshake that failed


def test_client_address_reaches_the_logs(get, node):
    path = f"/seen-{time.time_ns()}"
    assert get(f"https://{DOMAIN}{path}", VIPS[0])[0] == 404
    logs = [node(name).check_output("cat /var/log/nginx/access.log") for name in REAL_SERVERS]
    assert [line.split()[0] for log in logs for line in log.split("\n") if path in line] == ["198.18.1.31"]


@pytest.mark.parametrize("vip", VIPS)
def test_answers_go_straight_from_real_server_to_client(get, lab, holders, mac, vip, tmp_path):
    """Every frame on the cluster's switch: who sent it to whom."""
    # In immediate mode each frame takes as much of the buffer as a frame may be long: 262144 bytes by default.
    # Into a file: a pipe that nobody reads is full after some 500 frames.
    seen = tmp_path / "frames"
    with seen.open("w") as frames:
        capture = subprocess.Popen(
            ["ip", "netns", "exec", "lautan-lab", "tcpdump", "-e", "-n", "-l", "--immediate-mode", "-s", "128"]
            + ["-i", "lan", f"host {vip} and tcp port 443"],
            stdout=frames,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert "listening" in capture.stderr.readline() + capture.stderr.readline()
    servers = [mac(name) for name in {get(f"https://{DOMAIN}/", vip)[1]["x-real-server"] for _ in range(20)}]
    time.sleep(0.5)  # the last frames on their way to tcpdump
    capture.terminate()
    told = capture.communicate()[1]
    assert "\n0 packets dropped by kernel" in told
    frames = re.findall(
        r"^\S+ (\S{17}) > (\S{17}),.*?: (\S+)\.(\d+) > (\S+)\.(\d+): Flags", seen.read_text(), re.MULTILINE
    )
    director, router = mac(holders(vip)[0]), lab("exec", "router", "cat", "/sys/class/net/lan/address").strip()
    requests = {(sender, receiver) for sender, receiver, _, _, target, _ in frames if target == vip}
    answers = {(sender, receiver) for sender, receiver, source, _, _, _ in frames if source == vip}
    assert requests == {(router, director), *((director, server) for server in servers)}
    assert answers == {(server, router) for server in servers}
    assert len(servers) > 1


@pytest.mark.parametrize(
    ("name", "service"),
    [
        *((name, "keepalived") for name in DIRECTORS),
        *((name, "lvs-director") for name in DIRECTORS),
        *(
            (name, service)
            for name in REAL_SERVERS
            for service in ("nginx", "janus", "coturn", "lautan-conference-agent")
        ),
        *((name, "lautan-firewall") for name in CLUSTER),
    ],
)
def test_service_runs_and_starts_at_boot(node, name, service):
    found = node(name).service(service)
    assert found.is_running, node(name).run(f"journalctl --no-pager --lines=40 --unit={service}").stdout
    assert found.is_enabled


@pytest.mark.parametrize("name", CLUSTER)
def test_no_unit_has_failed(node, name):
    assert node(name).check_output("systemctl list-units --failed --plain --no-legend") == ""


@pytest.mark.parametrize("name", REAL_SERVERS)
def test_private_key_is_private(node, name):
    key = node(name).file("/etc/nginx/tls/site.key")
    assert (key.user, oct(key.mode)) == ("root", "0o600")


def test_nftables_does_not_lose_the_filter_for_health_checks(node, holders):
    """nftables.service flushes all tables when it starts and when it stops."""
    standby = node(next(name for name in DIRECTORS if name not in holders(VIPS[0])))
    was_active = standby.service("nftables").is_running
    for verb in ("start", "restart", "reload", "start" if was_active else "stop"):
        standby.check_output(f"systemctl {verb} nftables.service")
        rules = standby.check_output("nft list table inet lvs_director")
        assert "198.18.0.21 . 443" in rules
        assert "reject with tcp reset" in rules


def test_preflight(playbook):
    """Every host is asked, and none is changed."""
    status, out = playbook("preflight")
    assert status == 0, out
    recap = re.findall(r"^(\S+) +: ok=([1-9]\d*) +changed=(\d+) ", out, re.MULTILINE)
    assert {name: changed for name, _, changed in recap} == dict.fromkeys(("localhost", *CLUSTER), "0"), out


def is_web_on_rs3(line: str) -> bool:
    return re.search(r"-r (198\.18\.0\.23|\[fd00:c612::23\]):(80|443) ", line) is not None


def saved(node, name: str) -> list[str]:
    return sorted(node(name).check_output("ipvsadm --save --numeric").split("\n"))


def wait_for_tables(node, tables: dict[str, list[str]], timeout: float = 10) -> None:
    """On a busy computer a check may be late while a playbook runs; it is made up for a second later."""
    process.wait_until(lambda: {name: saved(node, name) for name in DIRECTORS} == tables, "whole tables", timeout)


@pytest.fixture
def tables_restored(node):
    """Whatever a test leaves behind in the directors' tables: it is not the next test's."""
    before = dict.fromkeys(DIRECTORS, sorted(TABLE))
    wait_for_tables(node, before)
    yield before
    for name in DIRECTORS:
        if saved(node, name) != before[name]:
            # Services first: "-A" sorts before "-a".
            node(name).check_output(
                "ipvsadm --clear && printf -- %s | ipvsadm --restore", "\n".join(before[name]) + "\n"
            )


def test_verify_tells_and_repairs_what_was_changed_by_hand(node, holders, playbook, verified, tables_restored):
    """Faults of different kinds at once: an address, an ARP setting, a service, and entries of both tables.

    Tables are for `repair` to mend, as a reload of keepalived does not: it never looks at the kernel's table again.
    The rest is for site.yml.
    """
    (active,) = holders(VIPS[0])
    (standby,) = (name for name in DIRECTORS if name != active)
    by_hand = {
        active: [
            "--edit-server -t 198.18.0.100:443 -r 198.18.0.22:443 -m -w 7",
            "--delete-server -t 198.18.0.100:443 -r 198.18.0.23:443",
            "--add-server -t 198.18.0.100:80 -r 198.18.0.99:80 -g -w 1",
            "--add-service -u 198.18.0.100:53 -s rr",
        ],
        standby: [
            "--delete-service -t [fd00:c612::100]:443",
            "--edit-service -t 198.18.0.100:80 -s rr",
        ],
    }
    for name, commands in by_hand.items():
        for command in commands:
            node(name).check_output(f"ipvsadm {command}")
        node(name).check_output("systemctl reload keepalived")
    time.sleep(3)
    assert {name: saved(node, name) for name in DIRECTORS} != tables_restored, "keepalived mends it by itself by now"

    node("rs1").check_output("ip address del 198.18.0.100/32 dev eth0")
    node("rs2").check_output("sysctl -w net.ipv4.conf.all.arp_ignore=0")
    node("rs3").check_output("ip address add 198.18.0.77/32 dev eth0")  # the operator's own: nobody's business
    stopped = ("lautan-conference-agent.service", "lautan-metrics.timer")
    node("rs3").check_output(f"systemctl stop {' '.join(stopped)}")
    status, out = playbook("verify")
    node("rs3").check_output("ip address del 198.18.0.77/32 dev eth0")
    node("rs3").check_output(f"systemctl start {' '.join(stopped)}")
    assert status != 0
    told = unfolded(out)
    differences = {
        active: [
            "-t 198.18.0.100:443 -r 198.18.0.22:443: `-m -w 7` instead of `-g -w 1`",
            "-t 198.18.0.100:443 -r 198.18.0.23:443: is missing, but keepalived has it in service",
            "-t 198.18.0.100:80 -r 198.18.0.99:80: is there, but keepalived does not have it in service",
            "-u 198.18.0.100:53: is there, but keepalived has no such virtual server",
        ],
        standby: [
            "-t [fd00:c612::100]:443: is missing, with 3 real servers",
            "-t 198.18.0.100:80: `-s rr` instead of `-s mh -b mh-fallback,mh-port`",
        ],
    }
    for name, lines in differences.items():
        for line in lines:
            assert f"{name}: IPVS table differs from keepalived: {line}" in told, out
    for name, fault in (
        ("rs1", "VIPs: `ip address add 198.18.0.100/32 dev eth0 scope host` is missing"),
        ("rs2", "VIPs: `sysctl -w net.ipv4.conf.all.arp_ignore=3` is missing"),
        ("rs3", "conference: lautan-conference-agent is inactive"),
        ("rs3", "monitoring: lautan-metrics.timer is inactive"),
    ):
        assert f"{name}: {fault}" in told, out
    lasting = told.partition("The cluster is not as it should be:")[2]
    missing = re.findall(r"IPVS table: missing `([^`]+)`", lasting)
    assert not [entry for entry in missing if " -r 198.18.0.21:" not in entry], "told twice; only rs1 is out of service"
    assert "198.18.0.77" not in told

    status, out = playbook("site", "--limit", "rs1,rs2")
    assert status == 0, out
    assert re.search(r"^rs1 .*changed=1 ", out, re.MULTILINE), out

    told = unfolded(verified(repair=True))
    assert "ipvsadm -e -t 198.18.0.100:443 -r 198.18.0.22:443 -g -w 1" in told
    assert "ipvsadm -D -u 198.18.0.100:53" in told
    assert "ipvsadm -A -t [fd00:c612::100]:443 -s mh -b mh-fallback,mh-port" in told
    assert "The cluster is as the inventory describes it, and serves." in told
    wait_for_tables(node, tables_restored)


@pytest.mark.long
def test_repair_does_not_put_back_what_failed(node, playbook, verified, tables_restored):
    """rs3 is out for a good reason, and rs2 for none."""
    node("rs3").check_output("systemctl stop nginx")
    try:
        process.wait_until(
            lambda: not any(is_web_on_rs3(line) for name in DIRECTORS for line in saved(node, name)),
            "keepalived to take rs3 out",
            timeout=60,
        )
        node("director1").check_output("ipvsadm --delete-server -t 198.18.0.100:443 -r 198.18.0.22:443")
        status, out = playbook("verify", "--extra-vars", "repair=true")
        assert status != 0
        told = unfolded(out)
        assert "director1: IPVS table: missing `-a -t 198.18.0.100:443 -r 198.18.0.23:443 -g -w 1`" in told
        assert "differs from keepalived" not in told
        table = saved(node, "director1")
        assert "-a -t 198.18.0.100:443 -r 198.18.0.22:443 -g -w 1" in table
        assert not [line for line in table if is_web_on_rs3(line)]
    finally:
        node("rs3").check_output("systemctl start nginx")
        wait_for_tables(node, tables_restored, timeout=60)
    # There is nothing to repair, and then it changes nothing.
    assert "changed=1" not in verified(repair=True)


@pytest.mark.long
def test_what_lasts_for_a_moment_is_told_and_is_no_fault(node, tables_restored):
    """nginx of rs2 is stopped when verify.yml looks, and runs when it looks again."""
    command = [".venv/bin/ansible-playbook", "playbooks/verify.yml"]
    node("rs2").check_output("systemctl stop nginx")
    try:
        verify = subprocess.Popen(
            command, cwd=topology.ROOT, env=os.environ | kept_python(), text=True, stdout=subprocess.PIPE
        )
        out = ""
        for line in verify.stdout:
            out += line
            if line.startswith("TASK [Judge]") and out.count("TASK [Judge]") == 1:
                node("rs2").check_output("systemctl start nginx")
                wait_for_tables(node, tables_restored)
        assert verify.wait() == 0, out
    finally:
        node("rs2").check_output("systemctl start nginx")
    passed, _, rest = unfolded(out).partition("TASK [Tell what was there for a moment only]")[2].partition("TASK [")
    assert "rs2: web server: curl: (7)" in passed
    assert "The cluster is as the inventory describes it, and serves." in rest
