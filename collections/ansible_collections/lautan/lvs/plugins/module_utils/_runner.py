# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""The one way modules of this collection start programs: a callable that is passed in, so that tests pass another.

An argument list, never a shell; the C locale; an exception with everything a person needs when a program fails.
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Callable, Optional, Sequence

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule


@dataclass(frozen=True)
class Completed:
    """What a program that ended left behind."""

    rc: int
    stdout: str
    stderr: str


# run(argv, stdin) -> Completed, whatever the return code is
Runner = Callable[[Sequence[str], Optional[str]], Completed]


class CommandError(Exception):
    """A program failed, or succeeded with a complaint."""

    def __init__(self, argv: Sequence[str], completed: Completed) -> None:
        self.argv = list(argv)
        self.rc = completed.rc
        self.stdout = completed.stdout
        self.stderr = completed.stderr
        said = completed.stderr.strip() or completed.stdout.strip() or "it said nothing"
        super().__init__(f"{' '.join(argv)} (rc {completed.rc}): {said}")


def check(run: Runner, argv: Sequence[str], stdin: str | None = None) -> str:
    """Run a program that must succeed in silence on stderr.

    :return: its standard output.
    :raises CommandError: if it failed, or wrote anything to stderr.
    """
    completed = run(argv, stdin)
    if completed.rc != 0 or completed.stderr.strip():
        raise CommandError(argv, completed)
    return completed.stdout


def module_runner(module: AnsibleModule) -> Runner:
    """Give the runner that a module uses on its host."""

    def run(argv: Sequence[str], stdin: str | None = None) -> Completed:
        program = module.get_bin_path(argv[0])
        if program is None:
            return Completed(127, "", f"the program {argv[0]} was not found")
        # Not module.run_command: it writes all of stdin before it reads anything, and so waits for ever for a program
        # that in the meantime has more to say than a pipe holds.
        completed = subprocess.run(
            [program, *argv[1:]],
            input=(stdin or "").encode("utf-8", "surrogateescape"),
            capture_output=True,
            env={**os.environ, "LANGUAGE": "C", "LC_ALL": "C"},
            check=False,
        )
        stdout, stderr = (text.decode("utf-8", "surrogateescape") for text in (completed.stdout, completed.stderr))
        return Completed(completed.returncode, stdout, stderr)

    return run
