# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is written is read as it was, for every keyword there is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.model import Faults
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.parse import parse
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.render import lines_of, text_of
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.schema_root import ROOT
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.validate import normalise
from ansible_collections.lautan.lvs.tests.unit.plugins.module_utils._keepalived import documents
from ansible_collections.lautan.lvs.tests.unit.plugins.module_utils._keepalived.fake_director import fixture

EVERY = documents.every_keyword(ROOT)


def there_and_back(document: dict) -> dict:
    faults = Faults()
    normal = normalise(document, faults)
    assert faults.lines == []
    assert normalise(normal, faults) == normal
    imported = parse(text_of(lines_of(normal)))
    assert imported.problems == ()
    assert imported.document == normal
    return normal


@pytest.mark.parametrize("path", EVERY, ids=[".".join(keyword.word for keyword in path) for path in EVERY])
@given(st.data())
@settings(max_examples=5, phases=[Phase.generate])
def test_every_keyword(path, data):
    there_and_back(documents.wrapped(path, data.draw))


@given(documents.section(ROOT))
@settings(max_examples=60, phases=[Phase.generate])
def test_whole_documents(document):
    there_and_back(document)


def test_a_value_that_is_written_appears():
    """The properties above would hold if nothing was ever written."""
    normal = there_and_back({"global_defs": {"router_id": "d1", "smtp_alert": False, "lvs_flush": False}})
    assert normal == {"global_defs": {"router_id": "d1", "smtp_alert": False}}
    assert "    router_id d1\n    smtp_alert false\n}" in text_of(lines_of(normal))


def test_the_text_does_not_depend_on_the_order_of_keys():
    one = {"virtual_router_id": 1, "name": "a", "priority": 7}
    other = dict(reversed(one.items()))
    faults = Faults()
    first, second = (normalise({"vrrp_instances": [item]}, faults) for item in (one, other))
    assert text_of(lines_of(first)) == text_of(lines_of(second))


def test_constructs_as_people_write_them():
    imported = parse(fixture("everything.conf"))
    assert imported.problems == ()
    assert there_and_back(imported.document) == imported.document
    instance = imported.document["vrrp_instances"][0]
    assert instance["unicast_src_ip"] == "192.0.2.11"
    assert instance["notify_fault"] == "/etc/keepalived/notify fault"
    assert [item if isinstance(item, str) else item["ip"] for item in instance["virtual_ipaddress"]] == [
        "192.0.2.100/24",
        "192.0.2.101/32",
        "192.0.2.102",
    ]
    check = imported.document["virtual_servers"][1]["real_servers"][0]["checks"][0]
    assert check["url"][0]["regex"] == '^ok "[0-9]{2}" # fine!$'


# keepalived's source has configurations in doc/samples. They are not copied here; whoever has them can name the place.
SAMPLES = Path(os.environ.get("KEEPALIVED_SAMPLES", "/nonexistent"))
# What they have that a document cannot say, by the line.
UNREPRESENTED = {
    "keepalived.conf.conditional_conf": [3, 4, 7, 8, 19, 20],  # lines for one config-id
    "keepalived.conf.vrrp.lvs_syncd": [
        4,
        5,
    ],  # a group without the keyword group, which keepalived does not know either
}


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="KEEPALIVED_SAMPLES is not set")
def test_samples_of_keepalived():
    samples = sorted(SAMPLES.glob("keepalived.conf.*"))
    assert len(samples) >= 25
    for sample in samples:
        imported = parse(sample.read_text(encoding="utf-8"))
        assert [problem.line for problem in imported.problems] == UNREPRESENTED.get(sample.name, []), sample.name
        back = parse(text_of(lines_of(imported.document)))
        assert (back.document, back.problems) == (imported.document, ()), sample.name
        assert imported.document, sample.name
