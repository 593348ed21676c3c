# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""One file of Python that holds module_utils/_metrics/program.py and whatever of the collection it imports."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

PACKAGE: Final = "ansible_collections.lautan.lvs.plugins.module_utils"
MAIN: Final = f"{PACKAGE}._metrics.program"

_ROOT: Final = Path(__file__).parent.parent / "module_utils"
# Parsing the code would take a second, in each task that looks at the file, for each host.
_FOR_TYPES_ONLY: Final = re.compile(r"^( *)if TYPE_CHECKING:\n(?:(?:\1 +.*)?\n)+", re.MULTILINE)
_IMPORT: Final = re.compile(r"^ *(?:from (\S+) import (\([^)]*\)|.*)|import (.*))$", re.MULTILINE)
_NAME: Final = re.compile(r"[\w.]+")
_TEXT: Final = '''\
#!/usr/bin/python3
# Managed by Ansible (lautan.lvs.monitoring)
# Code of the collection lautan.lvs, which is under the GNU General Public License v3.0 or later.
"""Unpack the program that writes the metrics: python3 FILE DIRECTORY"""

import pathlib
import sys

# By path, the lines.
FILES = {files}

for path, lines in FILES.items():
    place = pathlib.Path(sys.argv[1], path)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text("".join(line + "\\n" for line in lines), encoding="utf-8")
'''


@functools.cache
def program() -> str:
    """The text of the file: the same as long as the code is."""
    lines = {path: text.split("\n")[:-1] for path, text in sorted(sources().items())}
    return _TEXT.replace("{files}", json.dumps(lines, indent=1, ensure_ascii=False))


def sources() -> dict[str, str]:
    """By path what has to be there for the program to run, and nothing else.

    :raises ValueError: if any of it imports Ansible, which hosts do not have.
    """
    found: dict[str, str] = {}
    # By being packages of their own they are found before those of an Ansible that is installed there.
    parts = PACKAGE.split(".")
    for depth in range(1, len(parts) + 1):
        found["/".join([*parts[:depth], "__init__.py"])] = ""
    left = [MAIN]
    while left:
        name = left.pop()
        path = _file(name)
        key = f"{PACKAGE.replace('.', '/')}/{path.relative_to(_ROOT)}"
        if key not in found:
            found[key] = path.read_text(encoding="utf-8")
            left += [each for each in _imports(found[key], name) if _is_module(each)]
            # Its package
            left += [name.rpartition(".")[0]] if name.count(".") > PACKAGE.count(".") + 1 else []
    return found


def _file(name: str) -> Path:
    path = _ROOT.joinpath(*name.removeprefix(f"{PACKAGE}.").split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def _is_module(name: str) -> bool:
    return name.startswith(f"{PACKAGE}.") and _file(name).is_file()


def _imports(text: str, name: str) -> Iterator[str]:
    """The modules that are imported while the program runs, wherever that is written."""
    for module, names, modules in _IMPORT.findall(_FOR_TYPES_ONLY.sub("", text)):
        # What is imported from it may be a module itself.
        found = [module, *(f"{module}.{each}" for each in _NAME.findall(names))] if module else _NAME.findall(modules)
        if foreign := [each for each in found if each.split(".")[0] == "ansible"]:
            raise ValueError(f"{name} imports {foreign[0]}")
        yield from found
