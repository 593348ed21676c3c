#!/usr/bin/python
# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: service_probe
short_description: Use a service as clients do, and tell what they notice
version_added: 0.1.0
author:
  - lautan.lvs contributors (@lautan)
description:
  - Sends HTTPS requests to one address, each at its time and on a connection of its own, whether earlier ones were
    answered or not. At the same time it holds one connection, and asks on it again and again.
  - Runs on a host that is no part of the cluster. With C(async) and V(0) for C(poll) it goes on while other tasks break
    something.
options:
  address:
    description: The address that is asked, such as a virtual IP.
    type: str
    required: true
  port:
    description: The port.
    type: int
    default: 443
  host:
    description: The name of the service. Its certificate must have it.
    type: str
    required: true
  path:
    description: What is asked for. The answer must have the status 200 and a C(Content-Length).
    type: str
    default: /lb-ok
  ca:
    description: The certificates of the authorities to trust, as PEM text. By default those that the host trusts.
    type: str
  interval:
    description: How many seconds there are between two requests.
    type: float
    default: 0.05
  timeout:
    description: How many seconds a request may take. One that takes longer has failed.
    type: float
    default: 4
  seconds:
    description: After how many seconds the load ends.
    type: float
    required: true
  file:
    description:
      - A file that must not be there. The module makes it when the first request is over, and ends sooner than
        O(seconds) says when somebody removes it.
    type: path
  history:
    description: Whether to tell what clients noticed in each moment, too.
    type: bool
    default: false
extends_documentation_fragment:
  - lautan.lvs._attributes
  - lautan.lvs._attributes.info_module
  - lautan.lvs._attributes.actiongroup_lvs
notes:
  - Real servers are told apart by the header C(X-Real-Server), as role P(lautan.lvs.web#role) has them send it.
seealso:
  - module: lautan.lvs.vrrp_switchover
"""

EXAMPLES = r"""
- name: Use the service for a minute at most
  lautan.lvs.service_probe:
    address: 192.0.2.100
    host: conference.example.org
    seconds: 60
    file: /tmp/load
  async: 90
  poll: 0
  register: load

- name: Wait until it has begun
  ansible.builtin.wait_for:
    path: /tmp/load

# Here something is done to the cluster.

- name: End it
  ansible.builtin.file:
    path: /tmp/load
    state: absent

- name: See what clients have noticed
  ansible.builtin.async_status:
    jid: "{{ load.ansible_job_id }}"
  register: noticed
  until: noticed is finished
  retries: 10
  delay: 1
"""

RETURN = r"""
noticed:
  description: What clients have noticed.
  returned: success
  type: dict
  contains:
    requests:
      description: How many requests were sent, without those of the held connection.
      type: int
      sample: 600
    failed:
      description: How many got no answer in time, or none that was right.
      type: int
      sample: 0
    slow:
      description: How many were answered, but later than after a second.
      type: int
      sample: 12
    gap:
      description: The longest time in which no request was answered, in seconds.
      type: float
      sample: 0.278
    gap_at:
      description: When that began, in seconds since 1970.
      type: float
      sample: 1800000000.5
    hurt_until:
      description:
        - When the last request was sent that failed or was slow, in seconds since 1970. V(null) if there is none.
      type: float
      sample: 1800000001.1
    held_alive:
      description: Whether the held connection lives. A server may end it in good order between two requests.
      type: bool
      sample: true
    held_gap:
      description: The longest time in which the held connection was not answered, in seconds.
      type: float
      sample: 0.42
    held_server:
      description: The real server at its other end.
      type: str
      sample: rs1
    error:
      description: Why the first failed request failed, or why the held connection broke.
      type: str
      sample: ""
seconds:
  description: Who answered how many of the requests that were sent in each second, counted from the first request.
  returned: success
  type: list
  elements: dict
  sample: [{"second": 0, "answered": {"rs1": 7, "rs2": 13}, "failed": 0}]
history:
  description: What clients noticed over time, by when requests were sent.
  returned: success, if O(history=true)
  type: dict
  contains:
    begin:
      description: When the first request was sent, in seconds since 1970.
      type: float
      sample: 1800000000.5
    seconds:
      description: How long after it the last one was sent.
      type: float
      sample: 59.95
    requests:
      description: How many requests were answered and how many failed that were sent in the 100 ms from C(t).
      type: list
      elements: dict
      sample: [{"t": 0.0, "answered": 5, "failed": 0}]
    latency:
      description:
        - How many seconds it took to answer those that were sent in the second from C(t). C(p50), C(p95) and C(p99) are
          what so many percent of them did not exceed.
      type: list
      elements: dict
      sample: [{"t": 0.0, "p50": 0.004, "p95": 0.009, "p99": 0.012}]
errors:
  description: The options that are wrong.
  returned: failure because of the options
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.lautan.lvs.plugins.module_utils._probe.glue import run_module


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "address": {"type": "str", "required": True},
            "port": {"type": "int", "default": 443},
            "host": {"type": "str", "required": True},
            "path": {"type": "str", "default": "/lb-ok"},
            "ca": {"type": "str"},
            "interval": {"type": "float", "default": 0.05},
            "timeout": {"type": "float", "default": 4},
            "seconds": {"type": "float", "required": True},
            "file": {"type": "path"},
            "history": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    run_module(module)


if __name__ == "__main__":
    main()
