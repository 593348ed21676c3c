# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What keepalived says of a candidate, and what follows from that."""

from __future__ import annotations

import pytest

from ansible_collections.lautan.lvs.plugins.module_utils._keepalived import trial
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.render import Line
from ansible_collections.lautan.lvs.plugins.module_utils._runner import CommandError, Completed
from ansible_collections.lautan.lvs.tests.unit.plugins.module_utils._keepalived.fake_director import (
    FakeDirector,
    document,
    fixture,
)

LINES = [Line(text, f"option{number}") for number, text in enumerate(fixture("refused.conf").split("\n"), 1)]


def refused(rc=5) -> Completed:
    return Completed(rc, "", fixture("debian12-config-test-refused.txt"))


def test_messages_are_about_lines_and_options():
    verdict = trial.judge(refused(), LINES, {})
    assert len(verdict.faults) == 11
    assert verdict.faults[1] == (
        "keepalived would run, but not as asked (5): Unknown keyword 'retry'"
        " (line 26 of the candidate, 'retry 2', option26)"
    )
    assert verdict.faults[0].endswith("(line 3 of the candidate, 'foo 1', option3)")
    assert verdict.faults[-1] == "keepalived would run, but not as asked (5): (VI_1) Unknown interface!"


def test_a_password_is_not_in_a_message():
    verdict = trial.judge(refused(), LINES, {})
    (line,) = [line for line in verdict.faults if "auth_pass" in line]
    assert "Truncating auth_pass to 8 characters (line 14 of the candidate, 'auth_pass ********', option14)" in line


@pytest.mark.parametrize(
    ("rc", "words"),
    [
        (4, "could not run with it (4)"),
        (6, "started unsecured, or no configuration was found (6)"),
        (1, "ended with 1"),
    ],
)
def test_other_codes(rc, words):
    assert all(words in fault for fault in trial.judge(refused(rc), LINES, {}).faults)
    (fault,) = trial.judge(Completed(rc, "", ""), LINES, {}).faults
    assert fault.endswith("it did not say why")


def test_success():
    verdict = trial.judge(Completed(0, "", "Warning - something\nWarning - something\n"), [], {})
    assert (verdict.faults, verdict.warnings) == ([], ["Warning - something"])


def test_nothing_to_read_is_no_success():
    """With rc 0, as seen with keepalived 2.2.7."""
    verdict = trial.judge(Completed(0, "", "(Line 1) Config files missing '/nope/*.conf'.\n"), [], {})
    assert verdict.faults == ["Config files missing '/nope/*.conf'."]


def test_all_weights_0_are_expected_where_they_are_so():
    completed = Completed(5, "", fixture("debian12-config-test-all-zero.txt"))
    data = document()
    assert len(trial.judge(completed, [], data).faults) == 2
    for server in data["virtual_servers"][0]["real_servers"]:
        server["weight"] = 0
    verdict = trial.judge(completed, [], data)
    assert (verdict.faults, len(verdict.warnings)) == ([], 2)
    both = Completed(5, "", completed.stderr + "(VI_1) Unknown interface!\n")
    assert len(trial.judge(both, [], data).faults) == 1


def test_a_candidate_that_was_cut_off():
    director = FakeDirector()
    real = director.write_candidate
    director.write_candidate = lambda text: real(text[:10])
    verdict = trial.try_out(director, "a text of some length", [], {})
    assert verdict.faults == ["the candidate was not complete while keepalived tried it"]
    assert "/root/.ansible/tmp/keepalived.conf.abc" not in director.files


def test_version():
    director = FakeDirector()
    assert trial.installed_version(director) == (2, 2, 7)
    director.version = "something else"
    with pytest.raises(CommandError):
        trial.installed_version(director)
