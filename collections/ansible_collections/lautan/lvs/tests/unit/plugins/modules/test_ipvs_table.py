# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The modules for the table and the action, from their arguments to their result, on a fake ipvsadm."""

from __future__ import annotations

import contextlib
import json
from types import SimpleNamespace

import pytest
import yaml
from ansible.errors import AnsibleActionFail
from ansible.module_utils.testing import patch_module_args
from ansible.template import trust_as_template

from ansible_collections.lautan.lvs.plugins.action import ipvs_table as action
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs import host as hosts
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.document import REAL_FIELDS, SERVICE_FIELDS
from ansible_collections.lautan.lvs.plugins.module_utils._runner import Completed
from ansible_collections.lautan.lvs.plugins.modules import ipvs_info, ipvs_real_server, ipvs_service, ipvs_table
from ansible_collections.lautan.lvs.tests.unit.plugins.module_utils._ipvs.fake_ipvsadm import FakeHost, fixture
from ansible_collections.lautan.lvs.tests.unit.plugins.module_utils._ipvs.strategies import read

TABLE = """
-A -t 192.0.2.100:443 -s wlc
-a -t 192.0.2.100:443 -r 192.0.2.21:443 -g -w 1 -x 100 -y 80
-a -t 192.0.2.100:443 -r 192.0.2.22:443 -g -w 1
-A -u 192.0.2.100:53 -s rr -o
-a -u 192.0.2.100:53 -r 192.0.2.21:53 -g -w 1
"""
NAME = "lautan.lvs.ipvs_table"
WEB = {"protocol": "tcp", "address": "192.0.2.100", "port": "https"}
DNS = {"protocol": "udp", "address": "192.0.2.100", "port": 53}


@pytest.fixture
def host(monkeypatch):
    host = FakeHost()
    host.ipvsadm.load(TABLE)
    monkeypatch.setattr(hosts, "LocalHost", lambda module: host)
    monkeypatch.setattr(action, "RemoteHost", lambda action: host)
    return host


def act(args):
    """Make the action of a task with these arguments."""
    check_mode, diff = args.pop("_ansible_check_mode", False), args.pop("_ansible_diff", False)
    once = {"async_val": 0, "until": [], "retries": None}
    task = SimpleNamespace(action=NAME, args=args, check_mode=check_mode, diff=diff, **once)
    connection = SimpleNamespace(_shell=SimpleNamespace(tmpdir="/tmp"))
    return action.ActionModule(task, connection, play_context=None, loader=None, templar=None)


@pytest.fixture
def call(capsys):
    def call(module, **args):
        if module is ipvs_table:
            result = act(args).run(task_vars={})
        else:
            with patch_module_args(args), contextlib.suppress(SystemExit):
                module.main()
            result = json.loads(capsys.readouterr().out)
        result.pop("invocation")
        return result

    return call


@pytest.fixture
def four_runs(host, call):
    """Check, do, check, do: give what the first two say, which is the same, and see that the others do nothing."""

    def four_runs(module, **args):
        host.ipvsadm.read_only = True
        predicted = call(module, _ansible_check_mode=True, _ansible_diff=True, **args)
        assert host.ipvsadm.processes == ["ipvsadm -R"]
        host.ipvsadm.read_only = False
        done = call(module, _ansible_diff=True, **args)
        assert predicted == done
        assert done["commands"] == [f"ipvsadm {line}" for line in host.ipvsadm.written]
        assert done["changed"] == bool(done["commands"])
        host.ipvsadm.read_only = True
        for check_mode in (True, False):
            again = call(module, _ansible_check_mode=check_mode, _ansible_diff=True, **args)
            assert (again["changed"], again["commands"]) == (False, [])
            assert (again["diff"]["before"], again["diff"]["after"]) == ("", "")
        return done

    return four_runs


# ---- ipvs_table


def test_table(four_runs):
    services = [{**WEB, "scheduler": "wlc", "real_servers": [{"address": "192.0.2.22", "weight": 0}]}]
    done = four_runs(ipvs_table, services=services)
    assert done["commands"] == ["ipvsadm -e -t 192.0.2.100:443 -r 192.0.2.22:443 -g -w 0"]
    # The other service is not affected.
    assert done["diff"]["before"] == (
        "-A -t 192.0.2.100:443 -s wlc\n"
        "-a -t 192.0.2.100:443 -r 192.0.2.21:443 -g -w 1 -x 100 -y 80\n"
        "-a -t 192.0.2.100:443 -r 192.0.2.22:443 -g -w 1\n"
    )
    assert done["diff"]["after"] == done["diff"]["before"].replace("22:443 -g -w 1", "22:443 -g -w 0")


def test_table_purged(four_runs, host):
    done = four_runs(ipvs_table, services=[{"fwmark": 5, "family": "ipv6"}], purge="table")
    assert done["commands"] == [
        "ipvsadm -A -f 5 -6 -s wlc",
        "ipvsadm -D -t 192.0.2.100:443",
        "ipvsadm -D -u 192.0.2.100:53",
    ]
    assert host.ipvsadm.save() == ["-A -f 5 -6 -s wlc"]


def test_an_empty_table(four_runs, host):
    assert len(four_runs(ipvs_table, services=[], purge="table")["commands"]) == 2
    assert host.ipvsadm.save() == []


def test_all_faults_in_one_message(host, call):
    host.ipvsadm.read_only = True
    services = [{**WEB, "scheduler": "twos"}, {**WEB, "port": 0, "real_servers": [{"address": "x", "weight": 70000}]}]
    result = call(ipvs_table, services=services)
    assert (result["failed"], result["changed"], result["commands"]) == (True, False, [])
    assert [error.partition(":")[0] for error in result["errors"]] == [
        "services[1].port=0",
        "services[1].real_servers[0].address='x'",
        "services[1].real_servers[0].weight=70000",
        "services[0].scheduler='twos'",
    ]
    assert all(error in result["msg"] for error in result["errors"])
    assert host.ipvsadm.processes == []


def test_what_ipvsadm_refuses(host, call):
    refused = "-a -t 192.0.2.100:443 -r 192.0.2.25:443 -g -w 1"
    host.ipvsadm.refuse = {refused}
    services = [{**WEB, "scheduler": "rr", "real_servers": [{"address": "192.0.2.25"}]}]
    result = call(ipvs_table, services=services, purge="table")
    assert (result["failed"], result["changed"]) == (True, True)
    assert result["commands"] == result["applied"] == ["ipvsadm -E -t 192.0.2.100:443 -s rr"]
    assert result["not_applied"] == [
        f"ipvsadm {refused}",
        "ipvsadm -d -t 192.0.2.100:443 -r 192.0.2.21:443",
        "ipvsadm -d -t 192.0.2.100:443 -r 192.0.2.22:443",
        "ipvsadm -D -u 192.0.2.100:53",
    ]
    assert "1 of 5 commands applied" in result["msg"]
    assert (result["rc"], result["stderr"]) == (255, "Memory allocation problem\n")


def test_nothing_changed_when_the_only_command_is_refused(host, call):
    host.ipvsadm.refuse = {"-e -t 192.0.2.100:443 -r 192.0.2.22:443 -g -w 7"}
    services = [{**WEB, "real_servers": [{"address": "192.0.2.22", "weight": 7}]}]
    result = call(ipvs_table, services=services)
    assert (result["failed"], result["changed"], result["applied"]) == (True, False, [])


def test_not_known_what_was_done(host, call):
    run = host.ipvsadm.run

    def die_when_written(argv, stdin=None):
        if "-e " in stdin:
            host.ipvsadm.unusable = Completed(-9, "", "")
        return run(argv, stdin)

    host.ipvsadm.run = die_when_written
    services = [{**WEB, "real_servers": [{"address": "192.0.2.22", "weight": 7}]}]
    result = call(ipvs_table, services=services)
    assert (result["failed"], result["changed"]) == (True, True)
    assert "not known what it did" in result["msg"]


def test_differences(host, call):
    host.ipvsadm.lose = {"-e -t 192.0.2.100:443 -r 192.0.2.22:443 -g -w 7"}
    services = [{**WEB, "scheduler": "rr", "real_servers": [{"address": "192.0.2.22", "weight": 7}]}]
    result = call(ipvs_table, services=services)
    assert result["errors"] == ["ipvsadm -e -t 192.0.2.100:443 -r 192.0.2.22:443 -g -w 7: found -g -w 1"]
    assert (result["failed"], result["changed"]) == (True, True)
    assert result["commands"] == ["ipvsadm -E -t 192.0.2.100:443 -s rr"]


@pytest.mark.parametrize("module", [ipvs_table, ipvs_service, ipvs_real_server, ipvs_info])
def test_no_ipvs(host, call, module):
    host.ipvsadm.unusable = Completed(2, "", "Can't initialize ipvs: Protocol not available\n")
    args = {ipvs_table: {"services": []}, ipvs_service: WEB, ipvs_real_server: {**WEB, "real_server": "192.0.2.21"}}
    result = call(module, **args.get(module, {}))
    assert (result["failed"], result["changed"], result["rc"]) == (True, False, 2)
    assert "modprobe ip_vs" in result["msg"]


def test_output_that_is_not_understood(host, call):
    host.ipvsadm.unusable = Completed(0, "what\n", "")
    assert "ipvsadm printed" in call(ipvs_table, services=[])["msg"]
    assert "could not be read" in call(ipvs_info)["msg"]


def test_a_kernel_that_uses_a_scheduler_is_not_asked_whether_it_has_it(host, call, monkeypatch):
    host.ipvsadm.load("-A -f 9 -s sh -p 9 --pe sip\n")
    monkeypatch.setattr(host, "read", None)
    services = [{**WEB, "scheduler": "sh", "persistence_timeout": 9, "persistence_engine": "sip"}, DNS]
    assert call(ipvs_table, services=services[:1])["changed"]
    with pytest.raises(TypeError):
        call(ipvs_table, services=[{**WEB, "scheduler": "lc"}])


def test_a_scheduler_that_the_kernel_lacks(host, call):
    host.ipvsadm.read_only = True
    assert call(ipvs_table, services=[{**WEB, "scheduler": "twos"}])["errors"] == [
        f"services[0].scheduler='twos': the kernel {host.release} has no module ip_vs_twos"
    ]


def test_options_that_are_wrong():
    with pytest.raises(AnsibleActionFail) as caught:
        act({"service": [], "purge": "all"}).run()
    for part in ("missing required arguments: services", f"Unsupported parameters for ({NAME}) module: service", "all"):
        assert part in str(caught.value)


def test_the_document_is_not_sent_back(host):
    once = act({"services": [DNS], "purge": "table"})
    said = {"services": "as given in the task", "purge": "table"}
    assert once.run()["invocation"] == {"module_args": said}
    assert once._task.args == said


@pytest.mark.parametrize("more", [{"retries": 3}, {"until": ["not done.changed"]}])
def test_a_task_that_is_tried_again_keeps_the_document(host, more):
    again = act({"services": [DNS]})
    vars(again._task).update(more)
    again.run()
    assert again._task.args == {"services": [DNS]}


def test_a_document_is_read_as_a_module_would_get_it(monkeypatch):
    monkeypatch.setattr(action, "RemoteHost", lambda action: None)
    monkeypatch.setattr(action, "table_result", lambda host, options, check_mode, diff_mode: options)
    given = [{trust_as_template("address"): trust_as_template("192.0.2.100")}]
    read = act({"services": given}).run()
    assert (read["services"], read["purge"]) == (given, "none")
    ((name, value),) = read["services"][0].items()
    # Without what Ansible says of each value: thousands of such values would be read slowly.
    assert {type(name), type(value)} == {str} != {type(given[0]["address"])}


# ---- ipvs_service


def test_service_that_is_new(four_runs):
    done = four_runs(ipvs_service, **{**WEB, "port": 80}, scheduler="mh", scheduler_flags=["mh-port"])
    assert done["commands"] == ["ipvsadm -A -t 192.0.2.100:80 -s mh -b mh-port"]
    assert (done["diff"]["before"], done["diff"]["after"]) == ("", "-A -t 192.0.2.100:80 -s mh -b mh-port\n")


def test_service_that_is_there(four_runs, host):
    done = four_runs(ipvs_service, **WEB, persistence_timeout="300", persistence_netmask=24)
    assert done["commands"] == ["ipvsadm -E -t 192.0.2.100:443 -s wlc -p 300 -M 255.255.255.0"]
    assert done["removed_real_servers"] == []
    assert len(host.ipvsadm.save()) == 5


def test_service_removed(four_runs, host):
    done = four_runs(ipvs_service, **WEB, state="absent")
    assert done["commands"] == ["ipvsadm -D -t 192.0.2.100:443"]
    assert done["removed_real_servers"] == ["192.0.2.21:443", "192.0.2.22:443"]
    assert len(host.ipvsadm.save()) == 2


def test_service_that_was_never_there(four_runs):
    assert four_runs(ipvs_service, fwmark=9, state="absent")["commands"] == []


def test_port_0_can_be_removed(call, host):
    host.ipvsadm.load("-A -t 192.0.2.1:0 -s rr -p 5\n")
    assert call(ipvs_service, protocol="tcp", address="192.0.2.1", port=0, state="absent")["changed"]


def test_faults_of_a_service(host, call):
    host.ipvsadm.read_only = True
    args = {**WEB, "port": "0", "scheduler": "x", "one_packet": "perhaps", "persistence_netmask": 24, "family": "ipv4"}
    errors = call(ipvs_service, **args)["errors"]
    assert [error.partition("=")[0] for error in errors] == [
        "one_packet",
        "family",
        "persistence_netmask",
        "port",
        "scheduler",
    ]


# ---- ipvs_real_server


def test_real_server_that_is_new(four_runs):
    done = four_runs(ipvs_real_server, **WEB, real_server="192.0.2.23", weight="0")
    assert done["commands"] == ["ipvsadm -a -t 192.0.2.100:443 -r 192.0.2.23:443 -g -w 0"]


def test_real_server_that_is_there(four_runs):
    args = {"real_server": "192.0.2.21", "method": "nat", "real_server_port": 443}
    done = four_runs(ipvs_real_server, **WEB, **args)
    # Thresholds that are not asked for go.
    assert done["commands"] == ["ipvsadm -e -t 192.0.2.100:443 -r 192.0.2.21:443 -m -w 1"]


def test_real_server_removed(four_runs):
    done = four_runs(ipvs_real_server, **DNS, real_server="192.0.2.21", state="absent")
    assert done["commands"] == ["ipvsadm -d -u 192.0.2.100:53 -r 192.0.2.21:53"]


@pytest.mark.parametrize("args", [{**DNS, "real_server": "192.0.2.99"}, {"fwmark": 9, "real_server": "192.0.2.21"}])
def test_real_server_that_was_never_there(four_runs, args):
    assert four_runs(ipvs_real_server, **args, state="absent")["commands"] == []


@pytest.mark.parametrize("check_mode", [True, False])
def test_real_server_without_a_service(host, call, check_mode):
    host.ipvsadm.read_only = True
    result = call(ipvs_real_server, fwmark=9, real_server="192.0.2.21", _ansible_check_mode=check_mode)
    assert result["errors"] == ["-f 9: there is no such virtual service; add it with lautan.lvs.ipvs_service first"]


def test_faults_of_a_real_server(host, call):
    host.ipvsadm.read_only = True
    args = {"real_server": "2001:db8::1", "real_server_port": 8443, "weight": 70000, "tunnel_port": 5}
    assert [error.partition(":")[0] for error in call(ipvs_real_server, **WEB, **args)["errors"]] == [
        "weight=70000",
        "tunnel_port=5",
        "real_server='2001",
        "real_server_port=8443",
    ]


# ---- ipvs_info


def test_info_feeds_the_table(host, call):
    host.ipvsadm.services.clear()
    rules = [line for line in fixture("debian12-rules.txt").splitlines() if "::ffff:198.18.9.29" not in line]
    host.ipvsadm.load("\n".join(rules))
    host.ipvsadm.read_only = True
    info = call(ipvs_info)
    assert host.ipvsadm.processes == ["ipvsadm -R"]
    assert len(info["services"]) == len(info["counters"]) == 15
    result = call(ipvs_table, services=info["services"], purge="table")
    assert (result["changed"], result["commands"]) == (False, [])


def test_info(host, call):
    host.ipvsadm.daemons = ["master sync daemon (mcast=lo, syncid=7, maxlen=1472, group=224.0.0.81, port=8848, ttl=1)"]
    info = call(ipvs_info)
    assert info["timeouts"] == {"tcp": 900, "tcpfin": 120, "udp": 300}
    assert (info["version"], info["table_size"], info["kernel"]) == ("1.2.1", 4096, host.release)
    assert [daemon["syncid"] for daemon in info["sync_daemons"]] == [7]
    assert info["services"][0] == {
        "protocol": "tcp",
        "address": "192.0.2.100",
        "port": 443,
        "scheduler": "wlc",
        "real_servers": [
            {
                "address": "192.0.2.21",
                "port": 443,
                "method": "dr",
                "weight": 1,
                "upper_threshold": 100,
                "lower_threshold": 80,
            },
            {"address": "192.0.2.22", "port": 443, "method": "dr", "weight": 1},
        ],
    }
    assert "connections" not in info


def test_info_with_connections(host, call):
    host.files["/proc/net/ip_vs_conn"] = (
        "Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData\n"
        "TCP CB007107 C35B C0000264 01BB C0000215 01BB ESTABLISHED     899\n"
        "TCP CB007108 C35B C0000264 01BB C0000216 01BB ESTABLISHED     899\n"
    )
    assert len(call(ipvs_info, connections=True)["connections"]) == 2
    assert len(call(ipvs_info, connections=True, real_server="192.0.2.22")["connections"]) == 1


def test_faults_of_info(host, call):
    errors = call(ipvs_info, client="x")["errors"]
    assert [error.partition("=")[0] for error in errors] == ["client"]
    errors = call(ipvs_info, client="192.0.2.1")["errors"]
    assert errors == ["connections=False: must be true for service, client and real_server to have a meaning"]


# ---- documentation


def test_documentation_names_every_option():
    services = yaml.safe_load(ipvs_table.DOCUMENTATION)["options"]["services"]["suboptions"]
    assert {*services} == {*SERVICE_FIELDS, "real_servers"}
    assert {*services["real_servers"]["suboptions"]} == {*REAL_FIELDS}


@pytest.mark.parametrize("module", [ipvs_table, ipvs_service, ipvs_real_server, ipvs_info])
def test_examples_are_right(module):
    tasks = [task for task in yaml.safe_load(module.EXAMPLES) if "lautan.lvs.ipvs_table" in task]
    documents = [task["lautan.lvs.ipvs_table"]["services"] for task in tasks]
    for document in documents:
        if not isinstance(document, str):
            read(document)
    assert documents or module not in (ipvs_table, ipvs_info)
