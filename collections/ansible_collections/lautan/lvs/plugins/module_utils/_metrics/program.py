# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""What a timer starts on each host: writes the metrics to the file that prometheus-node-exporter reads.

python3 -m ansible_collections.lautan.lvs.plugins.module_utils._metrics.program SETTINGS FILE

SETTINGS is a JSON file: ``kind``, and what collect.py wants for that.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Sequence

from ansible_collections.lautan.lvs.plugins.module_utils._metrics import collect
from ansible_collections.lautan.lvs.plugins.module_utils._metrics.model import Sample
from ansible_collections.lautan.lvs.plugins.module_utils._metrics.render import text

_KINDS = {"director": collect.of_director, "real_server": collect.of_real_server}


def main(argv: Sequence[str]) -> None:
    with open(argv[1], encoding="utf-8") as file:
        settings = json.load(file)
    write(argv[2], text(samples(_KINDS[settings["kind"]](settings))))


def samples(collectors: collect.Collectors) -> list[Sample]:
    """Collect all parts. One that fails says why, and is left out."""
    found = []
    for name, collector in collectors.items():
        labels = {"collector": name}
        try:
            found += [*collector(), Sample("lautan_collector_success", 1, labels)]
        except Exception as exc:  # whatever is wrong with one part, the others are told
            sys.stderr.write(f"{name}: {type(exc).__name__}: {exc}\n")
            found.append(Sample("lautan_collector_success", 0, labels))
    return [Sample("lautan_metrics_timestamp_seconds", time.time()), *found]


def write(path: str, content: str) -> None:
    """Put the file in place: whoever reads it reads all of the old one or all of the new one."""
    temporary = f"{path}.new"
    with open(temporary, "w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), 0o644)
        file.write(content)
    os.replace(temporary, path)


if __name__ == "__main__":
    main(sys.argv)
