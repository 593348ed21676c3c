# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""What IPVS is made of as a whole, and the file from which Debian makes it again at boot."""

from __future__ import annotations

from typing import NamedTuple

from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.daemon import BACKUP, MASTER, Daemon, start_words
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.model import Table
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.parse import ParseError, parse_rules
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.render import table_lines
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.timeouts import Timeouts, set_words

# Debian loads the file with: grep -v "^#" FILE | ipvsadm -R
_COMMENT = "#"
_MANAGED = "# Written by the Ansible module lautan.lvs.ipvs_boot; changes here are lost.\n"
EMPTY_FILE = "# ipvsadm.rules\n"


class Ipvs(NamedTuple):
    """All that is lost at a reboot. Daemons are in the order of their roles."""

    timeouts: Timeouts
    daemons: tuple[Daemon, ...]
    table: Table


def rules_file(ipvs: Ipvs) -> str:
    """The file that makes this.

    ipvsadm goes on after a command that the kernel refuses, and its status is that of the last one. That must not be
    the start of a daemon: it fails if the daemon runs already, as it does whenever the file is loaded again.
    """
    lines = [" ".join(start_words(daemon)) for daemon in ipvs.daemons]
    lines += [" ".join(set_words(ipvs.timeouts)), *table_lines(ipvs.table)]
    return _MANAGED + "".join(f"{line}\n" for line in lines)


def parse_file(text: str) -> Ipvs:
    """Read such a file.

    :raises ParseError: if there is in it what this module does not write, nor ``ipvsadm -Sn`` prints.
    """
    timeouts: Timeouts | None = None
    daemons = []
    rules = []
    for line in text.splitlines():
        if line.startswith("--start-daemon "):
            daemons.append(_daemon(line))
        elif line.startswith("--set "):
            words = line.split()[1:]
            if timeouts is not None or len(words) != 3 or not all(word.isdigit() for word in words):
                raise ParseError(f"{line!r} is not understood")
            timeouts = Timeouts(*map(int, words))
        elif not line.startswith(_COMMENT):
            rules.append(line)
    if timeouts is None:
        raise ParseError("there are no timeouts")
    return Ipvs(timeouts, in_order(daemons), parse_rules("\n".join(rules)))


def has_rules(text: str) -> bool:
    """Whether there is anything in the file that ipvsadm would do."""
    return any(line.strip() and not line.startswith(_COMMENT) for line in text.splitlines())


def in_order(daemons: list[Daemon]) -> tuple[Daemon, ...]:
    return tuple(sorted(daemons, key=lambda daemon: daemon.role))


def _daemon(line: str) -> Daemon:
    """Read the start of a daemon: exactly as it is written here."""
    words = line.split()
    options = dict(zip(words[::2], words[1::2]))
    try:
        maxlen = options.get("--sync-maxlen")
        daemon = Daemon(
            role=options["--start-daemon"],
            interface=options["--mcast-interface"],
            syncid=int(options["--syncid"]),
            group=options["--mcast-group"],
            port=int(options["--mcast-port"]),
            ttl=int(options["--mcast-ttl"]),
            maxlen=int(maxlen) if maxlen else None,
        )
    except (KeyError, ValueError):
        raise ParseError(f"{line!r} is not understood") from None
    if daemon.role not in (MASTER, BACKUP) or start_words(daemon) != words:
        raise ParseError(f"{line!r} is not understood")
    return daemon
