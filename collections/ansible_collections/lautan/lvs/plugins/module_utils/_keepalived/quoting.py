# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""How keepalived splits a line into words, and how a word is to be written so that it comes out as it was.

There are two ways, as in lib/parser.c of keepalived: alloc_strvec_r() knows nothing but double quotes;
alloc_strvec_quoted_escaped(), for commands and regular expressions, also knows single quotes and backslashes.
"""

from __future__ import annotations

import re

# lib/parser.h: MAXBUF is 1024, with the line feed and the zero
LONGEST_LINE = 1022

# What separates words for keepalived; Unicode has more.
WHITE_SPACE = " \t\f\v\r\n"

_WORD = re.compile(rf'[^{WHITE_SPACE}"]+')
_BARE = re.compile(r"[^\s\"'#!{}\\$@~][^\s\"'#!{}\\$]*")
# Characters that cannot be written at all
CONTROL = re.compile(r"[\x00-\x1f\x7f]")
# The definitions that keepalived itself makes: $_PWD, ${_RANDOM} and so on. Any other $ stays as it is.
_EXPANDED = re.compile(r"\$\{?_[A-Z]")

_ESCAPES = {"a": "\a", "b": "\b", "E": "\x1b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


class Unreadable(Exception):  # noqa: N818  # it says what the text is
    """A part of a keepalived.conf(5) that does not mean anything, or nothing that can be represented."""


def plain_fault(text: str) -> str | None:
    """Why this cannot be written as a word or a quoted string; None if it can."""
    if CONTROL.search(text):
        return "must not contain control characters"
    if '"' in text:
        return "must not contain double quotes; keepalived has no way to write them here"
    if text.endswith("\\"):
        return "must not end with a backslash"
    if _EXPANDED.search(text):
        return "must not contain what keepalived expands: $_NAME"
    return None


def plain(text: str) -> str:
    """Write a word for alloc_strvec_r()."""
    return text if _BARE.fullmatch(text) else f'"{text}"'


def escaped(text: str) -> str:
    """Write a word for alloc_strvec_quoted_escaped().

    Octal for double quotes, because the code that looks for braces goes by them without heeding backslashes, and for
    dollars, because definitions are replaced first, inside quotes too.
    """
    if _BARE.fullmatch(text):
        return text
    text = text.replace("\\", "\\\\").replace('"', "\\042")
    return '"' + _EXPANDED.sub(lambda match: "\\044" + match.group()[1:], text) + '"'


def split_plain(text: str) -> list[str]:
    """Split as alloc_strvec_r() does.

    :raises Unreadable: if a quote is not closed.
    """
    words, position = [], 0
    while True:
        while position < len(text) and text[position] in WHITE_SPACE:
            position += 1
        if position >= len(text):
            return words
        if text[position] == '"':
            end = text.find('"', position + 1)
            if end < 0:
                raise Unreadable("a quote is not closed")
            words.append(text[position + 1 : end])
            position = end + 1
        else:
            word = _WORD.match(text, position).group()
            words.append(word)
            position += len(word)


def split_escaped(text: str) -> list[str]:
    """Split as alloc_strvec_quoted_escaped() does.

    :raises Unreadable: if a quote is not closed or an escape is not complete.
    """
    words: list[str] = []
    position, quote, word = 0, "", None
    while position < len(text):
        character = text[position]
        if character == "\\":
            value, position = _escape(text, position + 1)
            word = (word or "") + value
            continue
        position += 1
        if quote:
            quote, word = ("", word) if character == quote else (quote, (word or "") + character)
        elif character in "\"'":
            quote, word = character, word or ""
        elif character in WHITE_SPACE:
            if word is not None:
                words.append(word)
            word = None
        else:
            word = (word or "") + character
    if quote:
        raise Unreadable("a quote is not closed")
    return words if word is None else [*words, word]


def _escape(text: str, position: int) -> tuple[str, int]:
    """What the escape means whose backslash is before this position, and where it ends."""
    rest = text[position:]
    if not rest:
        raise Unreadable("a backslash at the end escapes nothing")
    match = re.match(r"x([0-9a-fA-F]+)", rest)
    if match:
        return chr(int(match.group(1), 16) & 0xFF), position + match.end()
    match = re.match(r"c(.)", rest)
    if match:
        return chr(ord(match.group(1)) & 0x1F), position + 2
    match = re.match(r"[0-7]{1,3}", rest)
    if match:
        return chr(int(match.group(), 8) & 0xFF), position + match.end()
    return _ESCAPES.get(rest[0], rest[0]), position + 1
