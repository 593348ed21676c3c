# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""Differences in words: between the kernel and keepalived, and between keepalived and its file."""

from __future__ import annotations

from typing import Iterator, Sequence

from ansible_collections.lautan.lvs.plugins.module_utils._ipvs import render
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.model import Step, Table
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.plan import make_plan
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived_table.model import VirtualServer


def table_differences(found: Table, meant: Table) -> list[str]:
    """One line for each difference, about what ipvsadm(8) calls it."""
    return list(_lines(make_plan(found, meant).steps, found, meant))


def _lines(steps: Sequence[Step], found: Table, meant: Table) -> Iterator[str]:
    for step in steps:
        service = render.service_words(step.service)
        if step.verb == "A":
            count = len(meant[step.service].real_servers)
            yield f"{service}: is missing, with {count} real server{'s' * (count != 1)}"
        elif step.verb == "D":
            yield f"{service}: is there, but keepalived has no such virtual server"
        elif step.verb == "E":
            there, asked = (render.scheduling_words(table[step.service].scheduling) for table in (found, meant))
            yield f"{service}: `{there}` instead of `{asked}`"
        # What is missing with its service was counted there.
        elif step.service in found:
            yield f"{render.real_words(step.service, step.real)}: {_real_server(step, found)}"


def _real_server(step: Step, found: Table) -> str:
    if step.verb == "a":
        return "is missing, but keepalived has it in service"
    if step.verb == "d":
        return "is there, but keepalived does not have it in service"
    there = found[step.service].real_servers[step.real]
    return f"`{render.forwarding_words(there)}` instead of `{render.forwarding_words(step.forwarding)}`"


def file_differences(configured: Sequence[VirtualServer], running: Sequence[VirtualServer]) -> list[str]:
    """One line for each virtual server that is another one in the file than in keepalived."""
    # The file alone tells the persistence engine.
    in_file = {each.keys: each._replace(scheduling=each.scheduling._replace(engine="")) for each in configured}
    in_keepalived = {each.keys: each for each in running}
    lines = [f"{_name(keys)}: is in the file only" for keys in in_file if keys not in in_keepalived]
    lines += [f"{_name(keys)}: is not in the file" for keys in in_keepalived if keys not in in_file]
    lines += [
        f"{_name(keys)}: is another one in the file"
        for keys, each in in_file.items()
        if keys in in_keepalived and each != in_keepalived[keys]
    ]
    return lines


def _name(keys: Sequence[object]) -> str:
    first, *more = map(render.service_words, keys)
    return f"virtual server {first}" + (f" and {len(more)} more" if more else "")
