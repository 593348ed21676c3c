# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Drift of every kind is told and repaired, what keepalived did itself is left alone, and doubt changes nothing."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.lautan.lvs.plugins.module_utils._failures import Mistakes
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.model import Incomplete, NotReached
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.daemon import NoDump
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived_table.ensure import (
    Outcome,
    Unsettled,
    Wanted,
    ensure,
)
from ansible_collections.lautan.lvs.tests.unit.plugins.module_utils._keepalived_table.fake_director import (
    CHECKER_PID,
    DUMP,
    MAIN_PID,
    PATH,
    PID_FILE,
    STATUS,
    FakeDirector,
    with_health,
)

WEB, MEDIA, SIX = "-t 192.0.2.100:443", "-f 1021", "-u [2001:db8::100]:443"
MISSING = "is missing, but keepalived has it in service"
FOREIGN = "is there, but keepalived does not have it in service"
UNKNOWN = "is there, but keepalived has no such virtual server"


def run(
    director: FakeDirector, purge: bool = True, check_mode: bool = False, outcome: Outcome | None = None
) -> Outcome:
    outcome = outcome or Outcome()
    ensure(director, Wanted(PATH, purge), check_mode, outcome, director.pause)
    return outcome


def four_runs(director: FakeDirector, purge: bool = True) -> Outcome:
    """Check, do, check, do: the first two say the same, the last two find nothing."""
    director.read_only = True
    predicted = run(director, purge, check_mode=True)
    director.read_only = False
    done = run(director, purge)
    for name in ("differences", "unread", "commands", "meant", "before", "after", "affected"):
        assert getattr(predicted, name) == getattr(done, name), name
    director.read_only = True
    for check_mode in (True, False):
        again = run(director, purge, check_mode)
        assert again.commands == []
        assert again.before == again.after == done.after
    return done


@pytest.fixture(params=["debian12-check-data.txt", "debian13-check-data.txt"])
def director(request) -> FakeDirector:
    return FakeDirector(request.param)


def test_nothing_to_do(director):
    director.read_only = True
    outcome = run(director)
    assert (outcome.differences, outcome.unread, outcome.commands) == ([], [], [])
    assert director.ipvsadm.processes == ["ipvsadm -R"]


DRIFT = {
    "weight": (
        ["-e -t 192.0.2.100:443 -r 192.0.2.21:443 -g -w 7"],
        [f"{WEB} -r 192.0.2.21:443: `-g -w 7` instead of `-g -w 1`"],
        [f"ipvsadm -e {WEB} -r 192.0.2.21:443 -g -w 1"],
    ),
    "weight 0 is a weight": (
        ["-e -t 192.0.2.100:443 -r 192.0.2.21:443 -g -w 0"],
        [f"{WEB} -r 192.0.2.21:443: `-g -w 0` instead of `-g -w 1`"],
        [f"ipvsadm -e {WEB} -r 192.0.2.21:443 -g -w 1"],
    ),
    "forwarding method": (
        ["-e -t 192.0.2.100:443 -r 192.0.2.21:443 -m -w 1"],
        [f"{WEB} -r 192.0.2.21:443: `-m -w 1` instead of `-g -w 1`"],
        [f"ipvsadm -e {WEB} -r 192.0.2.21:443 -g -w 1"],
    ),
    "thresholds": (
        ["-e -t 192.0.2.100:443 -r 192.0.2.23:443 -g -w 7"],
        [f"{WEB} -r 192.0.2.23:443: `-g -w 7` instead of `-g -w 7 -x 100 -y 50`"],
        [f"ipvsadm -e {WEB} -r 192.0.2.23:443 -g -w 7 -x 100 -y 50"],
    ),
    "weight that a check has set": (
        ["-e -t 192.0.2.100:443 -r 192.0.2.23:443 -g -w 5 -x 100 -y 50"],
        [f"{WEB} -r 192.0.2.23:443: `-g -w 5 -x 100 -y 50` instead of `-g -w 7 -x 100 -y 50`"],
        [f"ipvsadm -e {WEB} -r 192.0.2.23:443 -g -w 7 -x 100 -y 50"],
    ),
    "one that failed and is inhibited": (
        ["-e -t 192.0.2.100:443 -r 192.0.2.24:443 -g -w 1"],
        [f"{WEB} -r 192.0.2.24:443: `-g -w 1` instead of `-g -w 0`"],
        [f"ipvsadm -e {WEB} -r 192.0.2.24:443 -g -w 0"],
    ),
    "real server deleted": (
        ["-d -t 192.0.2.100:443 -r 192.0.2.21:443"],
        [f"{WEB} -r 192.0.2.21:443: {MISSING}"],
        [f"ipvsadm -a {WEB} -r 192.0.2.21:443 -g -w 1"],
    ),
    "tunnel of the sorry server": (
        ["-e -u [2001:db8::100]:443 -r [2001:db8::99]:443 -i -w 1 --tun-type gre --tun-nocsum"],
        [
            f"{SIX} -r [2001:db8::99]:443: `-i -w 1 --tun-type gre --tun-nocsum` instead of"
            " `-i -w 1 --tun-type gue --tun-port 6635 --tun-csum`"
        ],
        [f"ipvsadm -e {SIX} -r [2001:db8::99]:443 -i -w 1 --tun-type gue --tun-port 6635 --tun-csum"],
    ),
    "one that keepalived has taken out": (
        ["-a -t 192.0.2.100:443 -r 192.0.2.22:443 -g -w 1"],
        [f"{WEB} -r 192.0.2.22:443: {FOREIGN}"],
        [f"ipvsadm -d {WEB} -r 192.0.2.22:443"],
    ),
    "one that is healthy, instead of the sorry server": (
        ["-a -u [2001:db8::100]:443 -r [2001:db8::21]:443 -i -w 1 --tun-type gue --tun-port 6635 --tun-csum"],
        [f"{SIX} -r [2001:db8::21]:443: {FOREIGN}"],
        [f"ipvsadm -d {SIX} -r [2001:db8::21]:443"],
    ),
    "one that keepalived does not know": (
        ["-a -t 192.0.2.100:443 -r 203.0.113.9:443 -g -w 1"],
        [f"{WEB} -r 203.0.113.9:443: {FOREIGN}"],
        [f"ipvsadm -d {WEB} -r 203.0.113.9:443"],
    ),
    "scheduler and flags": (
        ["-E -t 192.0.2.100:443 -s mh -b mh-port"],
        [f"{WEB}: `-s mh -b mh-port` instead of `-s mh -b mh-fallback,mh-port`"],
        [f"ipvsadm -E {WEB} -s mh -b mh-fallback,mh-port"],
    ),
    "persistence, engine and one-packet scheduling": (
        ["-E -u [2001:db8::100]:443 -s wrr -p 300"],
        [f"{SIX}: `-s wrr -p 300` instead of `-s wrr -p 300 -M 64 --pe sip -o`"],
        [f"ipvsadm -E {SIX} -s wrr -p 300 -M 64 --pe sip -o"],
    ),
    "mark, of one family only": (
        ["-E -f 1021 -6 -s lc", "-d -f 1021 -6 -r [2001:db8::21]:8080"],
        [
            f"{MEDIA} -6: `-s lc` instead of `-s rr -b flag-1`",
            f"{MEDIA} -6 -r [2001:db8::21]:8080: {MISSING}",
        ],
        [f"ipvsadm -E {MEDIA} -6 -s rr -b flag-1", f"ipvsadm -a {MEDIA} -6 -r [2001:db8::21]:8080 -m -w 60000"],
    ),
    "service deleted": (
        ["-D -t 192.0.2.100:443"],
        [f"{WEB}: is missing, with 4 real servers"],
        [
            f"ipvsadm -A {WEB} -s mh -b mh-fallback,mh-port",
            f"ipvsadm -a {WEB} -r 192.0.2.21:443 -g -w 1",
            f"ipvsadm -a {WEB} -r 192.0.2.23:443 -g -w 7 -x 100 -y 50",
            f"ipvsadm -a {WEB} -r 192.0.2.24:443 -g -w 0",
            f"ipvsadm -a {WEB} -r 192.0.2.25:443 -g -w 0",
        ],
    ),
    "service of a group deleted": (
        ["-D -t 198.51.100.101:443"],
        ["-t 198.51.100.101:443: is missing, with 1 real server"],
        ["ipvsadm -A -t 198.51.100.101:443 -s wlc -p 50", "ipvsadm -a -t 198.51.100.101:443 -r 192.0.2.31:443 -g -w 1"],
    ),
    "service added": (
        ["-A -u 192.0.2.100:53 -s rr", "-a -u 192.0.2.100:53 -r 192.0.2.21:53 -g -w 1"],
        [f"-u 192.0.2.100:53: {UNKNOWN}"],
        ["ipvsadm -D -u 192.0.2.100:53"],
    ),
}


@pytest.mark.parametrize(("typed", "differences", "commands"), DRIFT.values(), ids=DRIFT)
def test_each_kind_of_drift(director, typed, differences, commands):
    before = director.table()
    director.by_hand(*typed)
    outcome = four_runs(director)
    assert outcome.differences == differences
    assert outcome.commands == commands
    assert director.table() == before


def test_everything_at_once(director):
    before = director.table()
    kinds = [kind for kind in DRIFT if kind != "service deleted" and not kind.startswith(("weight", "forwarding"))]
    director.by_hand(*(line for kind in kinds for line in DRIFT[kind][0]))
    outcome = four_runs(director)
    assert sorted(outcome.differences) == sorted(line for kind in kinds for line in DRIFT[kind][1])
    assert director.table() == before


def test_a_service_of_somebody_else_stays_without_purge():
    director = FakeDirector()
    director.by_hand(*DRIFT["service added"][0], *DRIFT["weight"][0])
    before = director.table()
    outcome = run(director, purge=False)
    assert outcome.differences == DRIFT["weight"][1] + DRIFT["service added"][1]
    assert outcome.commands == DRIFT["weight"][2]
    assert director.table() ^ before == {
        "-a -t 192.0.2.100:443 -r 192.0.2.21:443 -g -w 7",
        "-a -t 192.0.2.100:443 -r 192.0.2.21:443 -g -w 1",
    }
    director.read_only = True
    again = run(director, purge=False)
    assert (again.differences, again.commands) == (DRIFT["service added"][1], [])


def test_any_table_becomes_the_one_that_keepalived_means():
    lines = sorted(FakeDirector().table())

    @given(st.sets(st.sampled_from(lines)), st.randoms(use_true_random=False))
    def becomes(lost: set[str], chance: random.Random) -> None:
        director = FakeDirector()
        for line in sorted(lost, key=lambda line: (line.startswith("-A"), chance.random())):
            words = line.split()
            if line.startswith("-a"):
                verb = chance.choice(["d", "e"])
                end = words.index("-r") + 2
                director.by_hand(" ".join([f"-{verb}", *words[1:end]]) + (" -w 3 -m" if verb == "e" else ""))
            else:
                director.by_hand(" ".join(["-E", *words[1 : words.index("-s")], "-s", "nq", "-p", "7"]))
        before = FakeDirector().table()
        differs = director.table() != before
        outcome = four_runs(director)
        assert director.table() == before
        assert bool(outcome.differences) == bool(outcome.commands) == differs

    becomes()


# ---- what keepalived has done is not undone


@pytest.mark.parametrize(
    ("real", "values", "typed"),
    [
        (
            "192.0.2.21",
            {"alive": 0, "RS set": 0},
            ["-d -t 192.0.2.100:443 -r 192.0.2.21:443", "-d -f 1021 -r 192.0.2.21"],
        ),
        ("192.0.2.22", {"alive": 1, "RS set": 1}, ["-a -t 192.0.2.100:443 -r 192.0.2.22:443 -g -w 1"]),
        ("192.0.2.23", {"WEIGHT": 0}, ["-e -t 192.0.2.100:443 -r 192.0.2.23:443 -g -w 0 -x 100 -y 50"]),
        ("192.0.2.24", {"alive": 1}, ["-e -t 192.0.2.100:443 -r 192.0.2.24:443 -g -w 1"]),
        ("192.0.2.24", {"alive": 0, "RS set": 0}, ["-d -t 192.0.2.100:443 -r 192.0.2.24:443"]),
    ],
    ids=["failed", "recovered", "weight by a check", "enabled again", "inhibited but not set"],
)
def test_health_is_keepalived_s(real, values, typed):
    director = FakeDirector()
    director.data = with_health(director.data, real, **values)
    director.by_hand(*typed)
    director.read_only = True
    assert run(director).differences == []


def test_alive_counts_when_keepalived_could_not_take_it_out():
    """With the service gone keepalived fails to remove a real server, and then says: alive, not set."""
    director = FakeDirector()
    director.data = with_health(director.data, "192.0.2.25", **{"RS set": 0})
    before = director.table()
    director.by_hand("-D -t 192.0.2.100:443")
    run(director)
    assert director.table() == before


def test_set_does_not_count_when_keepalived_could_not_put_it_in():
    """With the service gone keepalived fails to add a real server: not alive, set. It adds it with its next check."""
    director = FakeDirector()
    director.data = with_health(director.data, "192.0.2.22", **{"RS set": 1})
    director.read_only = True
    assert run(director).differences == []


def test_with_a_quorum_the_sorry_server_is_not_there():
    director = FakeDirector()
    director.data = director.data.replace("quorum_state_up = 0", "quorum_state_up = 1")
    outcome = four_runs(director)
    assert outcome.commands == [
        f"ipvsadm -a {SIX} -r [2001:db8::21]:443 -i -w 1 --tun-type gue --tun-port 6635 --tun-csum",
        f"ipvsadm -d {SIX} -r [2001:db8::99]:443",
    ]


def test_without_a_quorum_an_inhibited_sorry_server_has_a_weight():
    director = FakeDirector()
    head, mark, rest = director.data.partition(" VS FWMARK = 1021\n")
    director.data = head + mark + rest.replace("quorum_state_up = 1", "quorum_state_up = 0", 1)
    assert four_runs(director).commands == [
        f"ipvsadm -e {MEDIA} -r 192.0.2.99:0 -g -w 1",
        f"ipvsadm -d {MEDIA} -r 192.0.2.21:0",
    ]


# ---- the file


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("lvs_sched mh\n", "lvs_sched sh\n", f"virtual server {WEB}: is another one in the file"),
        ("weight 5\n", "weight 6\n", f"virtual server {WEB}: is another one in the file"),
        ("quorum 2\n    sorry_server 2001:db8::99 443\n", "", f"virtual server {SIX}: is another one in the file"),
        ("192.0.2.100 443", "192.0.2.101 443", None),
    ],
)
def test_a_file_that_keepalived_has_not_read(old, new, line):
    director = FakeDirector()
    assert director.files[PATH].count(old) == 1
    text = director.files[PATH].replace(old, new)
    if "sched" in old:
        text = text.replace("    mh-port\n    mh-fallback\n", "")
    director.files[PATH] = text
    before = director.table()
    director.by_hand(*DRIFT["weight"][0])
    outcome = four_runs(director)
    # The kernel is made what keepalived runs with, not what the file says.
    assert (outcome.differences, outcome.commands) == DRIFT["weight"][1:]
    assert director.table() == before
    moved = "virtual server -t 192.0.2.101:443: is in the file only"
    assert outcome.unread == ([line] if line else [moved, f"virtual server {WEB}: is not in the file"])


def test_an_engine_that_the_file_does_not_tell_is_left_alone():
    director = FakeDirector()
    director.files[PATH] = director.files[PATH].replace("2001:db8::100 443", "2001:db8::101 443")
    director.read_only = True
    assert run(director).differences == []


BAD_FILES = {
    "missing": (None, [f"{PATH}: does not exist"]),
    "another file": (
        "include more.conf\nnonsense 1\n",
        [f"{PATH}: line 1: another file: include more.conf", f"{PATH}: line 2: unknown keyword 'nonsense'"],
    ),
    "faults": (
        "virtual_server 192.0.2.1 0 {\n lvs_sched rr\n real_server 192.0.2.2 {\n }\n}\n",
        [
            f"{PATH}: virtual_servers[0].protocol: is missing; keepalived would take UDP",
            f"{PATH}: virtual_servers[0].port=0: only services with persistence_timeout have port 0, "
            "which is every port",
        ],
    ),
    "network namespace": (
        'net_namespace_ipvs "blue"\n',
        [f"{PATH}: net_namespace_ipvs='blue': the table is that of another network namespace"],
    ),
    "marks of its own choice": (
        "global_defs {\n nftables_ipvs lvs\n}\nvirtual_server_group g {\n 192.0.2.1 80\n}\n"
        "virtual_server group g {\n lvs_sched rr\n lvs_method DR\n protocol TCP\n real_server 192.0.2.2 80 {\n }\n}\n",
        [f"{PATH}: global_defs.nftables_ipvs='lvs': keepalived chooses the firewall marks of groups itself"],
    ),
}


@pytest.mark.parametrize(("text", "mistakes"), BAD_FILES.values(), ids=BAD_FILES)
def test_a_file_that_will_not_do(text, mistakes):
    director = FakeDirector()
    director.read_only = True
    director.files.pop(PATH)
    if text is not None:
        director.files[PATH] = text
    with pytest.raises(Mistakes) as caught:
        run(director)
    assert caught.value.mistakes == mistakes
    assert (director.signals, director.ipvsadm.processes) == ([], [])


def test_passwords_are_hidden():
    director = FakeDirector()
    director.files[PATH] = "SSL {\n password geheim\n certificate geheim\n nonsense geheim\n}\nnet_namespace geheim\n"
    with pytest.raises(Mistakes) as caught:
        run(director)
    assert "geheim" not in str(caught.value)
    assert "********" in str(caught.value)


@pytest.mark.parametrize("state", ["inactive", "failed"])
def test_keepalived_must_run(state):
    director = FakeDirector()
    director.state = state
    director.read_only = True
    with pytest.raises(Mistakes, match=rf"^keepalived.service is {state}, so there is nothing"):
        run(director)


# ---- what keepalived says


def test_only_the_checker_process_is_asked():
    director = FakeDirector()
    run(director)
    assert {pid for pid, _number in director.signals} == {CHECKER_PID}


def test_patience():
    """The new file is late, then not finished; the one before it is still there meanwhile."""
    director = FakeDirector()
    director.dump = (7, with_health(director.data, "192.0.2.21", **{"alive": 0, "RS set": 0}))
    director.late, director.unfinished = 600, 300
    director.read_only = True
    assert run(director).differences == []
    assert 8 < director.seconds < 10


def test_what_somebody_else_puts_there_does_not_count():
    director = FakeDirector()
    director.silent = True
    real_pause, lie = director.pause, with_health(director.data, "192.0.2.21", **{"alive": 0, "RS set": 0})

    def pause(seconds: float) -> None:
        director.dump = (66, lie)
        director.foreign.add(66)
        real_pause(seconds)
        if director.seconds > 1:
            director.silent = False
            director.dump = (1, director.data)

    director.pause = pause
    assert run(director, check_mode=True).differences == []


def test_somebody_else_asks_at_the_same_time():
    """keepalived replaces the file by one that it has not finished, after it was seen to have finished the first."""
    director = FakeDirector()
    real_read, others = director.read_own, [5, 6]

    def read_own(path: str) -> str | None:
        if not others:
            return real_read(path)
        director.dump = (others.pop(), director.data)
        director.unfinished = 3
        return director.data[: director.data.rindex("------< Real server")]

    director.read_own = read_own
    director.read_only = True
    assert run(director).differences == []
    assert others == []


NO_DUMP = {
    "silent": (lambda director: vars(director).update(silent=True), f"no new {DUMP} after 10 seconds"),
    "dies": (lambda director: vars(director).update(dies=True), "the checker process, 815, has ended"),
    "dead": (lambda director: vars(director).update(alive=False), "the checker process, 815, has ended"),
    "no process id": (
        lambda director: director.files.pop(PID_FILE),
        "the checker process of process 812 was not found",
    ),
    "another's process id": (
        lambda director: director.files.update({STATUS: director.files[STATUS].replace(str(MAIN_PID), "8125")}),
        "the checker process of process 812 was not found",
    ),
    "no number": (
        lambda director: director.files.update(
            {PID_FILE: "815/task/815\n", "/proc/815/task/815/status": director.files[STATUS]}
        ),
        "the checker process of process 812 was not found",
    ),
    "another form": (
        lambda director: vars(director).update(data=director.data.replace("LVS Topology", "IPVS")),
        f"{DUMP} is not understood: it has no 'LVS Topology'",
    ),
}


@pytest.mark.parametrize(("spoil", "why"), NO_DUMP.values(), ids=NO_DUMP)
def test_when_keepalived_does_not_tell(spoil, why):
    """What needs no health is told, nothing is changed; in particular no real server is put back."""
    director = FakeDirector()
    spoil(director)
    kinds = (
        "service added",
        "scheduler and flags",
        "persistence, engine and one-packet scheduling",
        "forwarding method",
        "thresholds",
        "one that keepalived does not know",
        "service of a group deleted",
    )
    director.by_hand(*(line for kind in kinds for line in DRIFT[kind][0]))
    # May be so, for all that is known
    director.by_hand("-d -f 1021 -r 192.0.2.21", "-e -t 192.0.2.100:443 -r 192.0.2.25:443 -g -w 9")
    director.by_hand("-a -t 192.0.2.100:443 -r 192.0.2.22:443 -g -w 1")
    director.read_only = True
    outcome = Outcome()
    with pytest.raises(NoDump) as caught:
        run(director, outcome=outcome)
    assert str(caught.value) == why
    expected = [line for kind in kinds for line in DRIFT[kind][1]]
    expected = [line.replace("with 1 real server", "with 0 real servers") for line in expected]
    assert sorted(outcome.differences) == sorted(expected)
    assert (outcome.commands, outcome.meant) == ([], None)


# ---- keepalived acts at the same time


def test_a_real_server_that_is_taken_out_meanwhile_is_not_put_back():
    director = FakeDirector()
    failed = with_health(director.data, "192.0.2.25", **{"alive": 0, "RS set": 0})
    director.says, director.data = [director.data], failed
    director.by_hand("-d -t 192.0.2.100:443 -r 192.0.2.25:443")
    director.read_only = True
    assert run(director).differences == []
    assert len(director.signals) == 4


@pytest.mark.parametrize("check_mode", [True, False])
def test_keepalived_that_never_settles(check_mode):
    director = FakeDirector()
    failed = with_health(director.data, "192.0.2.25", **{"alive": 0, "RS set": 0})
    director.says = [director.data, failed] * 10
    director.by_hand(*DRIFT["weight"][0])
    director.read_only = True
    with pytest.raises(Unsettled):
        run(director, check_mode=check_mode)


def test_a_real_server_that_fails_while_it_is_put_back_is_taken_out_again():
    director = FakeDirector()
    failed = with_health(director.data, "192.0.2.25", **{"alive": 0, "RS set": 0})
    # Two answers before the change; after it, it has failed, and keepalived had nothing to take out.
    director.says, director.data = [director.data] * 2, failed
    director.by_hand("-d -t 192.0.2.100:443 -r 192.0.2.25:443")
    outcome = run(director)
    assert outcome.commands == [
        f"ipvsadm -a {WEB} -r 192.0.2.25:443 -g -w 0",
        f"ipvsadm -d {WEB} -r 192.0.2.25:443",
    ]
    assert "-a -t 192.0.2.100:443 -r 192.0.2.25:443 -g -w 0" not in director.table()
    assert outcome.differences == [f"{WEB} -r 192.0.2.25:443: {MISSING}"]


def test_keepalived_that_was_faster():
    """It puts a real server in between reading and writing: ipvsadm complains, and all is well."""
    director = FakeDirector()
    real_server = "-t 192.0.2.100:443 -r 192.0.2.25:443"
    director.by_hand(f"-d {real_server}", *DRIFT["weight"][0])
    complaints, ipvsadm = [], director.ipvsadm.run

    def faster(argv, stdin=None):
        if stdin and f"-a {real_server}" in stdin and not complaints:
            director.ipvsadm._execute(f"-a {real_server} -g -w 0".split())
            complaints.append((completed := ipvsadm(argv, stdin)).stderr)
            return completed
        return ipvsadm(argv, stdin)

    director.ipvsadm.run = faster
    run(director)
    assert complaints == ["Destination already exists\n"]
    assert director.table() == FakeDirector().table()


def test_a_hand_that_does_not_stop():
    director = FakeDirector()
    again = "-e -t 192.0.2.100:443 -r 192.0.2.21:443 -g -w 7"
    director.by_hand(again)
    real_pause = director.pause

    def pause(seconds: float) -> None:
        if seconds > 0.1:
            director.by_hand(again)
        real_pause(seconds)

    director.pause = pause
    outcome = Outcome()
    with pytest.raises(NotReached) as caught:
        run(director, outcome=outcome)
    assert caught.value.differences == DRIFT["weight"][1]
    assert outcome.commands == DRIFT["weight"][2] * 5


def test_a_kernel_that_only_seems_to_obey():
    director = FakeDirector()
    director.by_hand(*DRIFT["weight"][0])
    director.ipvsadm.lose.add("-e -t 192.0.2.100:443 -r 192.0.2.21:443 -g -w 1")
    outcome = Outcome()
    with pytest.raises(NotReached) as caught:
        run(director, outcome=outcome)
    assert caught.value.differences == [f"{DRIFT['weight'][2][0]}: found -g -w 7"]
    assert outcome.commands == []


def test_a_kernel_that_refuses():
    director = FakeDirector()
    director.by_hand(*DRIFT["weight"][0], *DRIFT["scheduler and flags"][0])
    director.ipvsadm.refuse.add("-e -t 192.0.2.100:443 -r 192.0.2.21:443 -g -w 1")
    outcome = Outcome()
    with pytest.raises(Incomplete) as caught:
        run(director, outcome=outcome)
    assert caught.value.not_applied == DRIFT["weight"][2]
    assert outcome.commands == DRIFT["scheduler and flags"][2]


SCRIPT_USER = "keepalived_script:x:998:998::/nonexistent:/usr/sbin/nologin\n"


@pytest.mark.parametrize("users", [None, "root:x:0:0:root:/root:/bin/bash\n", "x" + SCRIPT_USER])
def test_keepalived_that_would_not_survive_the_question_is_not_asked(director, users):
    """Its next reload would end it. What can be said without asking is said."""
    director.files[PATH] = director.files[PATH].replace("    script_user root\n", "")
    if users:
        director.files["/etc/passwd"] = users
    director.by_hand(f"-E {WEB} -s rr")
    director.read_only = True
    outcome = Outcome()
    with pytest.raises(NoDump, match="a user keepalived_script"):
        run(director, outcome=outcome)
    assert director.signals == []
    assert outcome.differences == [f"{WEB}: `-s rr` instead of `-s mh -b mh-fallback,mh-port`"]


def test_default_script_user_will_do(director):
    director.files[PATH] = director.files[PATH].replace("    script_user root\n", "")
    director.files["/etc/passwd"] = "root:x:0:0::/root:/bin/bash\n" + SCRIPT_USER
    assert run(director, check_mode=True).commands == []
    assert director.signals
