#!/usr/bin/python
# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: benchmark_load
short_description: Ask a service as fast as it answers, or at a rate, and tell what it could do
version_added: 0.1.0
author:
  - lautan.lvs contributors (@lautan)
description:
  - Does runs one after the other, so that no time of Ansible is between them.
  - V(wrk) is a closed loop, which shows the throughput. V(open) and V(signalling) are open loops, which show the
    response time. Each request is sent at its time, at random moments as those of many people are, and its time counts
    from when it was due, whether it could be sent then or not.
  - A run that fails does not end the others. Why it failed is in its result.
  - Certificates are not checked, and TLS sessions are not taken up again.
options:
  runs:
    description: The runs, in this order.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: What the result is called.
        type: str
        required: true
      generator:
        description:
          - What asks. V(wrk) and V(open) ask for O(runs[].path). V(signalling) opens WebSockets there, and asks Janus
            for a C(pong) on them.
        type: str
        choices: [wrk, open, signalling]
        required: true
      address:
        description: The address that is asked.
        type: str
        required: true
      port:
        description: The port.
        type: int
        required: true
      tls:
        description: Whether there is TLS.
        type: bool
        default: false
      host:
        description: The name of the service, which is sent in the C(Host) header.
        type: str
        required: true
      path:
        description: What is asked for. The answer must have the status 200 and a C(Content-Length).
        type: str
        default: /
      fresh:
        description: Whether each request has a connection of its own.
        type: bool
        default: false
      connections:
        description: How many connections there are at most at the same time.
        type: int
        default: 64
      threads:
        description: How many threads V(wrk) has.
        type: int
        default: 1
      rate:
        description: How many requests are sent in a second, for V(open) and V(signalling).
        type: float
      seconds:
        description: How many seconds count. Whole ones for V(wrk).
        type: float
        required: true
      warmup:
        description: How many seconds come before them and do not count. Whole ones for V(wrk).
        type: float
        default: 1
      timeout:
        description: After how many seconds a request that is not answered has failed. Whole ones for V(wrk).
        type: float
        default: 5
  at:
    description: When it begins, in seconds since 1970, so that several load hosts begin together. At once by default.
    type: float
  pause:
    description: How many seconds there are before each run.
    type: float
    default: 0.3
  seed:
    description: From which number the random moments follow.
    type: int
    default: 1
  launcher:
    description:
      - A program with which the generators' are started, such as a script that says where their libraries are.
    type: path
extends_documentation_fragment:
  - lautan.lvs._attributes
  - lautan.lvs._attributes.info_module
  - lautan.lvs._attributes.actiongroup_lvs
notes:
  - V(wrk) needs the Debian package of this name. The others need nothing but Python.
  - Real servers are told apart by the header C(X-Real-Server), as role P(lautan.lvs.web#role) has them send it.
seealso:
  - module: lautan.lvs.service_probe
"""

EXAMPLES = r"""
- name: Ask as fast as it answers, then at 500 requests a second
  lautan.lvs.benchmark_load:
    runs:
      - name: throughput
        generator: wrk
        address: 192.0.2.100
        port: 443
        tls: true
        host: conference.example.org
        seconds: 10
      - name: response time
        generator: open
        rate: 500
        address: 192.0.2.100
        port: 443
        tls: true
        host: conference.example.org
        seconds: 10
  register: load
"""

RETURN = r"""
runs:
  description: What came of each run.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: What it is called.
      type: str
      sample: throughput
    begin:
      description: When what counts began, in seconds since 1970.
      type: float
      sample: 1800000000.5
    end:
      description: When it ended.
      type: float
      sample: 1800000010.5
    seconds:
      description: How long it was.
      type: float
      sample: 10.0
    answered:
      description: How many requests of this time were answered.
      type: int
      sample: 201345
    failed:
      description: How many got no answer in time, or none that was right.
      type: int
      sample: 0
    rate:
      description: How many were answered in a second.
      type: float
      sample: 20134.5
    bytes:
      description: How many bytes came, with heads and without what TLS adds.
      type: int
      sample: 250000000
    latency:
      description:
        - How many seconds requests took that were answered, from when each was due. C(p50), C(p95) and C(p99) are those
          that so many percent do not exceed, C(max) is the longest. V(null) of V(wrk).
      type: dict
      sample: {"p50": 0.0011, "p95": 0.0032, "p99": 0.0051, "max": 0.021}
    by_server:
      description: Who answered how many. Empty of V(wrk) and V(signalling).
      type: dict
      sample: {"rs1": 1667, "rs2": 1666, "rs3": 1667}
    sent:
      description:
        - How many requests the load host came to in time. Fewer than were due if its own processor was the limit.
          V(null) of V(wrk).
      type: int
      sample: 5000
    troubles:
      description: Why requests failed, and how many did for which reason.
      type: str
      sample: ""
    error:
      description: Why there is no result. Empty if there is one.
      type: str
      sample: ""
errors:
  description: The options that are wrong.
  returned: failure because of the options
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.lautan.lvs.plugins.module_utils._benchmark.glue import run_module
from ansible_collections.lautan.lvs.plugins.module_utils._benchmark.model import GENERATORS


def main() -> None:
    run = {
        "name": {"type": "str", "required": True},
        "generator": {"type": "str", "choices": list(GENERATORS), "required": True},
        "address": {"type": "str", "required": True},
        "port": {"type": "int", "required": True},
        "tls": {"type": "bool", "default": False},
        "host": {"type": "str", "required": True},
        "path": {"type": "str", "default": "/"},
        "fresh": {"type": "bool", "default": False},
        "connections": {"type": "int", "default": 64},
        "threads": {"type": "int", "default": 1},
        "rate": {"type": "float"},
        "seconds": {"type": "float", "required": True},
        "warmup": {"type": "float", "default": 1},
        "timeout": {"type": "float", "default": 5},
    }
    module = AnsibleModule(
        argument_spec={
            "runs": {"type": "list", "elements": "dict", "options": run, "required": True},
            "at": {"type": "float"},
            "pause": {"type": "float", "default": 0.3},
            "seed": {"type": "int", "default": 1},
            "launcher": {"type": "path"},
        },
        supports_check_mode=True,
    )
    run_module(module)


if __name__ == "__main__":
    main()
