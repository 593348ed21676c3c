# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""Write a document in normal form as keepalived.conf(5). The same document always gives the same text."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Iterator, Mapping

from ansible_collections.lautan.lvs.plugins.module_utils._keepalived import quoting
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.model import Faults, join
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.schema import Block, Keyword, Lines, Section
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.schema_root import ROOT

_HEAD = "# Written by the Ansible module lautan.lvs.keepalived_config."
_SEAL = "# lautan.lvs.keepalived_config sha256:"
_INDENT = "    "

UNTOUCHED, EDITED, FOREIGN = "untouched", "edited", "foreign"


@dataclass(frozen=True)
class Line:
    """A line of the file, and the path of the value that it comes from."""

    text: str
    path: str


def lines_of(document: Mapping[str, Any]) -> list[Line]:
    """The file's lines but for the seal."""
    return [Line(_HEAD, ""), *_section(ROOT, document, "", "")]


def text_of(lines: list[Line]) -> str:
    """The text of the file: its lines, and a seal that tells later whether anybody else has written to it."""
    body = "".join(f"{line.text}\n" for line in lines)
    return f"{body}{_SEAL}{_digest(body)}\n"


def authorship(text: str) -> str:
    """Whether a file is untouched since the module wrote it, edited since then, or somebody else's."""
    body, seal, digest = text.rpartition(_SEAL)
    if seal and digest == f"{_digest(body)}\n":
        return UNTOUCHED
    return EDITED if _SEAL in text or _HEAD in text else FOREIGN


def too_long(lines: list[Line], faults: Faults) -> None:
    """Report lines that keepalived would take for two."""
    for line in lines:
        if len(line.text.encode("utf-8", "surrogateescape")) > quoting.LONGEST_LINE:
            faults.missing(line.path, f"gives a line of more than {quoting.LONGEST_LINE} bytes; keepalived splits it")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def _section(section: Section, data: Mapping[str, Any], indent: str, path: str) -> Iterator[Line]:
    done = set()
    for keyword in section.keywords:
        if keyword.key not in data or keyword.key in done:
            continue
        done.add(keyword.key)
        value = data[keyword.key]
        if not keyword.many:
            yield from _keyword(keyword, value, indent, join(path, keyword.key))
            continue
        words = {other.word: other for other in section.by_key(keyword.key)}
        for index, item in enumerate(value):
            chosen = words[item["type"]] if keyword.tagged else keyword
            yield from _keyword(chosen, item, indent, join(path, f"{keyword.key}[{index}]"))


def _keyword(keyword: Keyword, value: Any, indent: str, path: str) -> Iterator[Line]:
    shape = keyword.shape
    if not isinstance(shape, (Block, Lines)):
        if shape.is_written(value):
            yield Line(indent + " ".join([keyword.word, *shape.words(value)]), path)
        return
    if not indent:
        yield Line("", "")
    header = shape.header.parts_words(value) if shape.header else []
    yield Line(indent + " ".join([keyword.word, *header, "{"]), path)
    if isinstance(shape, Block):
        yield from _section(shape.section, value, indent + _INDENT, path)
    else:
        values, inner = (value[shape.key], join(path, shape.key)) if shape.key else (value, path)
        for index, item in enumerate(values):
            yield Line(indent + _INDENT + " ".join(shape.kind.words(item)), f"{inner}[{index}]")
    yield Line(indent + "}", path)
