# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""Between the module and the rest: the real director, and exceptions turned into failures of the module."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import time
from typing import TYPE_CHECKING, Any, Iterator

from ansible_collections.lautan.lvs.plugins.module_utils._failures import Mistakes
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.daemon import NoDump
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.glue import LocalHost
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.model import NotReached
from ansible_collections.lautan.lvs.plugins.module_utils._runner import CommandError
from ansible_collections.lautan.lvs.plugins.module_utils._vrrp_switchover.ensure import ensure
from ansible_collections.lautan.lvs.plugins.module_utils._vrrp_switchover.model import (
    Busy,
    Interrupted,
    Outcome,
    StillSet,
    Wanted,
)

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

# What a controller that goes away sends, or an operator
_SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)


class LocalDirector(LocalHost):
    """DirectorAccess to the host on which the module runs."""

    def overwrite(self, path: str, text: str) -> None:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        try:
            os.write(descriptor, text.encode("ascii"))
        finally:
            os.close(descriptor)

    def now(self) -> float:
        return time.monotonic()

    def pause(self, seconds: float) -> None:
        time.sleep(seconds)

    @contextlib.contextmanager
    def alone(self, directory: str) -> Iterator[None]:
        # The directory, because the file may not be there yet. The lock goes when the process does.
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise Busy from None
        try:
            yield
        finally:
            os.close(descriptor)

    @contextlib.contextmanager
    def shielded(self) -> Iterator[None]:
        def interrupt(number: int, frame: object) -> None:
            # The file is about to be reset, which is not to be cut short as well.
            for each in _SIGNALS:
                signal.signal(each, signal.SIG_IGN)
            raise Interrupted(signal.Signals(number).name)

        before = {number: signal.signal(number, interrupt) for number in _SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def run_module(module: AnsibleModule) -> None:
    """Do what the module was asked for, and end it."""
    wanted, outcome = Wanted(**module.params), Outcome()

    def result() -> dict[str, Any]:
        for warning in outcome.warnings:
            module.warn(warning)
        return {
            "changed": outcome.changed,
            "repaired": bool(outcome.left_behind),
            "commands": outcome.commands,
            "instances": [
                {"name": name, "from": state, "to": outcome.after[name]} for name, state in outcome.before.items()
            ],
        }

    def fail(message: str, **details: Any) -> None:
        module.fail_json(msg=message, **result(), **details)

    try:
        ensure(LocalDirector(module), wanted, module.check_mode, outcome)
    except Mistakes as exc:
        fail(f"Nothing was moved: {exc}", errors=exc.mistakes)
    except Busy:
        fail("Nothing was moved: another switchover is at work on this director")
    except NotReached as exc:
        fail(f"The switchover did not succeed: {exc}", errors=exc.differences)
    except StillSet as exc:
        fail(f"This director stays in FAULT until its track_file says 0, and that could not be written: {exc}")
    except NoDump as exc:
        fail(f"keepalived does not tell the state of its VRRP instances: {exc}")
    except CommandError as exc:
        fail(f"A command failed: {exc}", cmd=exc.argv, rc=exc.rc, stdout=exc.stdout, stderr=exc.stderr)
    except Interrupted as exc:
        fail(f"Interrupted by {exc}; every track_file says 0 again")
    except OSError as exc:
        fail(f"A file could not be read or written: {exc}")
    else:
        details: dict[str, Any] = {"seconds": None}
        if outcome.released is not None and outcome.heard is not None:
            details["seconds"] = {"released": round(outcome.released, 3), "heard": round(outcome.heard, 3)}
        if module._diff:
            details["diff"] = _diff(outcome)
        module.exit_json(msg=outcome.message, **result(), **details)


def _diff(outcome: Outcome) -> list[dict[str, str]]:
    changes = [(file, f"{value}\n", "0\n") for file, value in outcome.left_behind.items()]
    if outcome.before != outcome.after:
        changes.append(("VRRP", _lines(outcome.before), _lines(outcome.after)))
    return [
        {"before_header": name, "after_header": name, "before": before, "after": after}
        for name, before, after in changes
    ]


def _lines(states: dict[str, str]) -> str:
    return "".join(f"{name}: {state}\n" for name, state in states.items())
