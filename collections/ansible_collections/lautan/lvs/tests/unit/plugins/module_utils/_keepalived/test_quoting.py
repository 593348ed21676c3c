# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Words survive being written and read, and are read as keepalived reads them."""

from __future__ import annotations

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from ansible_collections.lautan.lvs.plugins.module_utils._keepalived import quoting
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.lexer import take_apart

TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=0x2FF, exclude_characters="\x7f"), min_size=1, max_size=40)


@given(TEXT)
def test_plain_words_survive(text):
    assume(quoting.plain_fault(text) is None)
    (statement,) = take_apart(f"  keyword {quoting.plain(text)} second").statements
    assert statement.words() == ["keyword", text, "second"]


@given(TEXT)
@example('brace{ after "quote{ and }')
def test_escaped_words_survive(text):
    (statement,) = take_apart(f"\tkeyword {quoting.escaped(text)} second ! remark").statements
    assert statement.words(escaped=True) == ["keyword", text, "second"]
    assert statement.block is None


@pytest.mark.parametrize("text", ['a"b', "a\\", "$_PWD", "x ${_RANDOM 1 2}", "a\nb", "a\x00"])
def test_what_cannot_be_written_as_a_plain_word(text):
    assert quoting.plain_fault(text)


@pytest.mark.parametrize("text", ["a b", "a#b", "", "a!", "{", "$5", "^x$", "ä", "a'b", "c:\\d"])
def test_what_can(text):
    assert quoting.plain_fault(text) is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a  b\tc", ["a", "b", "c"]),
        ('a "b c" d', ["a", "b c", "d"]),
        ('a"b"c', ["a", "b", "c"]),
        ("'a b'", ["'a", "b'"]),
        ('"a\\"', ["a\\"]),
    ],
)
def test_plain_split(text, words):
    assert quoting.split_plain(text) == words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a 'b c' \"d 'e'\"", ["a", "b c", "d 'e'"]),
        ("a\\ b", ["a b"]),
        ('a"b"c', ["abc"]),
        ("\\x41\\101\\n\\q", ["AA\nq"]),
        # keepalived takes as many digits as there are
        ("\\x66ault", ["jult"]),
        ("\\cA", ["\x01"]),
        ("''", [""]),
    ],
)
def test_escaped_split(text, words):
    assert quoting.split_escaped(text) == words


@pytest.mark.parametrize(
    ("split", "text"),
    [
        (quoting.split_plain, 'a "b'),
        (quoting.split_escaped, "a 'b"),
        (quoting.split_escaped, "a \\"),
    ],
)
def test_unreadable(split, text):
    with pytest.raises(quoting.Unreadable):
        split(text)
