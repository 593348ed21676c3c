# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""janus.plugin.videoroom.jcfg as text: the part of libconfig's language that rooms are written in."""

from __future__ import annotations

import re
from typing import Iterator

from ansible_collections.lautan.lvs.plugins.module_utils._janus.model import PREFIX, Document, Settings, Value

HEAD = """\
# Managed by Ansible (lautan.lvs.janus_room): changes are made there.
"""

_TOKEN = re.compile(
    r"""
    (?P<skip>\s+|(?:\#|//)[^\n]*|/\*.*?\*/|[;,])
    |(?P<string>"(?:[^"\\]|\\.)*")
    |(?P<word>[A-Za-z0-9*+.-][A-Za-z0-9_*+.-]*)
    |(?P<mark>[:={}])
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "f": "\f", "\\": "\\", '"': '"'}


class Unreadable(ValueError):  # noqa: N818  # the text
    """The text is not what this module writes, nor what Debian delivers."""


def parse(text: str) -> Document:
    """Read a file.

    :raises Unreadable: if it has something in it that rooms do not need, such as a list.
    """
    groups = dict(_groups(_tokens(text)))
    rooms = {
        name[len(PREFIX) :] if name.startswith(PREFIX) else name: group
        for name, group in groups.items()
        if name != "general"
    }
    return Document(groups.get("general", {}), rooms)


def render(document: Document) -> str:
    """Write a file."""
    parts = [HEAD, _group("general", document.general)]
    parts += [_group(PREFIX + name, document.rooms[name]) for name in sorted(document.rooms)]
    return "\n".join(parts)


def _group(name: str, settings: Settings) -> str:
    lines = "".join(f"\t{key} = {_value(value)}\n" for key, value in settings.items())
    return f"{name}: {{\n{lines}}}\n"


def _value(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    quoted = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{quoted}"'


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            line = text.count("\n", 0, position) + 1
            raise Unreadable(f"line {line} has {text[position]!r}, which no room needs")
        position = match.end()
        if match.lastgroup != "skip":
            yield str(match.lastgroup), match.group()


def _groups(tokens: Iterator[tuple[str, str]]) -> Iterator[tuple[str, dict[str, Value]]]:
    for kind, name in tokens:
        _expect(kind == "word" and next(tokens, ("", ""))[1] in (":", "="), name)
        _expect(next(tokens, ("", ""))[1] == "{", name)
        yield name, dict(_settings(tokens))


def _settings(tokens: Iterator[tuple[str, str]]) -> Iterator[tuple[str, Value]]:
    for kind, name in tokens:
        if name == "}" and kind == "mark":
            return
        _expect(kind == "word" and next(tokens, ("", ""))[1] in (":", "="), name)
        kind, text = next(tokens, ("", ""))
        _expect(kind in ("string", "word"), name)
        yield name, _read(kind, text)
    raise Unreadable("a group has no end")


def _read(kind: str, text: str) -> Value:
    if kind == "string":
        return re.sub(r"\\(.)", lambda match: _ESCAPES.get(match[1], match[1]), text[1:-1], flags=re.DOTALL)
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    # Janus takes every value for a text. 0x10 and 1e3 are nothing that a room has.
    return int(text) if re.fullmatch(r"-?[0-9]+", text) else text


def _expect(fits: bool, what: str) -> None:
    if not fits:
        raise Unreadable(f"{what!r} is not followed by what a room's settings look like")
