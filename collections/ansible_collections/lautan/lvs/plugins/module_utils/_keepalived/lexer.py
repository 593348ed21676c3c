# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""Take a keepalived.conf(5) apart as keepalived does: comments, conditions, definitions, braces.

After lib/parser.c of keepalived: decomment(), read_line(), replace_param().
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Iterator

from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.quoting import (
    WHITE_SPACE,
    Unreadable,
    split_escaped,
    split_plain,
)

INCLUDES = ("include", "includer", "includem", "includew", "includeb", "includea")


@dataclass
class Statement:
    """A keyword with its values, and what is in its braces if it has any."""

    line: int
    text: str
    block: list[Statement] | None = None

    def words(self, escaped: bool = False) -> list[str]:
        """:raises Unreadable: if the quotes are wrong."""
        return split_escaped(self.text) if escaped else split_plain(self.text)


@dataclass(frozen=True)
class Problem:
    """Something that cannot be represented, and where it is."""

    line: int
    message: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.message}"


@dataclass
class Source:
    """A file taken apart."""

    statements: list[Statement]
    problems: list[Problem] = field(default_factory=list)


def take_apart(text: str, config_id: str | None = None) -> Source:
    """Take a file apart.

    :param config_id: what keepalived would be given as ``--config-id``. Lines for other ids are then left out, as
        keepalived does. Without it each such line is a problem.
    """
    source = Source([])
    definitions: dict[str, str] = {}
    lines = []
    for number, raw in enumerate(text.split("\n"), 1):
        line = _without_comment(raw)
        line = _condition(line, number, config_id, source)
        line = _definition(line, number, definitions, source)
        if line:
            lines.append((number, line))
    source.statements = _tree(_pieces(lines), source)
    return source


def _without_comment(line: str) -> str:
    line = line.strip(WHITE_SPACE)
    result, quote, position = "", False, 0
    while position < len(line):
        character = line[position]
        if character == "\\" and position + 1 < len(line):
            following = line[position + 1]
            result += following if not quote and following in "#!" else character + following
            position += 2
            continue
        if character == '"':
            quote = not quote
        elif not quote and character in "!#":
            break
        result += character
        position += 1
    return result.rstrip(" \t")


def _condition(line: str, number: int, config_id: str | None, source: Source) -> str:
    while line.startswith("@"):
        match = re.match(r"@(\^?)(\S*)[ \t]+(.*)", line)
        if not match:
            return ""
        if config_id is None:
            source.problems.append(Problem(number, f"a line for one config-id only: {line}"))
            return ""
        if (match.group(2) == config_id) == bool(match.group(1)):
            return ""
        line = match.group(3)
    return line


def _definition(line: str, number: int, definitions: dict[str, str], source: Source) -> str:
    """Take up a definition, or put those that there are into a line."""
    if line.startswith("~"):
        source.problems.append(Problem(number, f"a repetition: {line}"))
        return ""
    match = re.match(r"\$([A-Za-z0-9_]+)[ \t]*=[ \t]*(.*)", line)
    if match:
        name, value = match.groups()
        if value.endswith("\\"):
            source.problems.append(Problem(number, f"a definition of several lines: ${name}"))
        else:
            definitions[name] = value
        return ""
    if "$" not in line:
        return line

    def replace(found: re.Match[str]) -> str:
        name = found.group(1) or found.group(2)
        if name not in definitions:
            return found.group()
        return definitions[name]

    for _depth in range(10):
        replaced = re.sub(r"\$\{([A-Za-z0-9_]+)\}|\$([A-Za-z0-9_]+)", replace, line)
        if replaced == line:
            break
        line = replaced
    made = re.search(r"\$\{?_[A-Z]+", line)
    if made:
        source.problems.append(Problem(number, f"a definition that keepalived makes: {made.group()}"))
        return ""
    return _without_comment(line)


def _pieces(lines: list[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """Lines split at braces that are not in quotes. A brace is a piece of its own."""
    for number, line in lines:
        for part in re.findall(r'[{}]|(?:"[^"]*(?:"|$)|[^{}"])+', line):
            if part.strip(WHITE_SPACE):
                yield number, part.strip(WHITE_SPACE)


def _tree(pieces: Iterator[tuple[int, str]], source: Source) -> list[Statement]:
    root: list[Statement] = []
    stack = [root]
    opened: list[int] = []
    for number, piece in pieces:
        if piece == "}":
            if len(stack) == 1:
                source.problems.append(Problem(number, "a closing brace with no opening one"))
            else:
                stack.pop()
                opened.pop()
        elif piece == "{":
            if not stack[-1] or stack[-1][-1].block is not None:
                source.problems.append(Problem(number, "an opening brace with no keyword before it"))
                orphan: list[Statement] = []
                stack.append(orphan)
            else:
                stack[-1][-1].block = []
                stack.append(stack[-1][-1].block)
            opened.append(number)
        else:
            stack[-1].append(Statement(number, piece))
    for number in opened:
        source.problems.append(Problem(number, "an opening brace that is never closed"))
    return root


__all__ = ["INCLUDES", "Problem", "Source", "Statement", "Unreadable", "take_apart"]
