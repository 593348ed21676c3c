# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""Keep IPVS over a reboot through Debian's own start of ipvsadm, or give that up: read, plan, act, read again."""

from __future__ import annotations

from typing import Mapping, NamedTuple, Protocol, Sequence

from ansible_collections.lautan.lvs.plugins.module_utils._failures import Mistakes
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.boot_defaults import is_set, setting, with_settings
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.boot_host import File
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.boot_keepalived import Keepalived, keepalived
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.boot_rules import (
    EMPTY_FILE,
    Ipvs,
    has_rules,
    in_order,
    parse_file,
    rules_file,
)
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.daemon import parse_daemons
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.model import NotReached
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.parse import ParseError
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.read import PROGRAM, TABLE_QUERY, parse_table
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.settings import (
    Outcome,
    Progress,
    command_line,
    difference,
)
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.timeouts import parse_timeouts
from ansible_collections.lautan.lvs.plugins.module_utils._runner import CommandError, Completed, Runner, check

RULES_FILE = "/etc/ipvsadm.rules"
RULES_MODE = 0o640
DEFAULTS_FILE = "/etc/default/ipvsadm"
DEFAULTS_MODE = 0o644
UNIT = "ipvsadm.service"
KEEPALIVED_UNIT = "keepalived.service"

_QUERY = TABLE_QUERY + "-L --timeout\n-L --daemon\n"


class HostAccess(Protocol):
    """What this needs from a host. Files are named by absolute paths; OSError is the caller's to handle."""

    run: Runner

    def read(self, path: str) -> str | None:
        """Give the text of a file, or None if there is no such file."""

    def file(self, path: str) -> File | None:
        """Give a file with its permissions, or None if there is no such file."""

    def glob(self, pattern: str) -> list[str]:
        """Give the paths that match a pattern."""

    def write(self, path: str, file: File) -> None:
        """Put a file in place atomically."""


class Boot(NamedTuple):
    """What decides about IPVS at the next boot."""

    rules: File | None
    defaults: File | None
    # As systemctl(1) says it: enabled, disabled, masked ...; empty or not-found without the package.
    unit: str

    @property
    def has_unit(self) -> bool:
        return self.unit not in ("", "not-found")


def ensure_boot(host: HostAccess, present: bool, check_mode: bool, progress: Progress) -> Outcome:
    """Make the next boot bring back what the kernel holds, or nothing; with ``check_mode`` tell what that takes.

    :raises Mistakes: if it cannot be, or must not be; nothing was changed.
    :raises CommandError: if a command failed.
    :raises NotReached: if not all is as it should be although every command succeeded.
    """
    before = observe(host)
    if present:
        owner = _owner(host)
        _refuse(before, owner)
        ipvs = read_ipvs(host.run)
        if owner.sync_daemon is not None:
            ipvs = ipvs._replace(daemons=())
        after = kept(before, ipvs)
    else:
        after = given_up(before)
    commands = _commands(before, after)
    files = _changed_files(before, after)
    if not check_mode:
        for path, file in files.items():
            host.write(path, file)
            progress.changed = True
        for argv in commands:
            _systemctl(host.run, argv)
            progress.commands.append(command_line(argv))
            progress.changed = True
        if files or commands:
            _verify(after, observe(host), progress)
    return Outcome(bool(files or commands), tuple(map(command_line, commands)), _diff(before, after))


def observe(host: HostAccess) -> Boot:
    return Boot(host.file(RULES_FILE), host.file(DEFAULTS_FILE), _enabled(host.run, UNIT))


def read_ipvs(run: Runner) -> Ipvs:
    """Read all that the kernel holds, with one process."""
    text = check(run, PROGRAM, _QUERY)
    return Ipvs(parse_timeouts(text), in_order(parse_daemons(text)), parse_table(text))


def kept(before: Boot, ipvs: Ipvs) -> Boot:
    """What brings this back. A file that does so already stays as it is."""
    old = before.rules
    text = old.text if old is not None and _makes(old.text, ipvs) else rules_file(ipvs)
    # The rules file starts the daemons, with all their options. The distribution would start them a second time.
    settings = {"AUTO": "true"}
    if before.defaults is not None and is_set(before.defaults.text, "DAEMON"):
        settings["DAEMON"] = "none"
    return Boot(File(text, RULES_MODE), _defaults(before.defaults or File("", DEFAULTS_MODE), settings), "enabled")


def given_up(before: Boot) -> Boot:
    """What brings nothing back, and leaves alone what does not matter then."""
    rules, defaults = before.rules, before.defaults
    if rules is not None and has_rules(rules.text):
        rules = File(EMPTY_FILE, RULES_MODE)
    if defaults is not None and is_set(defaults.text, "AUTO"):
        defaults = _defaults(defaults, {"AUTO": "false"})
    return Boot(rules, defaults, "disabled" if before.unit.startswith("enabled") else before.unit)


def _defaults(file: File, settings: Mapping[str, str]) -> File:
    if all(setting(file.text, name) == value for name, value in settings.items()):
        return file
    return file._replace(text=with_settings(file.text, settings))


def _makes(text: str, ipvs: Ipvs) -> bool:
    try:
        return parse_file(text) == ipvs
    except ParseError:
        return False


def _owner(host: HostAccess) -> Keepalived:
    """What keepalived does with IPVS, if it runs or will run."""
    owner = keepalived(host)
    if not any(owner):
        return owner
    active = host.run(("systemctl", "is-active", KEEPALIVED_UNIT), None).stdout.strip()
    runs = active in ("active", "activating", "reloading") or _enabled(host.run, KEEPALIVED_UNIT).startswith("enabled")
    return owner if runs else Keepalived()


def _refuse(before: Boot, owner: Keepalived) -> None:
    mistakes = []
    if owner.virtual_server is not None:
        mistakes.append(
            f"keepalived owns the table, and fills it at boot ({owner.virtual_server}); for a table of your own,"
            f" take the virtual servers out of its configuration or disable and stop {KEEPALIVED_UNIT}"
        )
    if not before.has_unit:
        mistakes.append(f"there is no {UNIT}: install the package ipvsadm")
    elif before.unit.startswith("masked"):
        mistakes.append(f"{UNIT} is {before.unit}: systemctl unmask {UNIT} allows it to start")
    if mistakes:
        raise Mistakes(mistakes)


def _enabled(run: Runner, unit: str) -> str:
    """Ask whether a unit is enabled. Of a script of System V it says on stderr, each time, that it is one."""
    lines = run(("systemctl", "is-enabled", unit), None).stdout.split()
    return lines[-1] if lines else ""


def _systemctl(run: Runner, argv: Sequence[str]) -> Completed:
    """For the same reason only the status counts."""
    completed = run(argv, None)
    if completed.rc != 0:
        raise CommandError(argv, completed)
    return completed


def _commands(before: Boot, after: Boot) -> list[list[str]]:
    if before.unit == after.unit:
        return []
    return [["systemctl", "enable" if after.unit == "enabled" else "disable", UNIT]]


def _changed_files(before: Boot, after: Boot) -> dict[str, File]:
    pairs = {RULES_FILE: (before.rules, after.rules), DEFAULTS_FILE: (before.defaults, after.defaults)}
    return {path: new for path, (old, new) in pairs.items() if new is not None and new != old}


def _verify(wanted: Boot, found: Boot, progress: Progress) -> None:
    wrong = [f"{path}: is not as it was written" for path in _changed_files(found, wanted)]
    if found.unit != wanted.unit:
        wrong.append(f"{UNIT}: wanted {wanted.unit}, found {found.unit or 'none'}")
    if wrong:
        raise NotReached(wrong, progress.commands)


def _diff(before: Boot, after: Boot) -> tuple[dict[str, str], ...]:
    pairs = ((RULES_FILE, before.rules, after.rules), (DEFAULTS_FILE, before.defaults, after.defaults))
    entries = [difference(path, _show(old, new), _show(new, old)) for path, old, new in pairs if old != new]
    if before.unit != after.unit:
        entries.append(difference(UNIT, f"{before.unit}\n", f"{after.unit}\n"))
    return tuple(entries)


def _show(file: File | None, other: File | None) -> str:
    if file is None:
        return ""
    if other is not None and file[1:] != other[1:]:
        return f"mode {file.mode:04o} owner {file.uid}:{file.gid}\n{file.text}"
    return file.text
