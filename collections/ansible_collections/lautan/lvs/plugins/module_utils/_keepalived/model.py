# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""What is talked about everywhere here: versions of keepalived, mistakes, secrets, files."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Iterable, Tuple

from ansible_collections.lautan.lvs.plugins.module_utils import _failures

Version = Tuple[int, int, int]

# What Debian 12 has. Nothing older was tried, and keywords are not known to be missing there.
OLDEST: Version = (2, 2, 7)
# The last one whose keywords are known, that of Debian 13
NEWEST: Version = (2, 3, 3)

MASK = "********"


def version_text(version: Version) -> str:
    return ".".join(map(str, version))


@dataclass(frozen=True)
class File:
    """A regular file: its text, its permissions, and who owns it."""

    text: str
    mode: int = 0o640
    uid: int = 0
    gid: int = 0


class NotReached(_failures.NotReached):  # the state, after all steps went well
    """The running keepalived is not what it was made: each difference is named, and what was done about it."""

    def __init__(self, differences: list[str], rolled_back: str) -> None:
        super().__init__(differences)
        self.rolled_back = rolled_back

    def __str__(self) -> str:
        return f"{super().__str__()}. {self.rolled_back}"


class Faults:
    """Collects what is wrong with a document, each by its path and with the value that it had.

    :param version: the version of keepalived that is to read the document; None if that does not matter.
    """

    def __init__(self, version: Version | None = None) -> None:
        self.version = version
        self.lines: list[str] = []
        self.warnings: list[str] = []

    def add(self, path: str, value: Any, message: str) -> None:
        self.lines.append(f"{path}={value!r}: {message}" if path else f"{value!r}: {message}")

    def add_secret(self, path: str, message: str) -> None:
        self.lines.append(f"{path}={MASK}: {message}")

    def missing(self, path: str, message: str) -> None:
        self.lines.append(f"{path}: {message}")

    def warn(self, path: str, message: str) -> None:
        self.warnings.append(f"{path}: {message}")

    def too_old(self, since: Version) -> bool:
        return self.version is not None and self.version < since


def join(path: str, name: str) -> str:
    """The path of what is called ``name`` in what has this path."""
    return f"{path}.{name}" if path else name


def mask_values(text: str, secrets: Iterable[str]) -> str:
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, MASK)
    return text


# In files that somebody else wrote, too, and in comments: what follows is the secret, quoted or not.
_SECRET = re.compile(r"(?m)(\b(?:auth_pass|password)[ \t]+)(\S[^\n]*?)[ \t\r]*$")
# What the secret may be made of: $NAME or ${NAME}.
_REFERENCE = re.compile(r"\$\{?(\w+)")
# From the digest of a text that is known but for a short password, that could be found out.
_DIGEST = re.compile(r"(?m)(^# \S+ sha256:)[0-9a-f]+$")


def mask_text(text: str) -> str:
    """The text of a keepalived.conf(5) without its secrets."""
    masked = _SECRET.sub(lambda match: match.group(1) + MASK, text)
    for definition in _definitions(text):
        masked = definition.sub(lambda match: match.group(1) + MASK, masked)
    return masked if masked == text else _DIGEST.sub(lambda match: match.group(1) + MASK, masked)


def secret_parts(text: str) -> list[str]:
    """The secrets of a keepalived.conf(5), as they are written there."""
    found = [match.group(2) for match in _SECRET.finditer(text)]
    return found + [match.group(2) for definition in _definitions(text) for match in definition.finditer(text)]


def _definitions(text: str) -> list[re.Pattern[str]]:
    """What finds the lines that define what a secret is made of, as ``$NAME=VALUE``."""
    names = {name for match in _SECRET.finditer(text) for name in _REFERENCE.findall(match.group(2))}
    return [re.compile(rf"(?m)^([ \t]*\${name}[ \t]*=[ \t]*)(\S[^\n]*?)[ \t\r]*$") for name in sorted(names)]
