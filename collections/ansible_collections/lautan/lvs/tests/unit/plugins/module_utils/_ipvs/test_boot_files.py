# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files that decide about IPVS at boot: rules, /etc/default/ipvsadm, and keepalived's configuration."""

from __future__ import annotations

from pathlib import Path
from subprocess import run

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.boot_defaults import is_set, setting, with_settings
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.boot_host import File
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.boot_keepalived import Keepalived, keepalived
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.boot_rules import Ipvs, has_rules, parse_file, rules_file
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.read import parse_table
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.timeouts import LONGEST, Timeouts
from ansible_collections.lautan.lvs.tests.unit.plugins.module_utils._ipvs.fake_director import (
    KEEPALIVED_CONF,
    FakeDirector,
    fixture,
)
from ansible_collections.lautan.lvs.tests.unit.plugins.module_utils._ipvs.test_daemon import DAEMONS

DEBIAN = fixture("debian13-default-ipvsadm.txt")
TABLE = parse_table(fixture("debian12-table-timeouts-daemons.txt"))

# ---- /etc/ipvsadm.rules


@given(
    timeouts=st.builds(Timeouts, *[st.integers(1, LONGEST)] * 3),
    daemons=st.lists(DAEMONS, unique_by=lambda daemon: daemon.role).map(lambda found: tuple(sorted(found))),
    keys=st.sets(st.sampled_from(sorted(TABLE))),
)
def test_what_is_written_is_read(timeouts, daemons, keys):
    ipvs = Ipvs(timeouts, daemons, {key: TABLE[key] for key in keys})
    text = rules_file(ipvs)
    assert parse_file(text) == ipvs
    assert not text.splitlines()[-1].startswith("--start-daemon")


@pytest.mark.parametrize(
    ("text", "rules"),
    [("", False), ("# ipvsadm.rules\n", False), ("#\n\n  \n", False), ("-C\n", True), (" # no comment\n", True)],
)
def test_has_rules(text, rules):
    """Debian removes the lines that begin with #, and no others."""
    assert has_rules(text) == rules


# ---- /etc/default/ipvsadm


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (DEBIAN, "false"),
        ("AUTO=true\n", "true"),
        ("AUTO='true'", "true"),
        (' AUTO="true" \n', "true"),
        ("AUTO=\n", ""),
        ('AUTO="false"\nAUTO="true"\n', "true"),
        ('AUTO="true"\n#AUTO="false"\n', "true"),
        ("#AUTO=true\n", None),
        ("AUTOMATIC=true\n", None),
        ("", None),
        # systemd and the shell do not agree on these
        ("export AUTO=true\n", None),
        ('AUTO="true" # boot\n', None),
        ("AUTO=$OTHER\n", None),
    ],
)
def test_a_setting(text, value):
    assert setting(text, "AUTO") == value


def test_it_is_edited_in_place():
    expected = DEBIAN.replace('AUTO="false"', 'AUTO="true"')
    assert expected != DEBIAN
    assert with_settings(DEBIAN, {"AUTO": "true", "DAEMON": "none"}) == expected


WORDS = st.sampled_from(["true", "false", "none", "both", ""])
LINES = st.sampled_from(["# a comment", "", 'IFACE="eth0"\t', "SYNCID=7", "AUTOMATIC=x", '# AUTO="no"']) | st.builds(
    "{}{}={}{}{}".format,
    st.sampled_from(["", " ", "export "]),
    st.sampled_from(["AUTO", "DAEMON"]),
    st.sampled_from(["", '"']).flatmap(lambda quote: WORDS.map(lambda word: f"{quote}{word}{quote}")),
    st.sampled_from(["", " ", "\t# a comment"]),
    st.just(""),
)


@given(lines=st.lists(LINES, max_size=8), auto=WORDS)
def test_any_file(lines, auto):
    text = "".join(f"{line}\n" for line in lines)
    new = with_settings(text, {"AUTO": auto})
    assert setting(new, "AUTO") == auto
    assert with_settings(new, {"AUTO": auto}) == new
    assert setting(new, "DAEMON") == setting(text, "DAEMON")
    before, after = text.splitlines(), new.splitlines()
    changed = [number for number, line in enumerate(before) if after[number] != line]
    assert len(changed) + len(after) - len(before) == (setting(text, "AUTO") != auto)


@pytest.mark.parametrize(
    "lines", [['AUTO="no"'], ["export AUTO=no", "DAEMON=both # x"], ["DAEMON=none"], ['AUTO="a b"']]
)
def test_the_shell_reads_the_same(tmp_path: Path, lines):
    file = tmp_path / "ipvsadm"
    file.write_text(with_settings("\n".join(lines), {"AUTO": "true", "DAEMON": "none"}), encoding="utf-8")
    shell = run(["sh", "-c", f'. {file}; echo "$AUTO $DAEMON"'], capture_output=True, text=True, check=True)
    assert shell.stdout == "true none\n"


def test_is_set():
    assert is_set("export DAEMON=x # y\n", "DAEMON")
    assert not is_set(DEBIAN, "SYNCID")


# ---- keepalived


def configured(**texts):
    director = FakeDirector()
    for name, text in texts.items():
        path = KEEPALIVED_CONF if name == "main" else f"/etc/keepalived/{name.replace('__', '/')}.conf"
        director.files[path] = File(text, 0o644)
    return keepalived(director)


@pytest.mark.parametrize(
    "line",
    [
        "virtual_server 192.0.2.100 80 {",
        "\tvirtual_server fwmark 21 {  # media",
        "virtual_server group web {",
        "@main virtual_server 192.0.2.100 80 {",
        "@^main virtual_server 192.0.2.100 80 {",
    ],
)
def test_virtual_servers(line):
    found = configured(main=f"global_defs {{\n}}\n{line}\n}}\n")
    assert found.virtual_server.startswith(f"{KEEPALIVED_CONF}: virtual_server ")
    assert found.sync_daemon is None


@pytest.mark.parametrize(
    "line",
    [
        "# virtual_server 192.0.2.100 80 {",
        "! virtual_server 192.0.2.100 80 {",
        "virtual_server_group web {",
        "vrrp_instance virtual_server {",
        "include conf.d/none.conf",
        "",
    ],
)
def test_no_virtual_servers(line):
    assert configured(main=f"{line}\n") == Keepalived()


def test_no_keepalived():
    assert keepalived(FakeDirector()) == Keepalived()


def test_sync_daemon():
    found = configured(main="global_defs {\n  lvs_sync_daemon eth1 VI_1 id 7 ! both\n}\n")
    assert found == Keepalived(None, f"{KEEPALIVED_CONF}: lvs_sync_daemon eth1 VI_1 id 7")


@pytest.mark.parametrize("word", ["include", "includer", "includea", "includewm", "@main include"])
@pytest.mark.parametrize("pattern", ["conf.d/*.conf", '"conf.d/web.conf"', "/etc/keepalived/conf.d/w*"])
def test_includes(word, pattern):
    found = configured(main=f"{word} {pattern}\n", **{"conf.d__web": "virtual_server fwmark 1 {\n"})
    assert found.virtual_server == "/etc/keepalived/conf.d/web.conf: virtual_server fwmark 1 {"


def test_includes_that_never_end():
    found = configured(main="include keepalived.conf\ninclude b.conf\n", b="include *.conf\nvirtual_server a b {\n")
    assert found.virtual_server == "/etc/keepalived/b.conf: virtual_server a b {"
