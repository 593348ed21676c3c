# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""Check a document against the table of keywords, and bring it into its one normal form.

What keywords mean together is for the rules of _keepalived/rules_*.py.
"""

from __future__ import annotations

from typing import Any, Iterator, Mapping

from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.kinds import Kind, Word
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.model import Faults, join, version_text
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.records import Script, unknown_key
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.schema import Block, Keyword, Lines, Section
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.schema_root import ROOT


def normalise(document: Any, faults: Faults) -> dict[str, Any]:
    """Give the document in normal form: as the importer would give what is rendered from it.

    What is wrong is reported, and missing in the result.
    """
    return _section(ROOT, document, "", faults, [])


def secrets_of(document: Any) -> list[str]:
    """All passwords in a document, however wrong the rest of it is."""
    if isinstance(document, Mapping):
        found = [str(value) for name, value in document.items() if name in ("auth_pass", "password") and value]
        return found + [secret for value in document.values() for secret in secrets_of(value)]
    if isinstance(document, (list, tuple)):
        return [secret for value in document for secret in secrets_of(value)]
    return []


def _section(section: Section, data: Any, path: str, faults: Faults, header: list[str]) -> dict[str, Any]:
    """:param header: the names in the data that are not the section's but its block's."""
    if not isinstance(data, Mapping):
        faults.add(path, data, "must be a dictionary")
        return {}
    known = [*header, *section.data_keys()]
    for name in data:
        if name not in known:
            faults.missing(join(path, str(name)), _unknown(name, known, section))
    found: dict[str, Any] = {}
    for key in section.data_keys():
        keywords = section.by_key(key)
        given = data.get(key)
        # What is null, or an empty list, is not there: inventories say "nothing" that way.
        if given is None or (given == [] and not keywords[0].required):
            if keywords[0].required:
                faults.missing(join(path, key), "is missing")
            continue
        value = _keyword_value(keywords, given, join(path, key), faults)
        if value is not None and value != []:
            found[key] = value
    return found


def _unknown(name: Any, known: list[str], section: Section) -> str:
    keyword = section.by_word(str(name))
    if keyword is not None and keyword.key != name:
        return f"unknown; it is called {keyword.key} here"
    return unknown_key(name, known)


def _keyword_value(keywords: list[Keyword], given: Any, path: str, faults: Faults) -> Any:
    keyword = keywords[0]
    if not keyword.many:
        return _value(keyword, given, path, faults)
    if not isinstance(given, (list, tuple)):
        faults.add(path, given, "must be a list")
        return None
    found = []
    for index, item in enumerate(given):
        item_path = f"{path}[{index}]"
        chosen = _tagged(keywords, item, item_path, faults) if keyword.tagged else keyword
        if chosen is not None:
            found.append(_value(chosen, item, item_path, faults))
    if not found and keyword.required:
        faults.add(path, given, "must not be empty")
    return found


def _tagged(keywords: list[Keyword], item: Any, path: str, faults: Faults) -> Keyword | None:
    if not isinstance(item, Mapping):
        faults.add(path, item, "must be a dictionary")
        return None
    words = [keyword.word for keyword in keywords]
    if item.get("type") is None:
        faults.missing(join(path, "type"), f"is missing; it must be one of {', '.join(words)}")
        return None
    for keyword in keywords:
        if keyword.word == item["type"]:
            return keyword
    faults.add(join(path, "type"), item["type"], f"must be one of {', '.join(words)}")
    return None


def _value(keyword: Keyword, given: Any, path: str, faults: Faults) -> Any:
    _version(keyword, path, faults)
    shape = keyword.shape
    if isinstance(shape, Block):
        return _block(keyword, shape, given, path, faults)
    if isinstance(shape, Lines):
        return _lines(shape, given, path, faults)
    checked = shape.check(given, path, faults)
    return checked if checked is not None and shape.is_written(checked) else None


def _version(keyword: Keyword, path: str, faults: Faults) -> None:
    if faults.version is None:
        return
    installed = version_text(faults.version)
    if keyword.since and faults.version < keyword.since:
        faults.missing(path, f"needs keepalived {version_text(keyword.since)}; {installed} is installed")
    if keyword.until and faults.version >= keyword.until:
        faults.missing(path, f"is not known any more since keepalived {version_text(keyword.until)}")


def _block(keyword: Keyword, block: Block, given: Any, path: str, faults: Faults) -> dict[str, Any] | None:
    if not isinstance(given, Mapping):
        # What should be under a key of it may be a password.
        if any(inner.secret for inner in block.section.keywords):
            faults.add_secret(path, "must be a dictionary")
        else:
            faults.add(path, given, "must be a dictionary")
        return None
    names = block.header.names if block.header else ["type"] if keyword.tagged else []
    found: dict[str, Any] = {"type": keyword.word} if keyword.tagged else {}
    if block.header:
        found.update(block.header.check_parts(given, path, faults))
    found.update(_section(block.section, given, path, faults, names))
    return found


def _lines(lines: Lines, given: Any, path: str, faults: Faults) -> Any:
    if lines.header is None:
        return _line_values(lines.kind, given, path, faults)
    if not isinstance(given, Mapping):
        faults.add(path, given, "must be a dictionary")
        return None
    known = [*lines.header.names, lines.key]
    for name in given:
        if name not in known:
            faults.missing(join(path, str(name)), unknown_key(name, known))
    found = lines.header.check_parts(given, path, faults)
    values = _line_values(lines.kind, given.get(lines.key) or [], join(path, lines.key), faults)
    if not values:
        faults.missing(join(path, lines.key), "must not be empty")
    return {**found, lines.key: values}


def _line_values(kind: Kind, given: Any, path: str, faults: Faults) -> list[Any]:
    if isinstance(given, (str, Mapping)) and isinstance(kind, Word):
        faults.add(path, given, "must be a list")
        return []
    items = given if isinstance(given, (list, tuple)) else [given]
    return [kind.check(item, f"{path}[{index}]", faults) for index, item in enumerate(items)]


def walk_scripts(document: Mapping[str, Any]) -> Iterator[str]:
    """The paths of everything in a document in normal form that makes keepalived start a program."""
    yield from _scripts(ROOT, document, "")


def _scripts(section: Section, data: Mapping[str, Any], path: str) -> Iterator[str]:
    for keyword in section.keywords:
        if keyword.key not in data:
            continue
        values = data[keyword.key] if keyword.many else [data[keyword.key]]
        for index, value in enumerate(values):
            here = join(path, f"{keyword.key}[{index}]" if keyword.many else keyword.key)
            if isinstance(keyword.shape, Script):
                yield here
            elif isinstance(keyword.shape, Block) and isinstance(value, Mapping):
                if keyword.tagged and value["type"] != keyword.word:
                    continue
                yield from _scripts(keyword.shape.section, value, here)
