# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is wrong is named, all of it at once, with its path and value; what is right is not."""

from __future__ import annotations

import copy

import pytest

from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.model import MASK, Faults
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.rules import checked
from ansible_collections.lautan.lvs.tests.unit.plugins.module_utils._keepalived.fake_director import document

I0, V0 = "vrrp_instances[0]", "virtual_servers[0]"
R0 = f"{V0}.real_servers[0]"


def change(data: dict, path: str, value: object) -> dict:
    """Set, or with ``...`` remove, what is at a path such as a[0].b."""
    changed = copy.deepcopy(data)
    steps = [int(step) if step.isdigit() else step for step in path.replace("[", ".").replace("]", "").split(".")]
    here = changed
    for step in steps[:-1]:
        here = here[step]
    if value is ...:
        del here[steps[-1]]
    else:
        here[steps[-1]] = value
    return changed


def faults_of(data: object, version=(2, 3, 3)) -> Faults:
    faults = Faults(version)
    checked(data, faults)
    return faults


def test_the_ordinary_director_is_right():
    faults = faults_of(document(), (2, 2, 7))
    assert (faults.lines, faults.warnings) == ([], [])


@pytest.mark.parametrize(
    ("path", "value", "fault"),
    [
        # form
        (
            f"{R0}.checks[0].url[0].status_code",
            99,
            f"{R0}.checks[0].url[0].status_code[0]=99: must be a status from 100",
        ),
        (f"{R0}.checks[0].url[0].status_code", ["300-200"], "[0]='300-200': must have the lower status first"),
        (f"{R0}.weigth", 3, f"{R0}.weigth: unknown; did you mean weight?"),
        (f"{V0}.lb_algo", "rr", f"{V0}.lb_algo: unknown; it is called lvs_sched here"),
        ("vrrp_instance", [], "vrrp_instance: unknown; it is called vrrp_instances here"),
        (f"{I0}.priority", 256, f"{I0}.priority=256: must be from 1 to 255"),
        (f"{I0}.priority", "high", f"{I0}.priority='high': must be a whole number"),
        (f"{I0}.priority", True, f"{I0}.priority=True: must be a whole number"),
        (f"{I0}.virtual_router_id", ..., f"{I0}.virtual_router_id: is missing"),
        (f"{I0}.nopreempt", "maybe", f"{I0}.nopreempt='maybe': must be true or false"),
        (f"{I0}.interface", "an-interface-too-long", "must be the name of a network interface"),
        (f"{I0}.unicast_src_ip", "192.0.2.11/24", "must not have a prefix length"),
        (f"{I0}.name", "a b", f"{I0}.name='a b': must be a name"),
        (f"{R0}.checks[0].type", "HTTPS_GET", f"{R0}.checks[0].type='HTTPS_GET': must be one of HTTP_GET"),
        (f"{R0}.checks[0].type", ..., f"{R0}.checks[0].type: is missing"),
        (f"{R0}.checks[0].url", [], f"{R0}.checks[0].url=[]: must not be empty"),
        (f"{V0}.port", "10000-10100", f"{V0}.port='10000-10100': must be one number; keepalived has no ranges here"),
        (f"{V0}.real_servers", "x", f"{V0}.real_servers='x': must be a list"),
        ("global_defs.lvs_timeouts", {"tpc": 9}, "global_defs.lvs_timeouts.tpc: unknown; did you mean tcp?"),
        # VRRP
        (f"{I0}.interface", "lo", f"{I0}.interface='lo': VRRP does not run on a loopback interface"),
        (f"{I0}.state", "MASTER", f"{I0}.nopreempt=True: needs state BACKUP"),
        (f"{I0}.version", 2, f"{I0}.advert_int=0.1: must be a whole number of seconds with VRRP version 2"),
        (f"{I0}.advert_int", 41, f"{I0}.advert_int=41: must be at most 40.95"),
        (f"{I0}.advert_int", 0.105, f"{I0}.advert_int=0.105: must be a multiple of 0.01"),
        (f"{I0}.authentication", {"auth_type": "PASS", "auth_pass": "x"}, "VRRP version 3 has none"),
        (f"{I0}.virtual_ipaddress", [], f"{I0}.virtual_ipaddress: is missing"),
        (
            f"{I0}.virtual_ipaddress",
            ["192.0.2.100", "2001:db8::1"],
            "virtual_ipaddress[1]='2001:db8::1': is of another",
        ),
        (
            f"{I0}.virtual_ipaddress_excluded",
            ["192.0.2.100/24"],
            "an address that vrrp_instances[0].virtual_ipaddress[0]",
        ),
        (f"{I0}.unicast_peer", ["192.0.2.11"], "is unicast_src_ip, the director itself"),
        (f"{I0}.unicast_peer", ["2001:db8::2"], "is of another address family than the instance"),
        (f"{I0}.track_script", ["chk"], f"{I0}.track_script[0]='chk': is not in vrrp_scripts"),
        ("vrrp_sync_groups", [{"name": "g", "group": ["lvs_51"]}], "must have two members at least"),
        ("vrrp_sync_groups", [{"name": "g", "group": ["lvs_51", "b"]}], "group[1]='b': is not in vrrp_instances"),
        ("global_defs.lvs_sync_daemon", {"interface": "eth0", "inst": "b"}, "inst='b': is not in vrrp_instances"),
        # LVS
        (f"{V0}.fwmark", 7, f"{V0}: must have exactly one of ip, fwmark and group; it has ip and fwmark"),
        (f"{V0}.ip", ..., f"{V0}: must have exactly one of ip, fwmark and group; it has none of them"),
        (f"{V0}.port", 0, f"{V0}.port=0: only services with persistence_timeout"),
        (f"{V0}.port", ..., f"{V0}.port=0: only services with persistence_timeout"),
        (f"{V0}.protocol", ..., f"{V0}.protocol: is missing; keepalived would take UDP"),
        (f"{V0}.ops", True, f"{V0}.ops=True: one-packet scheduling needs UDP"),
        (f"{V0}.lvs_sched", ..., f"{V0}.lvs_sched: is missing"),
        (f"{V0}.lvs_sched", "wlc", f"{V0}.mh-port=True: needs lvs_sched mh"),
        (f"{V0}.quorum", 3, f"{V0}.quorum=3: is more than the sum of all weights, 2"),
        (f"{V0}.hysteresis", 1, f"{V0}.hysteresis=1: must be less than quorum, 1"),
        (f"{R0}.port", 8443, f"{R0}.port=8443: must be that of the virtual server, 443, with DR"),
        (f"{R0}.ip", "2001:db8::21", f"{R0}.ip='2001:db8::21': is of another address family"),
        (f"{R0}.ip", "192.0.2.22", "the address and port that virtual_servers[0].real_servers[0] has as well"),
        (f"{R0}.checks", [{"type": "FILE_CHECK", "track_file": "f"}], "track_file='f': is not in track_files"),
        (f"{R0}.checks", [{"type": "BFD_CHECK", "name": "f"}], "name='f': is not in bfd_instances"),
        (f"{R0}.checks", [{"type": "FILE_CHECK", "track_file": "f", "retry": 1}], "checks[0].retry: unknown"),
        (
            f"{R0}.checks",
            [{"type": "MISC_CHECK", "misc_path": "/x"}],
            "global_defs.enable_script_security: must be true",
        ),
        (f"{R0}.notify_up", {"command": "/x", "group": "g"}, f"{R0}.notify_up.group='g': needs user"),
        (f"{R0}.notify_up", "/x 'y", f'{R0}.notify_up.command="/x \'y": a quote is not closed'),
    ],
)
def test_fault(path, value, fault):
    lines = faults_of(change(document(), path, value)).lines
    assert any(fault in line for line in lines), lines


@pytest.mark.parametrize(
    ("path", "value", "warning"),
    [
        (f"{V0}.lvs_method", ..., f"{V0}.lvs_method: is not set; keepalived then takes NAT"),
        (f"{V0}.delay_loop", ..., f"{V0}.delay_loop: is not set; keepalived then checks once in 60 seconds"),
        (f"{V0}.weight", 1, None),
        (f"{I0}.unicast_peer", ..., f"{I0}.unicast_src_ip: there is no unicast_peer"),
        ("global_defs.lvs_sync_daemon", "eth0", "global_defs.lvs_sync_daemon: has no inst"),
    ],
)
def test_warning(path, value, warning):
    faults = faults_of(change(document(), path, value))
    assert faults.lines == []
    assert [line for line in faults.warnings if warning and line.startswith(warning)] == faults.warnings
    assert bool(faults.warnings) == bool(warning)


def test_all_weights_0_are_a_warning():
    data = change(change(document(), f"{R0}.weight", 0), f"{V0}.real_servers[1].weight", 0)
    faults = faults_of(data)
    assert faults.lines == []
    assert faults.warnings == [f"{V0}.real_servers: all weights are 0: nothing gets new connections"]


def test_everything_that_is_wrong_at_once():
    data = document()
    for path, value in ((f"{I0}.priority", 0), (f"{I0}.interface", "lo"), (f"{R0}.port", 1), (f"{V0}.x", 1)):
        data = change(data, path, value)
    assert len(faults_of(data).lines) == 4


@pytest.mark.parametrize("bad", [None, [], "x", 7, {"global_defs": 7}, {"virtual_servers": [7, None]}])
def test_nonsense(bad):
    assert faults_of(bad).lines


@pytest.mark.parametrize("text", ["longer than eight", 'with"quote', "with\nline"])
def test_a_password_is_never_shown(text):
    data = change(document(), f"{I0}.authentication", {"auth_type": "PASS", "auth_pass": text})
    data = change(data, f"{I0}.version", 2)
    lines = faults_of(data).lines
    assert [line for line in lines if line.startswith(f"{I0}.authentication.auth_pass={MASK}: ")]
    assert not any(text in line for line in lines)


@pytest.mark.parametrize(
    ("path", "value", "needed"),
    [
        ("global_defs.use_symlink_paths", True, "2.3.0"),
        ("global_defs.json_version", 2, "2.2.8"),
        ("global_defs.vrrp_owner_ignore_adverts", True, "2.3.3"),
        (f"{I0}.timer_expired_backup", True, "2.2.8"),
        (f"{I0}.v3_checksum_as_v2", True, "2.2.8"),
        (f"{I0}.use_vmac", {"name": "v", "netlink_notify_msg": True}, "2.3.0"),
        (f"{R0}.checks[0].tls_compliant", True, "2.2.8"),
        ("bfd_instances", [{"name": "b", "neighbor_ip": "192.0.2.1", "multihop": True}], "2.2.8"),
        ("vrrp_scripts", [{"name": "s", "script": "/x", "interval": 0.5}], "2.3.2"),
    ],
)
def test_what_the_installed_version_does_not_know(path, value, needed):
    data = change(document(), "global_defs.enable_script_security", True)
    data = change(data, path, value)
    (line,) = faults_of(data, (2, 2, 7)).lines
    assert f"keepalived {needed}" in line
    assert faults_of(data, (2, 3, 3)).lines == []


def test_what_no_debian_has_yet():
    (line,) = faults_of(change(document(), "global_defs.vrrp_delay_after_boot", 5), (2, 3, 3)).lines
    assert line == "global_defs.vrrp_delay_after_boot: needs keepalived 2.4.0; 2.3.3 is installed"


def test_two_instances_that_hear_each_other():
    data = document()
    data["vrrp_instances"].append({**copy.deepcopy(data["vrrp_instances"][0]), "name": "b"})
    data["vrrp_instances"][1]["virtual_ipaddress"] = ["192.0.2.101"]
    (line,) = [line for line in faults_of(data).lines if "virtual_router_id" in line]
    assert line == "vrrp_instances[1].virtual_router_id=51: vrrp_instances[0] has the same on the same interface eth0"
    data["vrrp_instances"][1]["unicast_peer"] = ["192.0.2.13"]
    assert faults_of(data).lines == []


def test_firewall_marks():
    service = {
        "fwmark": 7,
        "lvs_sched": "rr",
        "lvs_method": "DR",
        "delay_loop": 1,
        "real_servers": [{"ip": "192.0.2.1"}],
    }
    assert faults_of({"virtual_servers": [service]}).lines == []
    bad = {**service, "port": 80, "protocol": "UDP", "real_servers": [{"ip": "192.0.2.1", "port": 80}]}
    assert [line.split(":")[0] for line in faults_of({"virtual_servers": [bad]}).lines] == [
        "virtual_servers[0].port=80",
        "virtual_servers[0].protocol='UDP'",
        "virtual_servers[0].real_servers[0].port=80",
    ]


def test_a_password_in_the_wrong_place_is_not_shown_either():
    (line, *_others) = faults_of(change(document(), f"{I0}.authentication", "geheim")).lines
    assert line == f"{I0}.authentication={MASK}: must be a dictionary"


@pytest.mark.parametrize(("version", "warned"), [((2, 2, 7), True), ((2, 3, 0), False)])
def test_groups_before_2_3_0(version, warned):
    data = document()
    data["virtual_server_groups"] = [{"name": "g", "members": [{"ip": "192.0.2.9", "port": 80}]}]
    assert bool(faults_of(data, version).warnings) == warned


@pytest.mark.parametrize(("version", "warned"), [((2, 2, 7), False), ((2, 2, 8), True), ((2, 3, 3), False)])
def test_file_checks_that_crash(version, warned):
    data = change(document(), f"{R0}.checks", [{"type": "FILE_CHECK", "track_file": "f"}])
    data["track_files"] = [{"name": "f", "file": "/run/f"}]
    faults = faults_of(data, version)
    assert (faults.lines, bool(faults.warnings)) == ([], warned)


def test_ff_at_the_end_before_2_3_3():
    check = {"type": "UDP_CHECK", "payload": "00ff", "require_reply": "00"}
    data = change(document(), f"{R0}.checks", [check])
    assert "misreads a value that ends in ff" in faults_of(data, (2, 2, 7)).lines[0]
    assert faults_of(data, (2, 3, 3)).lines == []
