# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""Move VRRP instances away from here, and see that they are gone and somebody else has them."""

from __future__ import annotations

from typing import Mapping, Sequence

from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.daemon import Dump
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.model import NotReached
from ansible_collections.lautan.lvs.plugins.module_utils._runner import check
from ansible_collections.lautan.lvs.plugins.module_utils._vrrp_info import parse
from ansible_collections.lautan.lvs.plugins.module_utils._vrrp_info.model import Instance
from ansible_collections.lautan.lvs.plugins.module_utils._vrrp_switchover.model import (
    BACKUP,
    MASTER,
    DirectorAccess,
    Interrupted,
    Outcome,
)
from ansible_collections.lautan.lvs.plugins.module_utils._vrrp_switchover.track_file import reset

ADDRESSES = ("ip", "-json", "address")

# Seconds between two looks at keepalived. It logs each of them.
PAUSE = 0.02


def set_command(file: str, value: int) -> str:
    return f"echo {value} > {file}"


class Move:
    """One switchover.

    The files say 1 only until the instances have left MASTER, some milliseconds: keepalived has said so to the other
    directors by then. As soon as they say 0 again this director is a backup, which becomes MASTER by itself if it
    hears nobody. So nothing has to be noticed and undone here if nobody takes over.

    :param files: the paths of the files that the instances track.
    :param moving: the instances, as they were before.
    """

    def __init__(
        self, access: DirectorAccess, dump: Dump, files: Sequence[str], moving: Sequence[Instance], timeout: float
    ) -> None:
        self._access, self._dump, self._files = access, dump, files
        self._names = [instance.name for instance in moving]
        self._timeout = timeout

    def run(self, to: str, outcome: Outcome) -> None:
        """:raises NotReached: if the other director did not take over, or this one did not let go.

        :raises StillSet: if a file could not be reset.
        """
        start = self._access.now()
        try:
            adverts = self._push(start + self._timeout, outcome)
        except Interrupted:
            # Perhaps while a file was being reset. It does not come twice.
            reset(self._access, self._files)
            raise
        if adverts is None:
            lines = [f"VRRP instance {name}: is {outcome.after[name]} still" for name in self._still_master(outcome)]
            raise NotReached(
                lines,
                f"keepalived did not heed {' and '.join(self._files)} within {self._timeout:g} seconds, "
                f"{self._again()}. It may not have read its configuration yet",
            )
        self._settle(to, start, adverts, outcome)

    def _push(self, deadline: float, outcome: Outcome) -> dict[str, int] | None:
        """Have the files say 1 until no instance is MASTER, and 0 from then on."""
        try:
            for file in self._files:
                outcome.commands.append(set_command(file, 1))
                self._access.overwrite(file, "1\n")
                outcome.changed = True
            return self._leave(deadline, outcome)
        finally:
            outcome.commands += [set_command(file, 0) for file in self._files]
            reset(self._access, self._files)

    def _leave(self, deadline: float, outcome: Outcome) -> dict[str, int] | None:
        """Wait until no instance is MASTER.

        :return: how many adverts each had received then; None if the time ran out.
        """
        while True:
            found = self._look(set(), outcome)
            if not self._still_master(outcome):
                return {name: _received(found[name]) for name in self._names}
            if self._access.now() >= deadline:
                return None
            self._access.pause(PAUSE)

    def _settle(self, to: str, start: float, adverts: Mapping[str, int], outcome: Outcome) -> None:
        """Wait until the addresses are gone and somebody is heard who has them, or they are back here."""
        deadline = self._access.now() + self._timeout
        while True:
            held = parse.host_addresses(check(self._access.run, ADDRESSES))
            found = self._look(held, outcome)
            seconds = self._access.now() - start
            returned = self._still_master(outcome)
            if not returned and outcome.released is None and not _held(found):
                outcome.released = seconds
            heard = [name for name, item in found.items() if item.state == BACKUP and _received(item) > adverts[name]]
            if len(heard) == len(self._names) and outcome.heard is None:
                outcome.heard = seconds
            if outcome.released is not None and outcome.heard is not None:
                return
            missing = [ip for instance in found.values() for ip in instance.addresses_missing]
            if returned and len(returned) + len(heard) == len(self._names) and not missing:
                lines = [f"{to}: did not take over {name}" for name in returned]
                raise NotReached(lines, self._whereabouts(outcome))
            if self._access.now() >= deadline:
                raise NotReached(self._differences(to, found, adverts), self._whereabouts(outcome))
            self._access.pause(PAUSE)

    def _look(self, held: set[str], outcome: Outcome) -> dict[str, Instance]:
        entries = {entry["data"]["iname"]: entry for entry in self._dump.instances(self._access.pause)}
        missing = [name for name in self._names if name not in entries]
        if missing:
            raise NotReached(
                [f"VRRP instance {name}: keepalived does not have it any more" for name in missing],
                self._again(),
            )
        found = {name: parse.running_instance(entries[name], None, held) for name in self._names}
        outcome.after.update({name: instance.state for name, instance in found.items()})
        return found

    def _still_master(self, outcome: Outcome) -> list[str]:
        return [name for name in self._names if outcome.after[name] == MASTER]

    def _differences(self, to: str, found: Mapping[str, Instance], adverts: Mapping[str, int]) -> list[str]:
        lines = []
        for name, instance in found.items():
            if instance.state != BACKUP:
                lines.append(f"VRRP instance {name}: wanted {BACKUP}, found {instance.state}")
            elif _received(instance) <= adverts[name]:
                lines.append(f"VRRP instance {name}: no advert was received from {to}")
            lines += [
                f"VRRP instance {name}: has {ip} although it is {instance.state}" for ip in _held({name: instance})
            ]
        return lines

    def _whereabouts(self, outcome: Outcome) -> str:
        states = ", ".join(f"{name} is {outcome.after[name]}" for name in self._names)
        return f"{self._again()}, and {states} here"

    def _again(self) -> str:
        return f"{' and '.join(self._files)} {'says' if len(self._files) == 1 else 'say'} 0 again"


def _received(instance: Instance) -> int:
    return (instance.adverts or {}).get("received", 0)


def _held(found: Mapping[str, Instance]) -> list[str]:
    """The addresses that are here and should not be."""
    return [ip for instance in found.values() for ip in instance.addresses_orphaned]


def predicted(before: Mapping[str, str], moving: Sequence[Instance]) -> dict[str, str]:
    """The states after it went well."""
    return {**before, **{instance.name: BACKUP for instance in moving}}
