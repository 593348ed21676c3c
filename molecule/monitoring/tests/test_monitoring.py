# Copyright (c) 2026, lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prometheus on the node monitor: what it knows of the cluster, who else can know, and every alert, fired and cleared.

Hosts collect their metrics every 30 s (inventory/lab). Where a test would have to wait for that, it has them do so.
"""

from __future__ import annotations

import json
import re
import shlex
import socket
import subprocess
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
import yaml

from ansible_collections.lautan.lvs.tests.unit.roles.prometheus import rule_cases
from lab import cluster, conference, faults, fleet, process, topology
from lab.ansible import unfolded

NODES = topology.nodes()
MONITOR = NODES["monitor"]
DIRECTORS = [node for node in NODES.values() if node.role == "directors"]
REAL_SERVERS = [node for node in NODES.values() if node.role == "real_servers"]
HOSTS = DIRECTORS + REAL_SERVERS
VIPS = cluster.cluster_facts()["lvs_vips"]
# Within which, with the figures of inventory/lab, whether a real server comes and goes is judged.
FLAPPING_SECONDS = 90


def on(node: topology.Node, command: str, **options) -> str:
    return process.run(fleet.ssh(node, command), **options)


def ask(expression: str) -> list[dict]:
    """What Prometheus answers."""
    url = "http://127.0.0.1:9090/api/v1/query"
    answer = json.loads(on(MONITOR, f"curl -sS --get --data-urlencode query={shlex.quote(expression)} {url}"))
    assert answer["status"] == "success", answer
    return answer["data"]["result"]


def values(expression: str, *labels: str) -> dict[tuple[str, ...], float]:
    """What Prometheus answers, by the values of these labels."""
    found = {tuple(each["metric"][label] for label in labels): float(each["value"][1]) for each in ask(expression)}
    assert found, f"Prometheus knows of no {expression}"
    return found


def firing() -> set[str]:
    return {each["metric"]["alertname"] for each in ask('ALERTS{alertstate="firing"}')}


def _collect(node: topology.Node) -> float:
    # One that runs already may have looked before.
    on(node, "systemctl restart lautan-metrics.service")
    return float(on(node, "awk '/^lautan_metrics_timestamp_seconds/ { print $2 }' /run/lautan-metrics/lautan.prom"))


def tell(nodes: Iterable[topology.Node]) -> None:
    """Have hosts collect their metrics now, and wait until Prometheus has them."""
    with ThreadPoolExecutor() as pool:
        moments = dict(zip([node.name for node in nodes], pool.map(_collect, nodes), strict=True))

    def are_known() -> bool:
        known = {name: moment for (name,), moment in values("lautan_metrics_timestamp_seconds", "instance").items()}
        return all(known.get(name, 0) >= moment - 0.001 for name, moment in moments.items())

    process.wait_until(are_known, f"Prometheus to have the metrics of {', '.join(moments)}", timeout=30)


def wait_for_silence(timeout: float) -> None:
    process.wait_until(lambda: not firing(), "all alerts to be over", timeout=timeout)


@pytest.fixture(scope="module", autouse=True)
def a_cluster_that_is_well():
    cluster.wait_whole()
    tell(HOSTS)
    # What other scenarios did to real servers is remembered for some time.
    wait_for_silence(timeout=FLAPPING_SECONDS + 30)


def test_all_hosts_are_asked_and_tell_everything():
    assert values('up{job="lautan"}', "instance") == {(node.name,): 1 for node in HOSTS}
    roles = {node.name: {"directors": "director", "real_servers": "real_server"}[node.role] for node in HOSTS}
    assert values("up", "instance", "role").keys() == set(roles.items())
    assert set(values("lautan_collector_success", "instance", "collector").values()) == {1}
    # By itself, every 30 s.
    assert max(values("time() - lautan_metrics_timestamp_seconds", "instance").values()) < 60
    assert {name for (name,) in values("count by (instance) (node_ipvs_connections_total)", "instance")} == {
        node.name for node in DIRECTORS
    }


def test_what_directors_tell_is_what_they_have():
    held = values("lautan_vip_held", "instance", "vip")
    master = cluster.active_director().name
    for director in DIRECTORS:
        there = on(director, "ip -brief address")
        for vip in VIPS:
            assert held[director.name, vip] == (f" {vip}/" in there), (director.name, vip)
    assert values("lautan_vrrp_master == 1", "instance") == {(master,): 1}
    assert values("lautan_keepalived_up", "instance") == {(node.name,): 1 for node in DIRECTORS}
    assert set(values("lautan_vrrp_ready", "instance").values()) == {1}
    assert set(values("lautan_sync_daemon_up", "instance", "daemon").values()) == {1}
    assert set(values("lautan_ipvs_drift", "instance").values()) == {0}

    entry = re.compile(r"^-a -t \[?(.+?)]?:\d+ -r \[?(.+?)]?:\d+ .*-w (\d+)$", re.MULTILINE)
    names = {address: node.name for node in REAL_SERVERS for address in (str(node.address), str(node.address6))}
    for director in DIRECTORS:
        kernel = sorted(
            (vip, names[address], int(weight)) for vip, address, weight in entry.findall(cluster.table(director))
        )
        metric = f'lautan_real_server_weight{{instance="{director.name}"}}'
        told = values(metric, "vip", "real_server", "service")
        assert sorted((vip, name, weight) for (vip, name, _), weight in told.items()) == kernel
        assert set(values(metric.replace("weight", "up"), "service", "real_server").values()) == {1}
        pools = values(f'lautan_pool_size{{instance="{director.name}"}}', "service")
        assert set(pools.values()) == {len(REAL_SERVERS)}


def test_requests_are_counted(get):
    vip = VIPS[0]
    metric = f'sum(lautan_service_connections_total{{vip="{vip}"}})'
    tell(DIRECTORS)
    ((before),) = values(metric).values()
    for _ in range(20):
        assert get(f"https://{cluster.cluster_facts()['lvs_domain']}/", vip)[0] == 200

    def are_counted() -> bool:  # the kernel itself adds up what its processors count every two seconds only
        tell(DIRECTORS)  # whoever holds the VIP
        ((after),) = values(metric).values()
        return after - before >= 20

    process.wait_until(are_counted, "20 connections to be counted", timeout=30)


def test_what_real_servers_tell_is_what_they_have():
    expires = values("lautan_certificate_not_after_timestamp_seconds", "instance")
    for server in REAL_SERVERS:
        date = 'date --date="$(openssl x509 -noout -enddate -in /etc/nginx/tls/site.crt | cut -d = -f 2)" +%s'
        assert expires[(server.name,)] == int(on(server, date))
    names = {node.name for node in REAL_SERVERS}
    assert values("lautan_janus_up", "instance") == {(name,): 1 for name in names}
    rooms = values("lautan_room_people", "instance", "room")
    assert rooms.keys() == {(name, room) for name in names for room in conference.rooms()}
    assert values("lautan_media_ports", "instance") == {(name,): 1000 for name in names}
    assert values("lautan_people", "instance").keys() == {(name,) for name in names}
    websockets = values('lautan_client_connections{kind="websocket"}', "instance")
    for server in REAL_SERVERS:
        there = on(server, "ss --no-header --tcp --numeric state established '( dport = :8188 )' | wc -l")
        assert websockets[(server.name,)] == int(there)


def test_nobody_else_can_ask():
    """Each host listens on its own address, and lets in the monitor only."""

    def answers(node: topology.Node, address: str) -> bool:
        place = f"[{address}]" if ":" in address else address
        command = f"curl --silent --max-time 2 --output /dev/null http://{place}:9100/metrics && echo yes || :"
        return on(node, command).strip() == "yes"

    for host in HOSTS:
        listens = on(host, "ss --no-header --tcp --listening --numeric '( sport = :9100 )'")
        assert [line.split()[3] for line in listens.splitlines()] == [f"{host.address}:9100"]
        assert answers(MONITOR, str(host.address)), host.name
    others = [(NODES["client"], str(DIRECTORS[0].address)), (REAL_SERVERS[1], str(REAL_SERVERS[0].address))]
    others += [(DIRECTORS[0], str(REAL_SERVERS[0].address)), (MONITOR, str(REAL_SERVERS[0].address6))]
    others += [(MONITOR, vip) for vip in VIPS]
    for node, address in others:
        assert not answers(node, address), f"{node.name} gets metrics from {address}"
    # Nor can anybody ask Prometheus itself.
    listens = on(MONITOR, "ss --no-header --tcp --listening --numeric '( sport = :9090 )'")
    assert [line.split()[3] for line in listens.splitlines()] == ["127.0.0.1:9090"]


def test_rules_with_promtool():
    """Each case of what can be wrong, with the rules as they are there."""
    cases = json.dumps(rule_cases.document("/etc/prometheus/lautan.rules.yml"))
    said = on(MONITOR, "cat > /tmp/cases.yml && promtool test rules /tmp/cases.yml && rm /tmp/cases.yml", stdin=cases)
    assert "SUCCESS" in said


def test_commands_of_the_runbook():
    on(MONITOR, "promtool query instant http://127.0.0.1:9090 ALERTS")
    assert "lautan_keepalived_up 1" in on(MONITOR, "curl -s http://198.18.0.11:9100/metrics | grep ^lautan_")
    said = on(NODES["rs1"], "systemctl start lautan-metrics.service && cat /run/lautan-metrics/lautan.prom")
    assert "\nlautan_janus_up 1\n" in said


def test_page_of_prometheus_through_ssh():
    """It listens for its own host only. What the runbook begins is a shell as well, which nobody needs here."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    forward = ["-N", "-o", "ExitOnForwardFailure=yes", "-L", f"{port}:127.0.0.1:9090"]
    question = ["curl", "--silent", "--fail", "--noproxy", "*", f"http://127.0.0.1:{port}/-/healthy"]
    tunnel = subprocess.Popen(["ssh", *forward, *fleet.ssh(MONITOR)[1:]])
    try:
        process.wait_until(lambda: process.succeeds(question), "Prometheus to answer", timeout=20)
        assert "Prometheus" in process.run(question)
        assert tunnel.poll() is None
    finally:
        tunnel.terminate()
        tunnel.wait(timeout=10)
    assert not process.succeeds(question)


# ---- Alerts


def _fill_ports(server: topology.Node) -> str:
    """A command that takes 850 of the 1000 ports of the first real server."""
    program = (
        "import socket, time; taken = [socket.socket(type=socket.SOCK_DGRAM) for _ in range(850)]; "
        f"[each.bind(('{VIPS[0]}', 20000 + number)) for number, each in enumerate(taken)]; time.sleep(600)"
    )
    return f"systemd-run --quiet --collect --unit=lab-ports /usr/bin/python3 -c {shlex.quote(program)}"


def _short_certificate() -> str:
    return (
        "cp --archive /etc/nginx/tls/site.crt /root/site.crt && openssl req -x509 -newkey ec -pkeyopt"
        " ec_paramgen_curve:prime256v1 -nodes -keyout /dev/null -subj /CN=short -days 2 -out /etc/nginx/tls/site.crt"
        " 2> /dev/null"
    )


def _out_of_service(server: topology.Node) -> bool:
    return not any(cluster.in_service([director], server) for director in DIRECTORS)


def _stop_web(server: topology.Node) -> None:
    on(server, "systemctl stop nginx.service")
    process.wait_until(lambda: _out_of_service(server), f"{server.name} to be out of service", timeout=20)
    tell(DIRECTORS)


def _start_web(server: topology.Node) -> None:
    on(server, "systemctl start nginx.service")
    process.wait_until(
        lambda: cluster.in_service(DIRECTORS, server), f"{server.name} to be back in service", timeout=30
    )


def see(expected: set[str], seen: set[str], timeout: float) -> None:
    """Wait until each of these alerts has been there. Some end while others have not come yet."""

    def all_came() -> bool:
        seen.update(firing())
        return expected <= seen

    try:
        process.wait_until(all_came, "all alerts to come", timeout=timeout)
    except process.LabError:
        pytest.fail(f"these alerts did not come: {', '.join(sorted(expected - seen))}; these did: {sorted(seen)}")


@pytest.fixture(scope="module")
def what_was_seen():
    """The alerts that came in any test of this file."""
    return set()


def test_alerts_of_what_can_be_wrong_at_the_same_time(what_was_seen):
    active = cluster.active_director()
    standby = next(node for node in DIRECTORS if node != active)
    rs1, rs2, rs3 = REAL_SERVERS
    entry = f"ipvsadm --edit-server -t {VIPS[0]}:443 -r {rs1.address}:443 --gatewaying --weight"
    drain = "/etc/keepalived/drain_rs2"
    timer = "lautan-metrics.timer"
    # Where, what to do, and how to undo it.
    wrong = [
        *((node, f"echo -1 > {drain} && touch --date='2 days ago' {drain}", f"echo 0 > {drain}") for node in DIRECTORS),
        (standby, f"{entry} 7", f"{entry} 1"),
        (standby, "ipvsadm --stop-daemon backup", "systemctl restart lvs-sync.service"),
        (standby, "echo 1 > /etc/keepalived/switchover", "echo 0 > /etc/keepalived/switchover"),
        (rs1, _fill_ports(rs1), "systemctl stop lab-ports.service"),
        (rs1, _short_certificate(), "mv /root/site.crt /etc/nginx/tls/site.crt"),
        (rs3, "systemctl stop prometheus-node-exporter", "systemctl start prometheus-node-exporter"),
        (rs2, "systemctl stop janus.service", "systemctl start janus.service"),
        (rs2, "mv /etc/nginx/tls/site.crt /root/site.crt", "mv /root/site.crt /etc/nginx/tls/site.crt"),
    ]
    seen: set[str] = set()
    with ExitStack() as undone:
        for node, do, undo in wrong:
            on(node, do)
            undone.callback(on, node, undo, check=False)
        tell([rs1, rs2])
        on(rs2, f"systemctl stop {timer}")
        undone.callback(on, rs2, f"systemctl start {timer}")
        undone.callback(on, rs3, "systemctl start nginx.service")
        _stop_web(rs3)
        seen.update(firing())
        _start_web(rs3)
        tell(DIRECTORS)
        seen.update(firing())
        _stop_web(rs3)
        expected = {
            *("LautanDirectorNotReady", "LautanSyncDaemonDown", "LautanDirectorsDisagree", "LautanDrift"),
            *("LautanPoolBelowMinimum", "LautanRealServerDown", "LautanRealServerFlapping", "LautanDrainedTooLong"),
            *("LautanJanusDown", "LautanMediaPortsNearlyFull", "LautanCertificateExpires", "LautanHostNotScraped"),
            *("LautanMetricsStale", "LautanCollectorFailed"),
        }
        see(expected, seen, timeout=120)
    assert seen == expected
    what_was_seen |= seen


def test_alert_of_two_masters(what_was_seen):
    active, fault = cluster.active_director(), faults.DIRECTOR_FAULTS["split"]
    seen: set[str] = set()
    fault.do(active)
    try:
        process.wait_until(lambda: len(cluster.vip_holders()) == 2, "both directors to hold the VIP", timeout=10)
        tell(DIRECTORS)
        see({"LautanTwoMasters"}, seen, timeout=40)
    finally:
        fault.undo(active)
    what_was_seen |= seen
    process.wait_until(lambda: len(cluster.vip_holders()) == 1, "one director to give way", timeout=20)


def test_alerts_of_no_master(what_was_seen):
    seen: set[str] = set()
    try:
        for director in DIRECTORS:
            on(director, "systemctl stop keepalived.service")
        tell(DIRECTORS)
        see({"LautanNoMaster", "LautanKeepalivedDown"}, seen, timeout=40)
    finally:
        for director in DIRECTORS:
            on(director, "systemctl start keepalived.service")
    what_was_seen |= seen
    cluster.wait_whole()


def test_every_alert_was_seen_and_ends_when_all_is_mended(what_was_seen):
    rules = yaml.safe_load(on(MONITOR, "cat /etc/prometheus/lautan.rules.yml"))["groups"][0]["rules"]
    assert {rule["alert"] for rule in rules} == what_was_seen
    tell(HOSTS)
    wait_for_silence(timeout=FLAPPING_SECONDS + 60)


@pytest.mark.long
def test_verify_says_what_is_wrong_with_it_and_that_all_else_is_mended(playbook):
    server = NODES["rs1"]
    on(server, "systemctl stop lautan-metrics.timer")
    try:
        status, out = playbook("verify")
    finally:
        on(server, "systemctl start lautan-metrics.timer")
    assert status != 0
    told = unfolded(out.partition("The cluster is not as it should be:")[2].partition("PLAY RECAP")[0])
    assert f"{server.name}: monitoring: lautan-metrics.timer is inactive" in told, out
    names = "|".join(map(re.escape, [*(node.name for node in HOSTS), *VIPS]))
    # Ansible says it twice: as an error, and as what the task has returned.
    assert set(re.findall(rf"(?<![\w.:])({names}): ", told)) == {server.name}, out
