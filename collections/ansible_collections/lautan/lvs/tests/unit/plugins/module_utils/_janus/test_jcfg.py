# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The file of rooms."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.lautan.lvs.plugins.module_utils._janus import jcfg
from ansible_collections.lautan.lvs.plugins.module_utils._janus.model import Document

# What Debian delivers, shortened
DELIVERED = """\
# room-<unique room ID>: {
#\tdescription = This is my awesome room
general: {
\t#admin_key = "supersecret"\t\t# If set, rooms can be created via API only
\t#string_ids = true
}

room-1234: {
\tdescription = "Demo Room"
\tsecret = "adminpwd"   // not a good one
\tpublishers = 6;
\tbitrate = 128000, fir_freq = 10
\t/* several
\tlines */
\trecord = false
\trec_dir = "/path/to/\\"recordings\\""
}
"""
NAMES = st.from_regex(r"[a-z0-9][a-z0-9-]{0,20}", fullmatch=True)
VALUES = st.booleans() | st.integers(0, 2**31 - 1) | st.text(st.characters(exclude_categories=["Cs", "Cc"]))
GROUPS = st.dictionaries(st.sampled_from(["description", "pin", "publishers", "record"]), VALUES)


def test_what_debian_delivers() -> None:
    assert jcfg.parse(DELIVERED) == Document(
        {},
        {
            "1234": {
                "description": "Demo Room",
                "secret": "adminpwd",
                "publishers": 6,
                "bitrate": 128000,
                "fir_freq": 10,
                "record": False,
                "rec_dir": '/path/to/"recordings"',
            }
        },
    )


@given(GROUPS, st.dictionaries(NAMES, GROUPS, max_size=3))
def test_what_is_written_is_read(general: dict, rooms: dict) -> None:
    document = Document(general, rooms)
    assert jcfg.parse(jcfg.render(document)) == document


@pytest.mark.parametrize(
    "text",
    [
        "room-1: { allowed = [1, 2] }",
        "room-1: { list = ( { a = 1 } ) }",
        "room-1: { nested: { a = 1 } }",
        "room-1: { pin = ",
        "room-1: { pin = }",
        "room-1: { pin",
        "room-1 = 3",
        "room-1",
        '@include "other"',
        'room-1: { pin = "open }',
    ],
)
def test_what_rooms_do_not_need_is_not_taken_for_something_else(text: str) -> None:
    with pytest.raises(jcfg.Unreadable):
        jcfg.parse(text)
