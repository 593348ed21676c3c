# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files that somebody else wrote: what is read, and what is named as not read."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.parse import parse
from ansible_collections.lautan.lvs.tests.unit.plugins.module_utils._keepalived.fake_director import fixture


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("include /etc/keepalived/conf.d/*.conf\n", "line 1: another file: include /etc/keepalived/conf.d/*.conf"),
        ("\n\nfoo 1\n", "line 3: unknown keyword 'foo'"),
        ("global_defs {\n foo 1\n}\n", "line 2: unknown keyword 'foo'"),
        ("global_defs {\n router_id a\n", "line 1: an opening brace that is never closed"),
        ("}\n", "line 1: a closing brace with no opening one"),
        ("@x instance a\n", "line 1: a line for one config-id only: @x instance a"),
        ("~SEQ(i, 1, 2) instance $i\n", "line 1: a repetition: ~SEQ(i, 1, 2) instance $i"),
        ("$A=\\\n", "line 1: a definition of several lines: $A"),
        ("instance $_PWD\n", "line 1: a definition that keepalived makes: $_PWD"),
        ("global_defs {\n router_id a\n router_id b\n}\n", "line 3: router_id for the second time; it was 'a' before"),
        ("vrrp_instance a {\n priority 300\n}\n", "line 2: priority: '300': must be from 1 to 255"),
        ("vrrp_instance a {\n nopreempt 1\n}\n", "line 2: nopreempt: no value expected, '1' found"),
        (
            "vrrp_instance a {\n virtual_ipaddress {\n 192.0.2.1 via x\n }\n}\n",
            "line 3: 192.0.2.1 via x: unknown word 'via'",
        ),
        ("virtual_server 192.0.2.1 10000-10100 {\n}\n", "line 1: virtual_server: '10000-10100': must be one number"),
        ("global_defs\n", "line 1: global_defs: an opening brace is missing"),
        ('global_defs {\n router_id "a\n}\n', "line 2: router_id: a quote is not closed"),
    ],
)
def test_what_cannot_be_represented(text, problem):
    (found,) = parse(text).problems
    assert str(found).startswith(problem)


def test_a_password_is_not_in_a_problem():
    text = "vrrp_instance a {\n authentication {\n auth_pass geheim extra\n auth_pass one\n auth_pass two\n }\n}\n"
    problems = [str(problem) for problem in parse(text).problems]
    assert [problem.split(":")[0] for problem in problems] == ["line 3", "line 5"]
    assert not any(word in problem for problem in problems for word in ("geheim", "one", "two"))


@pytest.mark.parametrize(("config_id", "found"), [("a", {"instance": "one"}), ("b", {"instance": "two"})])
def test_conditions(config_id, found):
    imported = parse("@a instance one\n@^a instance two\n@c @b instance three\n", config_id)
    assert (imported.document, imported.problems) == (found, ())


@pytest.mark.parametrize(
    "text",
    [
        "vrrp_instance a { priority 7 }",
        "vrrp_instance a\n{\npriority 7\n}",
        "vrrp_instance a {\npriority 7 }",
        "vrrp_instance a { priority 7\n}",
        'vrrp_instance "a" { # {\n"priority" 7 ! }\n }',
    ],
)
def test_places_for_braces(text):
    imported = parse(text)
    assert (imported.document, imported.problems) == ({"vrrp_instances": [{"name": "a", "priority": 7}]}, ())


def test_definitions():
    imported = parse("$A=1\n$B = ${A}0\nvrrp_instance a {\npriority $B$A\n}\n")
    assert imported.document == {"vrrp_instances": [{"name": "a", "priority": 101}]}


def test_blocks_in_parts():
    imported = parse("global_defs {\nlvs_flush\n}\nglobal_defs {\nrouter_id a\n}\n")
    assert (imported.document, imported.problems) == ({"global_defs": {"lvs_flush": True, "router_id": "a"}}, ())


PIECES = [*"{}\"'\\#!$@~ \nab1", "vrrp_instance", "state", "real_server", "virtual_server", "192.0.2.1", "$_PWD"]


@given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join))
def test_nothing_breaks_it(text):
    parse(text)


@given(st.integers(0, 400))
@settings(max_examples=30)
def test_a_file_that_was_cut_off_is_noticed(lines):
    """What is missing at the end may be whole blocks, but never half of one."""
    text = fixture("director.conf").split("\n")
    cut = text[: lines % len(text)]
    depth = sum(line.count("{") - line.count("}") for line in cut)
    assert bool(parse("\n".join(cut)).problems) == bool(depth)
