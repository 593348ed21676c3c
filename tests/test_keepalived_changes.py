# Copyright (c) 2026, lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""tools/keepalived_changes.py: valid ones are valid and harmless, invalid ones are wrong in the way that they say.

The fixtures are the file that playbooks/site.yml gives director1 of the lab, and what `keepalived --config-test` of
Debian 12 said, on a host with eth0, of what passes the module's own checks, with the digest of each text that it tried.
"""

from __future__ import annotations

import copy
import hashlib
import itertools
import json
import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.lautan.lvs.plugins.module_utils._failures import Mistakes
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived import ensure, trial
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.parse import parse
from ansible_collections.lautan.lvs.plugins.module_utils._runner import Completed
from ansible_collections.lautan.lvs.tests.unit.plugins.module_utils._keepalived import fake_director
from tools import keepalived_changes
from tools.keepalived_changes import FILE, KEEPALIVED, MODULE, Change, Config, plan, put, services, vips

FIXTURES = Path(__file__).parent / "fixtures"
TEXT = (FIXTURES / "director1-keepalived.conf").read_text(encoding="utf-8")
ORIGINAL = parse(TEXT).document
VIP = "198.18.0.100"
SAID = json.loads((FIXTURES / "keepalived-2.2.7-refusals.json").read_text(encoding="utf-8"))

EVERY = plan(ORIGINAL, VIP, 110, 32)
VALID = [change for change in EVERY if change.valid]
BY_MODULE = [change for change in EVERY if change.refused_by == MODULE and not change.before]
BY_KEEPALIVED = [change for change in EVERY if change.refused_by == KEEPALIVED]
BY_HAND = next(change for change in EVERY if change.kind == "file edited by hand")

seeds = given(seed=st.integers(0, 10**6))
# Each plan is of two rounds of all valid kinds.
few = settings(max_examples=20, deadline=None)


def two_rounds(seed: int) -> list[Change]:
    return plan(ORIGINAL, VIP, 28, 0, seed)


def candidate(config: Config, version: tuple[int, int, int] = (2, 2, 7)) -> tuple[ensure.Candidate, list[str]]:
    outcome = ensure.Outcome()
    return ensure.make_candidate(config, version, outcome), outcome.warnings


def test_as_many_of_each_as_asked() -> None:
    assert (len(VALID), len(EVERY)) == (78, 110)
    assert [sum(not change.valid for change in plan(ORIGINAL, VIP, 8, some)) for some in (0, 4, 8)] == [0, 4, 8]


def test_each_invalid_one_is_of_another_kind() -> None:
    assert len({change.kind for change in EVERY if not change.valid}) == 32
    assert len(BY_KEEPALIVED) >= 9


def test_a_seed_always_gives_the_same() -> None:
    again = copy.deepcopy(ORIGINAL)
    assert plan(again, VIP, 110, 32) == EVERY
    assert again == ORIGINAL  # and does not touch what it is given
    assert plan(ORIGINAL, VIP, 110, 32, seed=8) != EVERY


def test_valid_and_invalid_are_interleaved() -> None:
    switches = sum(one.valid != other.valid for one, other in itertools.pairwise(EVERY))
    assert switches > 20


# --- Valid ones ---


@pytest.mark.parametrize("version", [(2, 2, 7), (2, 3, 3)])
@few
@seeds
def test_valid_ones_pass_the_checks_of_the_module(version: tuple[int, int, int], seed: int) -> None:
    for change in two_rounds(seed):
        _, warnings = candidate(change.config, version)
        assert warnings == [], change.kind


@few
@seeds
def test_each_valid_one_gives_another_file_than_the_one_before(seed: int) -> None:
    texts = [TEXT, *(candidate(change.config)[0].file.text for change in two_rounds(seed))]
    for before, after in itertools.pairwise(texts):
        assert before != after


@few
@seeds
def test_valid_ones_leave_the_vips_where_they_are(seed: int) -> None:
    (before,) = ORIGINAL["vrrp_instances"]
    for change in two_rounds(seed):
        (after,) = change.config["vrrp_instances"]
        assert {key for key in before | after if before.get(key) != after.get(key)} <= {
            "virtual_ipaddress_excluded",
            "notify",
        }
        assert set(vips(before)) <= set(vips(after))
        assert change.config["track_files"] == ORIGINAL["track_files"]


@few
@seeds
def test_valid_ones_leave_every_service_a_real_server(seed: int) -> None:
    for change in two_rounds(seed):
        after = dict(services(change.config))
        for path, service in services(ORIGINAL):
            same = ("ip", "port", "protocol", "lvs_sched", "lvs_method", "mh-port", "mh-fallback")
            assert [after[path].get(key) for key in same] == [service.get(key) for key in same]
            assert [server["ip"] for server in after[path]["real_servers"]] == [
                server["ip"] for server in service["real_servers"]
            ]
            heavier = [server["ip"] for server in after[path]["real_servers"] if server["weight"] != 1]
            assert len(heavier) <= 1
            assert after[path]["connect_timeout"] >= service["connect_timeout"]


def test_a_hundred_have_every_valid_kind() -> None:
    assert len({change.kind for change in VALID}) == 13


def test_a_hundred_have_a_weight_of_0() -> None:
    assert 0 in {
        server["weight"] for change in VALID for _, s in services(change.config) for server in s["real_servers"]
    }


def test_the_instance_that_the_director_is_master_of_gets_the_vips() -> None:
    other = ORIGINAL["vrrp_instances"][0] | {
        "name": "lvs_51",
        "virtual_router_id": 51,
        "virtual_ipaddress": ["198.18.0.109/32"],
        "virtual_ipaddress_excluded": [],
    }
    two = put(ORIGINAL, "vrrp_instances", lambda old: [other, *old])
    changed = [change for change in plan(two, VIP, 14, 0) if change.kind == "more VIPs"]
    assert [change.config["vrrp_instances"][0] for change in changed] == [other]
    assert set(vips(changed[0].config["vrrp_instances"][1])) > {VIP}


# --- Invalid ones ---


@pytest.mark.parametrize("change", BY_MODULE, ids=lambda change: change.kind)
def test_the_module_refuses(change: Change) -> None:
    with pytest.raises(Mistakes) as refused:
        candidate(change.config)
    assert any(change.says in line for line in refused.value.mistakes), refused.value.mistakes


def test_what_keepalived_said_was_captured_for_every_kind() -> None:
    assert {change.kind for change in BY_KEEPALIVED} == SAID.keys()


@pytest.mark.parametrize("change", BY_KEEPALIVED, ids=lambda change: change.kind)
def test_only_keepalived_refuses(change: Change) -> None:
    tried, _ = candidate(change.config)
    said = SAID[change.kind]
    assert hashlib.sha256(tried.file.text.encode()).hexdigest() == said["sha256"], "it said that of another text"
    verdict = trial.judge(Completed(said["rc"], said["stdout"], said["stderr"]), tried.lines, tried.document)
    assert any(change.says in line for line in verdict.faults), verdict.faults


@pytest.mark.parametrize("edited", [True, False])
def test_an_edited_file_is_why_a_good_configuration_is_refused(edited: bool) -> None:
    host = fake_director.FakeDirector()
    host.put(FILE, TEXT + ("# by hand\n" if edited else ""))
    wanted = ensure.Wanted(FILE, BY_HAND.config)
    if not edited:
        ensure.ensure(host, wanted, True, outcome := ensure.Outcome(), lambda _: None)
        assert outcome.changed
        return
    with pytest.raises(Mistakes) as refused:
        ensure.ensure(host, wanted, True, ensure.Outcome(), lambda _: None)
    assert any(BY_HAND.says in line for line in refused.value.mistakes)


def in_shell(command: str, file: Path) -> None:
    subprocess.run(["sh", "-c", command.replace(FILE, str(file))], check=True)


def test_the_edit_is_undone(tmp_path: Path) -> None:
    file = tmp_path / "keepalived.conf"
    file.write_text(TEXT, encoding="utf-8")
    os.utime(file, (1_700_000_000, 1_700_000_000))
    in_shell(BY_HAND.before, file)
    assert file.read_text(encoding="utf-8") == TEXT + "# by hand\n"
    in_shell(BY_HAND.after, file)
    assert file.read_text(encoding="utf-8") == TEXT
    # The module takes a file that is younger than the last reload for one that was never read.
    assert file.stat().st_mtime == 1_700_000_000
    assert list(tmp_path.iterdir()) == [file]


def test_what_was_written_over_the_edited_file_stays(tmp_path: Path) -> None:
    file = tmp_path / "keepalived.conf"
    file.write_text(TEXT, encoding="utf-8")
    in_shell(BY_HAND.before, file)
    file.write_text("something else\n", encoding="utf-8")
    in_shell(BY_HAND.after, file)
    assert file.read_text(encoding="utf-8") == "something else\n"
    assert list(tmp_path.iterdir()) == [file]


# --- Paths ---


@pytest.mark.parametrize(
    ("path", "value", "changed"),
    [
        ("a", 2, {"a": 2, "b": [{"c": 1}]}),
        ("b[0].c", 2, {"a": 1, "b": [{"c": 2}]}),
        ("b[0].d", 2, {"a": 1, "b": [{"c": 1, "d": 2}]}),
        ("b[0]", 2, {"a": 1, "b": [2]}),
        ("b[0].c", ..., {"a": 1, "b": [{}]}),
        ("b", lambda old: [*old, 7], {"a": 1, "b": [{"c": 1}, 7]}),
        ("d", lambda old: old, {"a": 1, "b": [{"c": 1}], "d": None}),
    ],
)
def test_put(path: str, value: object, changed: Config) -> None:
    config = {"a": 1, "b": [{"c": 1}]}
    assert put(config, path, value) == changed
    assert config == {"a": 1, "b": [{"c": 1}]}


def test_the_spare_addresses_are_not_used() -> None:
    inventory = (Path(__file__).parent.parent / "inventory/lab/hosts.yml").read_text(encoding="utf-8")
    for address in (keepalived_changes.SPARE_ADDRESS, *keepalived_changes.SPARE_VIPS):
        bare = address.partition("/")[0]
        assert bare not in inventory
        assert bare not in TEXT
