# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""The form of the table of keywords, the one place that says what keepalived knows.

Checking, writing and reading all go by it. The order of keywords in a section is the order in which they are written,
and keepalived reads from the top: what is referred to comes before what refers to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Union

from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.kinds import (
    Bool,
    Choice,
    Decimal,
    Flag,
    Int,
    Kind,
    Maybe,
    Word,
)
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.model import Version
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.records import Record


@dataclass(frozen=True)
class Section:
    """What stands between the braces of a block, or in the whole file."""

    keywords: tuple[Keyword, ...]

    def data_keys(self) -> list[str]:
        return list(dict.fromkeys(keyword.key for keyword in self.keywords))

    def by_key(self, key: str) -> list[Keyword]:
        return [keyword for keyword in self.keywords if keyword.key == key]

    def by_word(self, word: str) -> Keyword | None:
        return next((keyword for keyword in self.keywords if word in (keyword.word, *keyword.aliases)), None)


@dataclass(frozen=True)
class Block:
    """A keyword with braces that hold keywords.

    :param header: what stands between keyword and brace; its parts are in the same dictionary as the keywords.
    """

    section: Section
    header: Record | None = None


@dataclass(frozen=True)
class Lines:
    """A keyword with braces that hold one value a line.

    :param many_a_line: a line may hold several values.
    :param header: as with Block. The value is then a dictionary, with the lines under ``key``.
    """

    kind: Kind
    many_a_line: bool = False
    header: Record | None = None
    key: str = ""


Shape = Union[Kind, Block, Lines]


@dataclass(frozen=True)
class Keyword:
    """A keyword.

    :param word: what it is called in keepalived.conf(5).
    :param key: what it is called in the data.
    :param many: it may appear several times; the data has a list.
    :param tagged: several keywords share the key, and ``type`` in the data says which it is.
    :param since: the first version that knows it, if that is not the oldest.
    :param until: the first version that does not know it any more.
    :param aliases: other, mostly older names that mean the same; they are read, never written.
    """

    word: str
    shape: Shape
    key: str = ""
    many: bool = False
    tagged: bool = False
    required: bool = False
    secret: bool = False
    since: Version | None = None
    until: Version | None = None
    aliases: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.key:
            object.__setattr__(self, "key", self.word)


def flag(word: str, **more: Any) -> Keyword:
    return Keyword(word, Flag(), **more)


def boolean(word: str, **more: Any) -> Keyword:
    return Keyword(word, Bool(), **more)


def whole(word: str, low: int, high: int, **more: Any) -> Keyword:
    return Keyword(word, Int(low, high), **more)


def decimal(word: str, low: str, high: str, digits: int = 6, **more: Any) -> Keyword:
    return Keyword(word, Decimal(low, high, digits), **more)


def text(word: str, pattern: str = ".+", what: str = "must not be empty", **more: Any) -> Keyword:
    return Keyword(word, Word(pattern, what, secret=more.get("secret", False)), **more)


def choice(word: str, *values: str, **more: Any) -> Keyword:
    return Keyword(word, Choice(*values), **more)


def maybe(word: str, kind: Kind, **more: Any) -> Keyword:
    return Keyword(word, Maybe(kind), **more)
