# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""Read a keepalived.conf(5) as a document, and name everything that a document cannot say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.lexer import (
    INCLUDES,
    Problem,
    Source,
    Statement,
    take_apart,
)
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.model import MASK
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.quoting import Unreadable
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.records import Record
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.schema import Block, Keyword, Lines, Section
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.schema_root import ROOT


@dataclass(frozen=True)
class Imported:
    """A document in normal form, and what of the text is not in it."""

    document: dict[str, Any]
    problems: tuple[Problem, ...]


def parse(text: str, config_id: str | None = None) -> Imported:
    """Read a file. :param config_id: see take_apart()."""
    source = take_apart(text, config_id)
    document = _Reader(source).section(ROOT, source.statements)
    return Imported(document, tuple(sorted(source.problems, key=lambda problem: problem.line)))


class _Reader:
    def __init__(self, source: Source) -> None:
        self._problems = source.problems

    def _problem(self, statement: Statement, message: str) -> None:
        self._problems.append(Problem(statement.line, message))

    def section(self, section: Section, statements: list[Statement]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for statement in statements:
            word = statement.text.split(None, 1)[0].strip('"')
            keyword = section.by_word(word)
            if keyword is not None:
                self._keyword(keyword, statement, found)
            elif word in INCLUDES:
                self._problem(statement, f"another file: {statement.text}")
            else:
                self._problem(statement, f"unknown keyword {word!r}")
        return {key: found[key] for key in section.data_keys() if key in found}

    def _keyword(self, keyword: Keyword, statement: Statement, found: dict[str, Any]) -> None:
        shape = keyword.shape
        try:
            if isinstance(shape, (Block, Lines)):
                value = self._braces(keyword, shape, statement)
            elif statement.block is not None:
                raise Unreadable("braces where there are none")
            else:
                value = shape.read(statement.words(shape.escaped)[1:])
        except Unreadable as exc:
            said = "it cannot be read" if keyword.secret else str(exc)
            self._problem(statement, f"{keyword.word}: {said}")
            return
        if keyword.many:
            found.setdefault(keyword.key, []).append(value)
        elif isinstance(shape, Lines) and keyword.key in found:
            found[keyword.key] += value
        elif isinstance(shape, Block) and keyword.key in found:
            self._merge(keyword, statement, found[keyword.key], value)
        else:
            if keyword.key in found and found[keyword.key] != value:
                shown = MASK if keyword.secret else repr(found[keyword.key])
                self._problem(statement, f"{keyword.word} for the second time; it was {shown} before")
            found[keyword.key] = value

    def _merge(self, keyword: Keyword, statement: Statement, old: dict[str, Any], new: dict[str, Any]) -> None:
        """Blocks such as global_defs may come in parts."""
        for key in new:
            if key in old and old[key] != new[key]:
                self._problem(statement, f"{key} for the second time, in another {keyword.word}")
        old.update(new)

    def _braces(self, keyword: Keyword, shape: Block | Lines, statement: Statement) -> Any:
        header = self._header(shape.header, statement)
        if statement.block is None:
            raise Unreadable("an opening brace is missing")
        if isinstance(shape, Block):
            tag = {"type": keyword.word} if keyword.tagged else {}
            return {**tag, **header, **self.section(shape.section, statement.block)}
        values = self._values(shape, statement.block)
        return {**header, shape.key: values} if shape.key else values

    def _header(self, header: Record | None, statement: Statement) -> dict[str, Any]:
        words = statement.words()[1:]
        if header is not None:
            return header.read_parts(words)
        if words:
            raise Unreadable(f"{' '.join(words)!r} before the brace")
        return {}

    def _values(self, lines: Lines, statements: list[Statement]) -> list[Any]:
        values = []
        for statement in statements:
            if statement.block is not None:
                self._problem(statement, "braces where there are none")
                continue
            try:
                words = statement.words(lines.kind.escaped)
                for part in [[word] for word in words] if lines.many_a_line else [words]:
                    values.append(lines.kind.read(part))
            except Unreadable as exc:
                self._problem(statement, f"{statement.text}: {exc}")
        return values
