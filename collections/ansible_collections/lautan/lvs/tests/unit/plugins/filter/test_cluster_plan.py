# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter: what it reads out of an inventory, and what becomes of values that it cannot read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleError, AnsibleFilterError, AnsibleUndefinedVariable
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible.vars.hostvars import HostVars
from ansible.vars.manager import VariableManager

from ansible_collections.lautan.lvs.plugins.filter import cluster_plan as plugin
from ansible_collections.lautan.lvs.plugins.filter.cluster_plan import FilterModule, cluster_plan
from ansible_collections.lautan.lvs.plugins.plugin_utils import _cluster_plan
from ansible_collections.lautan.lvs.plugins.plugin_utils._cluster_conference import (
    DEFAULT_BITRATE,
    DEFAULT_PEOPLE,
    ROOM_KEYS,
)
from ansible_collections.lautan.lvs.plugins.plugin_utils._cluster_facts import DEFAULTS
from ansible_collections.lautan.lvs.plugins.plugin_utils._cluster_services import DEFAULT_CHECK_PATH, KEYS

SHARED = {"lvs_domain": "meet.example.org", "lvs_networks": ["198.18.0.0/24"], "lvs_vips": ["198.18.0.100"]}
GROUPS = {"all": ["d1", "rs1", "rs2", "other"], "directors": ["d1"], "real_servers": ["rs1", "rs2"]}


class Variables(Mapping[str, Any]):
    """The variables of one host: an exception is raised on access, as templating does; accesses are recorded."""

    def __init__(self, values: dict[str, Any]) -> None:
        self.values_by_name = values
        self.read: list[str] = []

    def __getitem__(self, name: str) -> Any:
        self.read.append(name)
        value = self.values_by_name[name]
        if isinstance(value, Exception):
            raise value
        return value

    def __iter__(self) -> Iterator[str]:
        return iter(self.values_by_name)

    def __len__(self) -> int:
        return len(self.values_by_name)

    def __contains__(self, name: object) -> bool:
        return name in self.values_by_name


def inventory(**changes: dict[str, Any]) -> dict[str, Variables]:
    """Variables of one director and two real servers; ``changes`` are added to those of a host."""
    addresses = {"d1": "198.18.0.1", "rs1": "198.18.0.11", "rs2": "198.18.0.12", "other": "192.0.2.1"}
    return {
        host: Variables(
            {**SHARED, "ansible_host": address, "junk": RuntimeError("not to be read"), **changes.get(host, {})}
        )
        for host, address in addresses.items()
    }


def message_of(hostvars: Any, groups: Any = None, **options: str) -> str:
    with pytest.raises(AnsibleFilterError) as caught:
        cluster_plan(hostvars, GROUPS if groups is None else groups, **options)
    return str(caught.value)


def lines_of(hostvars: Any, groups: Any = None, **options: str) -> list[str]:
    heading, *lines = message_of(hostvars, groups, **options).splitlines()
    assert heading == f"The cluster description has {len(lines)} mistake{'' if len(lines) == 1 else 's'}:"
    return lines


def test_filter_is_offered() -> None:
    assert FilterModule().filters() == {"cluster_plan": cluster_plan}


def test_plan() -> None:
    derived = cluster_plan(inventory(rs2={"lvs_weight": "5"}), GROUPS)
    assert [director["name"] for director in derived["directors"]] == ["d1"]
    assert [(server["name"], server["weight"]) for server in derived["real_servers"]] == [("rs1", 1), ("rs2", 5)]


def test_groups_of_other_names() -> None:
    groups = {"edge": ["d1"], "media": ["rs1", "rs2"]}
    derived = cluster_plan(inventory(), groups, directors_group="edge", real_servers_group="media")
    assert derived == cluster_plan(inventory(), GROUPS)


def test_reads_only_what_it_needs() -> None:
    hostvars = inventory(d1={"lvs_plan": RuntimeError("not to be read"), "lvs_typo": RuntimeError("not to be read")})
    lines_of(hostvars)
    known = _cluster_plan.CLUSTER_VARIABLES | _cluster_plan.HOST_VARIABLES | {"ansible_host"}
    for host in ("d1", "rs1", "rs2"):
        assert set(hostvars[host].read) == known & set(hostvars[host])
    assert hostvars["other"].read == []


@pytest.mark.parametrize("groups", [{}, {"directors": [], "real_servers": []}])
def test_missing_groups(groups: dict[str, list[str]]) -> None:
    assert lines_of(inventory(), groups) == [
        "- group 'directors' has no host: a cluster needs at least one director",
        "- group 'real_servers' has no host: a cluster needs at least one real server",
    ]


def test_one_missing_group() -> None:
    lines = lines_of(inventory(), {"real_servers": ["rs1"]})
    assert lines == ["- group 'directors' has no host: a cluster needs at least one director"]


def test_host_in_both_groups() -> None:
    lines = lines_of(inventory(), {"directors": ["d1", "rs1"], "real_servers": ["rs1"]})
    assert len(lines) == 1
    assert lines[0].startswith("- host 'rs1' is in group 'directors' and in group 'real_servers'")


@pytest.mark.parametrize("error", [AnsibleUndefinedVariable("'x' is undefined"), AnsibleError("a vault\nsecret")])
def test_failing_variable_of_a_host(error: Exception) -> None:
    lines = lines_of(inventory(rs1={"lvs_weight": error}, rs2={"lvs_weight": -1}))
    reason = " ".join(str(error).split())
    assert lines[0] == f"- lvs_weight on host 'rs1': cannot be read: {reason}"
    assert lines[1].startswith("- lvs_weight=-1 on host 'rs2': must be")
    assert len(lines) == 2


def test_failing_variable_that_is_not_needed() -> None:
    broken = {"ansible_host": AnsibleUndefinedVariable("x"), "lvs_address": "198.18.0.11"}
    assert cluster_plan(inventory(rs1=broken), GROUPS) == cluster_plan(inventory(), GROUPS)


def test_failing_variable_of_the_cluster_is_one_mistake() -> None:
    broken = {"lvs_vrid": AnsibleUndefinedVariable("'x' is undefined")}
    lines = lines_of(inventory(d1=broken, rs1=broken, rs2=broken))
    assert lines == ["- lvs_vrid on hosts 'd1', 'rs1', 'rs2': cannot be read: 'x' is undefined"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"rs2": {"lvs_vrid": 7}}, "not set on hosts 'd1', 'rs1'; 7 on host 'rs2'"),
        (
            {"d1": {"lvs_vrid": 6}, "rs1": {"lvs_vrid": 7}, "rs2": {"lvs_vrid": 6}},
            "6 on hosts 'd1', 'rs2'; 7 on host 'rs1'",
        ),
        (
            {"d1": {"lvs_vrid": 1}, "rs1": {"lvs_vrid": True}, "rs2": {"lvs_vrid": AnsibleError("broken")}},
            "1 on host 'd1'; True on host 'rs1'; cannot be read: broken on host 'rs2'",
        ),
    ],
)
def test_hosts_disagree(changes: dict[str, Any], said: str) -> None:
    lines = lines_of(inventory(**changes))
    assert lines == [f"- lvs_vrid must be the same on all hosts, for it describes the whole cluster: {said}"]


def test_hosts_outside_the_groups_may_disagree() -> None:
    assert cluster_plan(inventory(other={"lvs_vrid": 7, "lvs_typo": 1}), GROUPS) == cluster_plan(inventory(), GROUPS)


def test_hosts_that_collect_metrics() -> None:
    """They are no part of what the variables of the cluster describe."""
    hostvars = inventory(other={"lvs_vrid": 7})
    derived = cluster_plan(hostvars, {**GROUPS, "monitoring": ["other"]})
    assert derived["monitoring"]["hosts"] == [{"name": "other", "address": "192.0.2.1"}]
    assert "lvs_vrid" not in hostvars["other"].read
    assert cluster_plan(inventory(), {**GROUPS, "watch": ["other"]}, monitoring_group="watch") == derived


def test_homes() -> None:
    groups = {"directors": ["d1", "other"], "real_servers": ["rs1", "rs2"]}
    other = {"ansible_host": "198.18.0.2", "lvs_home_vips": ["198.18.0.100"]}
    (instance,) = cluster_plan(inventory(other=other), groups)["vrrp"]["instances"]
    assert (instance["home"], instance["vips"]) == ("other", ["198.18.0.100"])


def test_typing_errors_are_found_without_reading_the_value() -> None:
    typo = {"lvs_wieght": RuntimeError("not to be read")}
    lines = lines_of(inventory(rs1=typo, rs2=typo))
    assert lines == ["- lvs_wieght on hosts 'rs1', 'rs2': is no variable of this collection; did you mean lvs_weight?"]


@pytest.mark.parametrize(("hostvars", "groups"), [("x", {}), ([], {}), ({}, ["directors"]), ({}, "directors")])
def test_wrong_arguments(hostvars: Any, groups: Any) -> None:
    assert "lautan.lvs.cluster_plan must be a mapping" in message_of(hostvars, groups)


def test_without_netaddr(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugin, "NETADDR_IMPORT_ERROR", ImportError("No module named 'netaddr'"))
    message = message_of(inventory())
    assert "Python library (netaddr)" in message
    assert "lautan.lvs.cluster_plan" in message


# --- a real inventory --------------------------------------------------------------------------------------------

INVENTORY = """
all:
  vars:
    prefix: 198.18.0
    lvs_domain: meet.example.org
    lvs_networks: ["{{ prefix }}.0/24"]
    lvs_vips: ["{{ prefix }}.100"]
    lvs_plan: "{{ hostvars | lautan.lvs.cluster_plan(groups) }}"
  children:
    directors:
      hosts:
        d1: {ansible_host: 198.18.0.1}
        d2: {ansible_host: 198.18.0.2}
    real_servers:
      hosts:
        rs1: {number: 11}
        rs2: {number: 12, lvs_weight: "{{ 2 * 5 }}"}
      vars:
        lvs_address: "{{ prefix }}.{{ number }}"
"""


def real_inventory(path: Path, text: str) -> tuple[HostVars, dict[str, Any], Templar]:
    (path / "hosts.yml").write_text(text, encoding="utf-8")
    loader = DataLoader()
    manager = InventoryManager(loader=loader, sources=[str(path / "hosts.yml")])
    variables = VariableManager(loader=loader, inventory=manager)
    hostvars = HostVars(inventory=manager, variable_manager=variables, loader=loader)
    of_host = {**variables.get_vars(host=manager.get_host("d1")), "hostvars": hostvars, "cluster_plan": cluster_plan}
    return hostvars, manager.get_groups_dict(), Templar(loader=loader, variables=of_host)


def test_real_inventory(tmp_path: Path) -> None:
    hostvars, groups, _templar = real_inventory(tmp_path, INVENTORY)
    derived = cluster_plan(hostvars, groups)
    assert derived["vips"][0]["address"] == "198.18.0.100"
    assert [(server["address"], server["weight"]) for server in derived["real_servers"]] == [
        ("198.18.0.11", 1),
        ("198.18.0.12", 10),
    ]
    # Plain types all the way down, without Ansible's tags.
    assert {type(text) for text in (derived["domain"], derived["directors"][0]["name"])} == {str}


BROKEN = (
    INVENTORY.replace("number: 12", "numer: 12")
    .replace("198.18.0.2}", '"{{ nothing }}"}')
    .replace("2 * 5", "'x' | no.such.filter")
)


def test_real_inventory_with_failing_templates(tmp_path: Path) -> None:
    hostvars, groups, _templar = real_inventory(tmp_path, BROKEN)
    lines = lines_of(hostvars, groups)
    assert len(lines) == 3
    assert lines[0].startswith("- ansible_host on host 'd2': cannot be read: 'nothing' is undefined")
    assert lines[1].startswith("- lvs_address on host 'rs2': cannot be read: ")
    assert "'number' is undefined" in lines[1]
    assert lines[2].startswith("- lvs_weight on host 'rs2': cannot be read: ")
    assert "no.such.filter" in lines[2]


def test_failing_templates_within_a_template(tmp_path: Path) -> None:
    """Within a template, ansible-core hands out markers of failures in place of raising them."""
    _hostvars, groups, templar = real_inventory(tmp_path, BROKEN.replace("prefix }}.100", "nowhere }}.100"))
    templar.available_variables["groups"] = groups
    with pytest.raises(AnsibleError) as caught:
        templar.evaluate_expression(_trusted("cluster_plan(hostvars, groups)"))
    message = str(caught.value)
    assert "The cluster description has 4 mistakes:" in message
    assert "- lvs_vips on hosts 'd1', 'd2', 'rs1' and 1 more: cannot be read: 'nowhere' is undefined" in message
    assert "- ansible_host on host 'd2': cannot be read: 'nothing' is undefined" in message


def _trusted(expression: str) -> str:
    from ansible.template import trust_as_template

    return trust_as_template(expression)


# --- documentation -----------------------------------------------------------------------------------------------


def test_documentation_names_every_variable_and_default() -> None:
    documentation = yaml.safe_load(plugin.DOCUMENTATION)
    notes = " ".join(documentation["notes"])
    for name in _cluster_plan.CLUSTER_VARIABLES | _cluster_plan.HOST_VARIABLES:
        assert f"C({name})" in notes, name
    for name, default in DEFAULTS.items():
        text = notes.split(f"C({name})", 1)[1].split("C(lvs_")[0]
        assert f"default V({_flow(default)})" in text, name
    assert documentation["name"] in FilterModule().filters()


def _flow(value: Any) -> str:
    """As one writes it in YAML on one line."""
    if isinstance(value, tuple):
        return yaml.safe_dump(list(value), default_flow_style=True, sort_keys=False, width=1000).strip()
    return str(value).lower() if isinstance(value, bool) else str(value)


def test_documentation_names_every_key_of_a_room() -> None:
    (note,) = [note for note in yaml.safe_load(plugin.DOCUMENTATION)["notes"] if "C(lvs_rooms)" in note]
    assert re.findall(r"C\((\w+)\) \(", note.split("The keys of a room are", 1)[1]) == list(ROOM_KEYS)
    for name, value in (("people", DEFAULT_PEOPLE), ("bitrate", DEFAULT_BITRATE)):
        assert f"default V({value})" in note.split(f"C({name}) (", 1)[1].split("C(")[0]


def test_pins_are_not_shown_where_hosts_disagree() -> None:
    rooms = [[{"name": "maths", "pin": pin}] for pin in ("tango1", "tango2")]
    (line,) = lines_of(inventory(rs1={"lvs_rooms": rooms[0]}, rs2={"lvs_rooms": rooms[1]}))
    assert line.startswith("- lvs_rooms must be the same on all hosts")
    assert "tango" not in line


def test_documentation_names_every_key_of_a_service() -> None:
    (note,) = [note for note in yaml.safe_load(plugin.DOCUMENTATION)["notes"] if "C(lvs_services)" in note]
    assert re.findall(r"C\((\w+)\) \(", note.split("The keys of a service are", 1)[1]) == list(KEYS)
    for name, value in (("protocol", "tcp"), ("check_path", DEFAULT_CHECK_PATH)):
        assert f"default V({value})" in note.split(f"C({name}) (", 1)[1].split("C(")[0]


def test_documentation_of_the_result_has_every_key() -> None:
    contains = yaml.safe_load(plugin.RETURN)["_value"]["contains"]
    derived = cluster_plan(inventory(), GROUPS)
    assert list(contains) == list(derived)
    for name in ("vips", "directors", "real_servers", "virtual_services", "media_services"):
        assert list(contains[name]["contains"]) == list(derived[name][0]), name
    assert list(contains["conference"]["contains"]) == list(derived["conference"])
    documented = contains["vrrp"]["contains"]["instances"]["contains"]
    assert list(documented) == list(derived["vrrp"]["instances"][0])
    assert contains["vrrp"]["sample"] == derived["vrrp"]
    (of_director,) = derived["directors"][0]["vrrp_instances"]
    assert contains["directors"]["sample"][0]["vrrp_instances"] == [of_director]
