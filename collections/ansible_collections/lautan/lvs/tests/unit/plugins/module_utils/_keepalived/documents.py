# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documents for property tests, made from the table of keywords itself, so that no keyword is forgotten."""

from __future__ import annotations

from hypothesis import strategies as st

from ansible_collections.lautan.lvs.plugins.module_utils._keepalived import kinds, quoting, records, schema_lvs
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.schema import Block, Keyword, Lines, Section

_PRINTABLE = st.characters(min_codepoint=33, max_codepoint=126)
_IPV4 = st.ip_addresses(v=4).map(str)
_IPV6 = st.ip_addresses(v=6).map(str)
_SPECIAL = {
    records.AddressRange: st.sampled_from(
        ["192.0.2.1", "192.0.2.1-9", "192.0.2.0/28", "192.0.2.250-192.0.3.4", "2001:db8::1-f", "2001:db8::/125"]
    ),
    records._Command: st.lists(
        st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="\\'\""), min_size=1, max_size=6),
        min_size=1,
        max_size=3,
    ).map(" ".join)
    | st.sampled_from(["/bin/x 'a b'", '/bin/x "{" \\" \\\\', "/bin/x ${_PWD} $_RANDOM"]),
}


def values(kind: kinds.Kind) -> st.SearchStrategy:
    """Values of a kind, in normal form or not."""
    if type(kind) in _SPECIAL:
        return _SPECIAL[type(kind)]
    if isinstance(kind, kinds.Flag):
        return st.booleans()
    if isinstance(kind, kinds.Int):
        return st.integers(kind.low, kind.high)
    if isinstance(kind, kinds.Decimal):
        scale = 10**kind.digits
        low, high = int(kind.low * scale), int(min(kind.high, 100) * scale)
        return st.integers(low, max(low, high)).map(lambda number: number / scale)
    if isinstance(kind, kinds.Line):
        return st.lists(st.from_regex(r"[a-z0-9./]{1,8}", fullmatch=True), min_size=1, max_size=4).map(" ".join)
    if isinstance(kind, schema_lvs._Status):
        return st.tuples(st.integers(100, 349), st.integers(350, 599)).map(lambda pair: "-".join(map(str, pair)))
    if isinstance(kind, kinds.Word):
        text = st.from_regex(kind._pattern, fullmatch=True, alphabet=_PRINTABLE)
        return text.filter(lambda value: isinstance(kind, kinds.Escaped) or quoting.plain_fault(value) is None)
    if isinstance(kind, kinds.Choice):
        return st.sampled_from(kind.values)
    if isinstance(kind, kinds.Address):
        return _address(kind)
    if isinstance(kind, kinds.Maybe):
        return st.just(True) | values(kind._kind)
    if isinstance(kind, kinds.Listed):
        return st.lists(values(kind._kind), min_size=1, max_size=3)
    assert isinstance(kind, records.Record)
    return record(kind)


def _address(kind: kinds.Address) -> st.SearchStrategy:
    if kind._multicast:
        return st.just("224.0.0.81") if kind._version != 6 else st.just("ff02::12")
    single = {4: _IPV4, 6: _IPV6}.get(kind._version, _IPV4 | _IPV6)
    return (single | single.map(lambda ip: f"{ip}/{24 if '.' in ip else 64}")) if kind._prefix else single


def record(kind: records.Record) -> st.SearchStrategy:
    if isinstance(kind, records.ServiceHeader):
        by_ip = st.fixed_dictionaries({"ip": _IPV4 | _IPV6}, optional={"port": st.integers(0, 65535)})
        by_mark = st.fixed_dictionaries({"fwmark": st.integers(0, 2**32 - 1)})
        return by_ip | by_mark | st.fixed_dictionaries({"group": values(kinds.NAME)})
    if isinstance(kind, records.GroupMember):
        by_ip = st.fixed_dictionaries({"ip": values(records.AddressRange())}, optional={"port": st.integers(0, 65535)})
        by_mark = st.fixed_dictionaries(
            {"fwmark": st.integers(0, 2**32 - 1)}, optional={"family": st.sampled_from(["inet", "inet6"])}
        )
        return by_ip | by_mark
    required = {part.name: values(part.kind) for part in kind.parts if part.required}
    others = {part.name: values(part.kind) for part in kind.parts if not part.required}
    needs = {part.name: part.needs for part in kind.parts if part.needs}
    found = st.fixed_dictionaries(required, optional=others).map(
        lambda value: {name: item for name, item in value.items() if needs.get(name, name) in value}
    )
    return found if required or kind._may_be_empty else found.filter(lambda value: any(value.values()))


def keyword_values(keyword: Keyword) -> st.SearchStrategy:
    """What may stand under the keyword's key."""
    one = _one(keyword)
    return st.lists(one, min_size=1, max_size=2) if keyword.many else one


def _one(keyword: Keyword) -> st.SearchStrategy:
    shape = keyword.shape
    if isinstance(shape, Lines):
        lines = st.lists(values(shape.kind), min_size=1, max_size=3)
        if shape.header is None:
            return lines
        return st.builds(lambda header, body: {**header, shape.key: body}, record(shape.header), lines)
    if not isinstance(shape, Block):
        return values(shape)
    head = record(shape.header) if shape.header else st.just({"type": keyword.word} if keyword.tagged else {})
    return st.builds(lambda header, body: {**body, **header}, head, section(shape.section))


@st.composite
def section(draw: st.DrawFn, of: Section, most: int = 4) -> dict:
    """All that must be there, and a few others."""
    required = [keyword for keyword in of.keywords if keyword.required]
    others = [keyword for keyword in of.keywords if not keyword.required]
    chosen = draw(st.lists(st.sampled_from(others), max_size=most, unique_by=lambda item: item.key)) if others else []
    return {keyword.key: draw(keyword_values(keyword)) for keyword in (*required, *chosen)}


def every_keyword(of: Section, path: tuple[Keyword, ...] = ()) -> list[tuple[Keyword, ...]]:
    """Each keyword of a section and of all sections below it, with the keywords of the blocks around it."""
    found = []
    for keyword in of.keywords:
        found.append((*path, keyword))
        if isinstance(keyword.shape, Block):
            found += every_keyword(keyword.shape.section, (*path, keyword))
    return found


def wrapped(path: tuple[Keyword, ...], draw) -> dict:
    """A document with this keyword in it, in the blocks around it with all that must be in those."""
    keyword = path[-1]
    value = draw(keyword_values(keyword))
    for block in reversed(path[:-1]):
        shape = block.shape
        inner = {item.key: draw(keyword_values(item)) for item in shape.section.keywords if item.required}
        head = draw(record(shape.header)) if shape.header else {"type": block.word} if block.tagged else {}
        data = {**inner, keyword.key: value, **head}
        value = [data] if block.many else data
        keyword = block
    return {keyword.key: value}
