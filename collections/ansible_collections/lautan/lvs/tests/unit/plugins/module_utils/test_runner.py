# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How modules start programs."""

from __future__ import annotations

import pytest
from ansible.module_utils import basic
from ansible.module_utils.testing import patch_module_args

from ansible_collections.lautan.lvs.plugins.module_utils._runner import CommandError, Completed, check, module_runner


@pytest.fixture
def run():
    with patch_module_args({}):
        return module_runner(basic.AnsibleModule(argument_spec={}))


def test_a_program_that_says_much_while_it_is_given_much(run):
    # More on both sides than a pipe holds. `timeout` ends what would wait for ever.
    script = "while read -r line; do echo $line; echo $line >&2; done"
    text = "x" * 99 + "\n"
    completed = run(["timeout", "20", "sh", "-c", script], text * 5000)
    assert (completed.rc, completed.stdout, completed.stderr) == (0, text * 5000, text * 5000)


def test_a_program_that_reads_nothing(run):
    assert run(["true"], "x" * 1000000) == Completed(0, "", "")


def test_a_program_that_is_given_nothing(run):
    assert run(["cat"], None) == Completed(0, "", "")


def test_text_that_is_no_text(run):
    assert check(run, ["printf", r"\377"]) == "\udcff"
    assert check(run, ["cat"], "\udcff") == "\udcff"


def test_words_are_not_for_a_shell(run):
    assert check(run, ["printf", "%s", "$HOME; *"]) == "$HOME; *"


def test_no_such_program(run):
    with pytest.raises(CommandError, match=r"rc 127.*no-such-program was not found"):
        check(run, ["no-such-program"])
