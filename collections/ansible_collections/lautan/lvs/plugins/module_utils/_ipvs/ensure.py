# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""Make the kernel's table what is wanted: read, plan, write, read again."""

from __future__ import annotations

from typing import Callable, Iterable, NamedTuple, Sequence

from ansible_collections.lautan.lvs.plugins.module_utils._failures import Mistakes
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs import render
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.listing import listed_table
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.model import (
    Incomplete,
    NotReached,
    Step,
    Table,
    family_of,
)
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.parse import ParseError
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.plan import Plan, holds, make_plan
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.read import (
    DAEMON_QUERY,
    PROGRAM,
    TABLE_QUERY,
    parse_table,
    read_table,
)
from ansible_collections.lautan.lvs.plugins.module_utils._runner import CommandError, Runner, check

# So many services are asked for one by one; for more, the whole table is read.
_FEW = 50


class Outcome(NamedTuple):
    """What was done, or with ``check_mode`` would be."""

    plan: Plan
    before: Table
    after: Table
    # The lines of ``ipvsadm -R`` for the steps of the plan.
    lines: list[str]


def ensure(run: Runner, intend: Callable[[Table], Table], check_mode: bool) -> Outcome:
    """Change the kernel's table, or with ``check_mode`` tell what that takes.

    One process reads, and one writes and reads again; without a change it is one in all. It is two that write if some
    steps build and others take away: ipvsadm goes on after an error, and nothing may be taken away unless what
    replaces it is there.

    :param intend: gives the wanted table from the one that there is; raises Mistakes if that cannot be.
    :raises Mistakes: if it cannot be; nothing was changed.
    :raises CommandError: if the table could not be read; nothing was changed.
    :raises Incomplete: if ipvsadm complained while it changed the table, or if that could not be read again.
    :raises NotReached: if the kernel holds something else although ipvsadm did not complain.
    """
    text = check(run, PROGRAM, TABLE_QUERY + DAEMON_QUERY)
    before = parse_table(text)
    after = intend(before)
    plan = make_plan(before, after)
    if " sync daemon (" in text:
        _refuse_mixed_families(plan.building)
    building, reducing = render.step_lines(plan.building), render.step_lines(plan.reducing)
    if plan.affected and not check_mode:
        found = _write(run, plan, [lines for lines in (building, reducing) if lines])
        # What takes long is looked for only if something differs, be it by somebody else.
        if found != after:
            _verify(plan.steps, found)
    return Outcome(plan, before, after, building + reducing)


def _refuse_mixed_families(steps: Iterable[Step]) -> None:
    mistakes = [
        f"{render.real_words(step.service, step.real)}: a real server of the other address family, and a sync daemon "
        "runs; the kernel cannot have both"
        for step in steps
        if step.real is not None and family_of(step.real.address) != step.service.family
    ]
    if mistakes:
        raise Mistakes(mistakes)


def _write(run: Runner, plan: Plan, phases: Sequence[list[str]]) -> Table:
    """Take the steps, and give the table that was read after the last one, or the part of it that changed.

    :param phases: the lines for them; a phase is not begun unless the one before has succeeded.
    """
    query, parse = _read_again(plan)
    text = ""
    for lines in phases:
        try:
            text = check(run, PROGRAM, "\n".join(lines) + "\n" + (query if lines is phases[-1] else ""))
        except CommandError as exc:
            return _after_complaint(run, exc, plan.steps)
    try:
        return parse(text)
    except ParseError as exc:
        raise Incomplete(exc, None, None) from exc


def _read_again(plan: Plan) -> tuple[str, Callable[[str], Table]]:
    """Give what to ask ipvsadm after the change, and how to read its answer.

    To ask for a few services takes much less time than the whole table, but it ends ipvsadm if one is not there, and
    does not show everything.
    """
    is_shown = all(
        step.verb != "D" and (step.scheduling is None or step.scheduling.timeout or not step.scheduling.engine)
        for step in plan.steps
    )
    if not is_shown or len(plan.affected) > _FEW:
        return TABLE_QUERY, parse_table
    words = map(render.service_words, plan.affected)
    return "".join(f"-L -n {word} --tun-info\n-L -n {word} --thresholds\n" for word in words), listed_table


def _after_complaint(run: Runner, cause: CommandError, steps: Sequence[Step]) -> Table:
    """Find out what was done: ipvsadm does not say which line it complains about, and goes on with the next.

    :return: the whole table, if all was done nevertheless.
    """
    try:
        table = read_table(run)
    except (CommandError, ParseError):
        raise Incomplete(cause, None, None) from cause
    done = [holds(step, table) for step in steps]
    if all(done):
        return table
    raise Incomplete(
        cause,
        render.commands(step for step, is_done in zip(steps, done) if is_done),
        render.commands(step for step, is_done in zip(steps, done) if not is_done),
    ) from cause


def _verify(steps: Sequence[Step], table: Table) -> None:
    missed = [step for step in steps if not holds(step, table)]
    if missed:
        applied = render.commands(step for step in steps if holds(step, table))
        raise NotReached([_difference(step, table) for step in missed], applied)


def _difference(step: Step, table: Table) -> str:
    service = table.get(step.service)
    if service is None:
        found = "no such service"
    elif step.real is None:
        found = "the service" if step.verb == "D" else render.scheduling_words(service.scheduling)
    elif step.real not in service.real_servers:
        found = "no such real server"
    else:
        found = render.forwarding_words(service.real_servers[step.real])
    return f"{render.commands([step])[0]}: found {found}"
