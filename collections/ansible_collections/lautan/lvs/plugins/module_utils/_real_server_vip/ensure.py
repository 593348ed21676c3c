# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""Make a host what is wanted: read, plan, act, read again."""

from __future__ import annotations

from typing import Callable, Sequence

from ansible_collections.lautan.lvs.plugins.module_utils._failures import NotReached
from ansible_collections.lautan.lvs.plugins.module_utils._real_server_vip.model import (
    GUARD_FILE,
    Command,
    Plan,
    Wanted,
    WriteFile,
)
from ansible_collections.lautan.lvs.plugins.module_utils._real_server_vip.observe import HostAccess, observe
from ansible_collections.lautan.lvs.plugins.module_utils._real_server_vip.plan import make_plan, read_options, state_of
from ansible_collections.lautan.lvs.plugins.module_utils._runner import check

# networkd rereads its files in the background. This is how often, and how many seconds apart, the result is looked at.
_LOOKS = 25
_PAUSE = 0.2


def ensure(
    access: HostAccess,
    interface: str,
    addresses: Sequence[str],
    check_mode: bool,
    executed: list[str],
    pause: Callable[[float], None],
) -> Plan:
    """Make these addresses the VIPs on this interface, or with ``check_mode`` tell what that takes.

    :param executed: gets each command that was executed, so that the caller knows them if this is cut short.
    :raises Mistakes: if the options or the host do not allow it; nothing was changed.
    :raises CommandError: if a command failed.
    :raises NotReached: if the host is not what it should be although every command succeeded.
    """
    wanted, mistakes = read_options(interface, addresses)
    plan = make_plan(wanted, observe(access, wanted), mistakes)
    if Command(("nft", "-f", GUARD_FILE)) in plan.steps:
        check(access.run, ("nft", "-c", "-f", "-"), plan.after.files[GUARD_FILE].text)
    if check_mode:
        return plan
    for step in plan.steps:
        if isinstance(step, Command):
            check(access.run, step.argv)
            executed.append(str(step))
        elif isinstance(step, WriteFile):
            access.write(step.path, step.file)
        else:
            access.remove(step.path)
    if plan.steps:
        _verify(access, wanted, plan, pause)
    return plan


def _verify(access: HostAccess, wanted: Wanted, plan: Plan, pause: Callable[[float], None]) -> None:
    differences: list[str] = []
    for look in range(_LOOKS):
        if look:
            pause(_PAUSE)
        differences = plan.after.differences(state_of(observe(access, wanted), plan.watched))
        if not differences:
            return
    raise NotReached(differences)
