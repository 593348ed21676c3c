# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How tests ask for a switchover, and what may come in between."""

from __future__ import annotations

import pytest

from ansible_collections.lautan.lvs.plugins.module_utils._failures import Mistakes
from ansible_collections.lautan.lvs.plugins.module_utils._vrrp_switchover.ensure import ensure
from ansible_collections.lautan.lvs.plugins.module_utils._vrrp_switchover.model import Outcome, Wanted
from ansible_collections.lautan.lvs.tests.unit.plugins.module_utils._keepalived.fake_director import PATH

ONE, TWO, THREE = "192.0.2.11", "192.0.2.12", "192.0.2.13"


def wanted(to=TWO, peers=(), **more):
    defaults = {"instances": None, "track_file": "lvs_switchover*", "path": PATH, "timeout": 5.0, "force": False}
    return Wanted(to=to, peers=list(peers), **{**defaults, **more})


def run(director, options, check_mode=False, outcome=None):
    outcome = Outcome() if outcome is None else outcome
    ensure(director, options, check_mode, outcome)
    return outcome


def refusal(director, options):
    """Why it is refused. Nothing is written, neither in check mode nor otherwise."""
    director.read_only = True
    with pytest.raises(Mistakes) as info:
        run(director, options)
    with pytest.raises(Mistakes) as in_check_mode:
        run(director, options, check_mode=True)
    assert info.value.mistakes == in_check_mode.value.mistakes
    assert director.values == []
    assert director.vrrp == "MASTER"
    return info.value.mistakes


class Trap:
    """Raises once, at the operation with this number after the file said 1."""

    def __init__(self, director, number, error):
        self.director, self.left, self.error, self.sprung = director, number, error, False

    def __call__(self):
        if not self.sprung and self.director.values[:1] == [1]:
            self.left -= 1
            if self.left < 0:
                self.sprung = True
                raise self.error
