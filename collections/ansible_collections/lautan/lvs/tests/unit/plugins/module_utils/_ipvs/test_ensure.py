# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a document to the kernel, on a fake ipvsadm."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.lautan.lvs.plugins.module_utils._failures import Mistakes
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs import render
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.describe import to_document
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.ensure import ensure
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.listing import listed_table
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.model import Incomplete, NotReached
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.parse import ParseError
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.plan import PURGES, make_plan, merged
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.read import read_table
from ansible_collections.lautan.lvs.plugins.module_utils._runner import CommandError, Completed
from ansible_collections.lautan.lvs.tests.unit.plugins.module_utils._ipvs.fake_ipvsadm import (
    FakeIpvsadm,
    ReadOnlyError,
)
from ansible_collections.lautan.lvs.tests.unit.plugins.module_utils._ipvs.strategies import documents, read

WEB = """
-A -t 192.0.2.100:443 -s wlc
-a -t 192.0.2.100:443 -r 192.0.2.21:443 -g -w 1 -x 100 -y 80
-a -t 192.0.2.100:443 -r 192.0.2.22:443 -g -w 1
-A -t 192.0.2.100:80 -s rr
-a -t 192.0.2.100:80 -r 192.0.2.21:80 -g -w 1
"""


def web(*real_servers: tuple[int, dict], **more) -> list[dict]:
    reals = [{"address": f"192.0.2.{number}", **options} for number, options in real_servers]
    return [{"protocol": "tcp", "address": "192.0.2.100", "port": 443, "real_servers": reals, **more}]


def apply(fake: FakeIpvsadm, document, purge: str = "none", check_mode: bool = False):
    wanted = read(document)
    return ensure(fake.run, lambda current: merged(current, wanted, purge), check_mode)


def loaded(document) -> FakeIpvsadm:
    return FakeIpvsadm().load("\n".join(render.table_lines(read(document))))


def test_a_changed_weight_is_one_edit_with_everything():
    fake = FakeIpvsadm().load(WEB)
    kept = {"upper_threshold": 100, "lower_threshold": 80}
    apply(fake, web((21, {"weight": 0, **kept})))
    assert fake.written == ["-e -t 192.0.2.100:443 -r 192.0.2.21:443 -g -w 0 -x 100 -y 80"]
    assert fake.processes == ["ipvsadm -R"] * 2


def test_no_change_is_one_process():
    fake = FakeIpvsadm().load(WEB)
    fake.read_only = True
    outcome = apply(fake, web((22, {})))
    assert (outcome.plan.steps, outcome.plan.affected) == ([], [])
    assert fake.processes == ["ipvsadm -R"]


def test_thresholds_go_back_to_none_when_they_are_left_out():
    fake = FakeIpvsadm().load(WEB)
    apply(fake, web((21, {})))
    assert fake.written == ["-e -t 192.0.2.100:443 -r 192.0.2.21:443 -g -w 1"]


def test_check_mode_writes_nothing_and_says_the_same():
    fake = FakeIpvsadm().load(WEB)
    document = web((21, {"weight": 5}), (23, {}), scheduler="mh", scheduler_flags=["mh-port"])
    fake.read_only = True
    predicted = apply(fake, document, "table", check_mode=True)
    with pytest.raises(ReadOnlyError):
        apply(fake, document, "table")
    fake.read_only = False
    assert apply(fake, document, "table") == predicted
    assert render.step_lines(predicted.plan.steps) == predicted.lines == fake.written
    assert len(fake.written) == 5


@pytest.mark.parametrize(
    ("purge", "expected"),
    [
        ("none", []),
        ("real_servers", ["-d -t 192.0.2.100:443 -r 192.0.2.21:443"]),
        ("table", ["-d -t 192.0.2.100:443 -r 192.0.2.21:443", "-D -t 192.0.2.100:80"]),
    ],
)
def test_purge(purge, expected):
    fake = FakeIpvsadm().load(WEB)
    apply(fake, web((22, {})), purge)
    assert fake.written == expected


def test_order():
    fake = FakeIpvsadm().load(WEB + "-a -t 192.0.2.100:443 -r 192.0.2.24:443 -g -w 0\n")
    document = web((24, {"weight": 1}), (22, {"weight": 0}), (25, {}), scheduler="rr")
    document += [{"fwmark": 7, "real_servers": [{"address": "192.0.2.21"}]}]
    apply(fake, document, "table")
    assert fake.written == [
        "-E -t 192.0.2.100:443 -s rr",
        "-A -f 7 -s wlc",
        "-a -f 7 -r 192.0.2.21:0 -g -w 1",
        "-a -t 192.0.2.100:443 -r 192.0.2.25:443 -g -w 1",
        "-e -t 192.0.2.100:443 -r 192.0.2.24:443 -g -w 1",
        "-e -t 192.0.2.100:443 -r 192.0.2.22:443 -g -w 0",
        "-d -t 192.0.2.100:443 -r 192.0.2.21:443",
        "-D -t 192.0.2.100:80",
    ]
    # One reads, one builds, one takes away and reads again.
    assert fake.processes == ["ipvsadm -R"] * 3


# ---- failures


def test_nothing_is_taken_away_when_its_successor_is_refused():
    fake = FakeIpvsadm().load(WEB)
    added = "-a -t 192.0.2.100:443 -r 192.0.2.25:443 -g -w 1"
    fake.refuse = {added}
    before = fake.save()
    with pytest.raises(Incomplete) as info:
        apply(fake, web((25, {}), (26, {})), "real_servers")
    other = "ipvsadm -a -t 192.0.2.100:443 -r 192.0.2.26:443 -g -w 1"
    assert info.value.applied == [other]
    assert info.value.not_applied == [
        f"ipvsadm {added}",
        "ipvsadm -d -t 192.0.2.100:443 -r 192.0.2.21:443",
        "ipvsadm -d -t 192.0.2.100:443 -r 192.0.2.22:443",
    ]
    assert {*before} <= {*fake.save()}
    assert "Memory allocation problem" in str(info.value)


def test_a_table_that_cannot_be_read_after_a_failure():
    fake = FakeIpvsadm().load(WEB)
    run = fake.run

    def break_when_written(argv, stdin=None):
        if "-a " in stdin:
            fake.unusable = Completed(1, "", "no")
        return run(argv, stdin)

    fake.run = break_when_written
    with pytest.raises(Incomplete) as info:
        apply(fake, web((25, {})))
    assert (info.value.applied, info.value.not_applied) == (None, None)


def test_a_complaint_about_nothing():
    fake = FakeIpvsadm().load(WEB)
    run = fake.run

    def complain(argv, stdin=None):
        completed = run(argv, stdin)
        return Completed(0, completed.stdout, "a warning\n") if "-a " in stdin else completed

    fake.run = complain
    apply(fake, web((25, {})))
    assert len(fake.written) == 1


def test_differences_are_named():
    fake = FakeIpvsadm().load(WEB)
    lines = ["-E -t 192.0.2.100:443 -s rr", "-a -t 192.0.2.100:443 -r 192.0.2.25:443 -g -w 1"]
    lines += ["-e -t 192.0.2.100:443 -r 192.0.2.22:443 -g -w 9", "-d -t 192.0.2.100:443 -r 192.0.2.21:443"]
    lines += ["-D -t 192.0.2.100:80"]
    fake.lose = {*lines}
    with pytest.raises(NotReached) as info:
        apply(fake, web((25, {}), (22, {"weight": 9}), scheduler="rr"), "table")
    found = ["-s wlc", "no such real server", "-g -w 1", "-g -w 1 -x 100 -y 80", "the service"]
    assert info.value.differences == [f"ipvsadm {line}: found {what}" for line, what in zip(lines, found, strict=True)]
    assert info.value.applied == []


def test_what_others_change_meanwhile_is_not_a_failure():
    fake = FakeIpvsadm().load(WEB)
    # Once something is written, somebody else adds a service.
    other = FakeIpvsadm().load("-A -f 9 -s rr\n").services
    fake.after_write = lambda: fake.services.update(copy.deepcopy(other))
    # To remove a service is to read the whole table afterwards.
    outcome = apply(fake, web((21, {}), (22, {})), "table")
    assert outcome.lines == fake.written
    assert "-A -f 9 -s rr" in fake.save()
    fake.lose = {"-D -f 9"}
    with pytest.raises(NotReached, match="ipvsadm -D -f 9: found the service"):
        apply(fake, web((21, {}), (22, {})), "table")


def test_services_that_are_not_there_afterwards():
    fake = FakeIpvsadm()
    fake.lose = {"-A -f 7 -s wlc"}
    # A few services are asked for one by one, and ipvsadm ends when one is not there.
    with pytest.raises(Incomplete, match="No such service") as info:
        apply(fake, [{"fwmark": 7}])
    assert (info.value.applied, info.value.not_applied) == ([], ["ipvsadm -A -f 7 -s wlc"])
    with pytest.raises(NotReached, match="ipvsadm -A -f 7 -s wlc: found no such service"):
        apply(fake, [{"fwmark": number} for number in range(1, 60)])


@given(documents)
def test_services_are_read_one_by_one_as_all_together(document):
    fake = loaded(document)
    table = read_table(fake.run)
    words = [render.service_words(key) for key in table]
    query = "".join(f"-L -n {word} --tun-info\n-L -n {word} --thresholds\n" for word in words)
    for key, service in table.items():
        if not service.scheduling.timeout:
            # Without persistence there is no telling.
            table[key] = service._replace(scheduling=service.scheduling._replace(engine=""))
    assert listed_table(fake.run(["ipvsadm", "-R"], query).stdout) == table


@pytest.mark.parametrize(
    "text",
    [
        "TCP  192.0.2.1:80 rr\n  -> 192.0.2.2:80   0 0 0 0\n",
        "TCP  192.0.2.1:80 rr\n  -> 192.0.2.2:80   Tunnel gue:x:+c 1 0 0\n",
        "TCP  192.0.2.1:80 rr\n  -> 192.0.2.2:80   Tunnel gre:?c 1 0 0\n",
        "TCP  192.0.2.1:80 rr (sh-port)\n",
        "TCP  192.0.2.1:80\n",
    ],
)
def test_lists_that_are_not_understood(text):
    with pytest.raises(ParseError, match="ipvsadm printed"):
        listed_table(text)


def test_answer_after_a_change_that_is_not_understood():
    """It was changed, so nobody may be told that it was not."""
    fake = FakeIpvsadm().load(WEB)

    def run(argv, stdin=None):
        done = fake.run(argv, stdin)
        return Completed(0, "TCP  192.0.2.100:443\n", "") if fake.written else done

    wanted = read(web((21, {"weight": 5})))
    with pytest.raises(Incomplete, match="ipvsadm printed") as failure:
        ensure(run, lambda current: merged(current, wanted, "none"), False)
    assert failure.value.applied is None


def test_ipvsadm_that_fails_to_read():
    fake = FakeIpvsadm()
    fake.unusable = Completed(2, "", "Can't initialize ipvs: Protocol not available\n")
    with pytest.raises(CommandError, match="initialize"):
        apply(fake, [])


@pytest.mark.parametrize("daemon", [False, True])
def test_mixed_families_while_a_sync_daemon_runs(daemon):
    fake = FakeIpvsadm().load(WEB)
    fake.read_only = daemon
    if daemon:
        fake.daemons = ["master sync daemon (mcast=lo, syncid=7, maxlen=1472, group=224.0.0.81, port=8848, ttl=1)"]
    document = web()
    document[0]["real_servers"] = [{"address": "2001:db8::21", "method": "tun"}]
    if daemon:
        with pytest.raises(Mistakes, match=r"\[2001:db8::21\]:443: .* sync daemon"):
            apply(fake, document)
    else:
        apply(fake, document)
        assert len(fake.written) == 1


@given(documents, documents, st.data())
def test_partial_failures_are_told_as_they_are(before, after, data):
    fake = loaded(before)
    current = read_table(fake.run)
    plan = make_plan(current, merged(current, read(after), "table"))
    lines = render.step_lines(plan.steps)
    if not lines:
        return
    start = copy.deepcopy(fake.services)
    fake.refuse = {*data.draw(st.lists(st.sampled_from(lines), min_size=1, max_size=3))}
    with pytest.raises(Incomplete) as info:
        apply(fake, after, "table")
    applied, not_applied = info.value.applied, info.value.not_applied
    assert sorted(applied + not_applied) == sorted(f"ipvsadm {line}" for line in lines)
    # What is said to be applied, and nothing else, makes the table that there is now.
    replayed = FakeIpvsadm()
    replayed.services = start
    replayed.load("\n".join(applied))
    assert replayed.save() == fake.save()
    if fake.refuse & {*render.step_lines(plan.building)}:
        assert not {*fake.written} & {*render.step_lines(plan.reducing)}


# ---- any two tables


@given(documents, documents, st.sampled_from(PURGES))
def test_any_table_becomes_what_is_wanted(before, after, purge):
    fake = loaded(before)
    old, new = read(before), read(after)
    outcome = apply(fake, after, purge)
    found = read_table(fake.run)
    for key, service in new.items():
        assert found[key].scheduling == service.scheduling
        kept = {} if purge != "none" or key not in old else old[key].real_servers
        assert found[key].real_servers == {**kept, **service.real_servers}
    others = {key: service for key, service in old.items() if key not in new}
    assert {key: service for key, service in found.items() if key not in new} == ({} if purge == "table" else others)
    # No command for what did not change, and never more than one for one thing.
    names = [(step.service, step.real) for step in outcome.plan.steps]
    assert len(names) == len({*names})
    for key, service in old.items():
        if found.get(key) == service:
            assert key not in {name for name, _real in names}
        for real, forwarding in service.real_servers.items():
            if key in found and found[key].real_servers.get(real) == forwarding:
                assert (key, real) not in names
    fake.read_only = True
    fake.processes.clear()
    assert apply(fake, after, purge).plan.steps == []
    assert fake.processes == ["ipvsadm -R"]


@given(documents, documents, st.sampled_from(PURGES))
def test_services_are_served_all_the_time(before, after, purge):
    fake = loaded(before)

    def usable() -> dict:
        return {
            key: any(dest["weight"] for dest in service["dests"].values()) for key, service in fake.services.items()
        }

    seen = [usable()]
    fake.after_write = lambda: seen.append(usable())
    apply(fake, after, purge)
    first, last = seen[0], seen[-1]
    served = [key for key in first if first[key] and last.get(key)]
    for key in served:
        assert all(state.get(key) for state in seen)


@given(documents)
def test_what_is_read_feeds_the_next_table(document):
    fake = loaded(document)
    table = read_table(fake.run)
    assert table == read(document)
    described = to_document(table)
    assert read(described) == table
    other = FakeIpvsadm()
    apply(other, described, "table")
    assert other.save() == fake.save()
    assert to_document(read_table(other.run)) == described
