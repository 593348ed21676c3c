# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the filter gives for a file."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.lautan.lvs.plugins.filter.keepalived_document import FilterModule
from ansible_collections.lautan.lvs.tests.unit.plugins.module_utils._keepalived.fake_director import document, fixture

read = FilterModule().filters()["keepalived_document"]


def test_file():
    assert read(fixture("director.conf")) == {"config": document(), "unrepresented": []}


def test_what_is_not_in_the_data():
    found = read("instance a\ninclude b.conf\n")
    assert found == {"config": {"instance": "a"}, "unrepresented": ["line 2: another file: include b.conf"]}


def test_config_id():
    assert read("@a instance a\n", config_id="a") == {"config": {"instance": "a"}, "unrepresented": []}


@pytest.mark.parametrize("bad", [None, 7, ["instance a"]])
def test_no_text(bad):
    with pytest.raises(AnsibleFilterError, match="text of a file is needed"):
        read(bad)
