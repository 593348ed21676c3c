# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter lautan.lvs.capacity_plan."""

from __future__ import annotations

DOCUMENTATION = r"""
name: capacity_plan
short_description: Say how many real servers a school network needs, and which link fills first
version_added: 0.1.0
author: lautan.lvs contributors
description:
  - Takes what schools wish and what machines bear.
  - The arithmetic is that of C(docs/capacity.md) in the repository.
  - Meant for C(playbooks/capacity.yml).
positional: figures, benchmark
options:
  _input:
    description: Who is in rooms at the same time, one entry for each school, or for the people who are at home.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: What it is called.
        type: str
        required: true
      rooms:
        description: How many rooms at the same time, 1 to 10000.
        type: int
        required: true
      people_per_room:
        description: How many people in each of them, 2 to 50.
        type: int
        required: true
      video_kbit:
        description: The picture that each of them sends, in kbit/s, 64 to 4000.
        type: float
        required: true
      uplink_mbit:
        description: The link that all of these people share, in Mbit/s. Without it they share none.
        type: float
      upload_mbit:
        description: What it can do in the direction from the school, if that is less. By default the same.
        type: float
      turn_percent:
        description: How many of the people have a network that lets no UDP through, in per cent.
        type: float
        default: 0
  figures:
    description:
      - What machines bear. What is given here comes before what a benchmark has shown.
    type: dict
    default: {}
    suboptions:
      count:
        description: How many real servers there are, 1 to 100. By default as many as are needed.
        type: int
      spare:
        description: How many of them may be dead.
        type: int
        default: 1
      mbit:
        description: The network card of a real server, in Mbit/s each way.
        type: float
        default: 1000
      cores:
        description: How many processors a real server has for the conference.
        type: float
        default: 4
      packets_per_core:
        description: How many packets of media one of them sends in a second. The default is the lab's, which is low.
        type: float
        default: 10000
      media_ports:
        description: How many UDP ports a real server has for media (C(lvs_media_ports_per_server)).
        type: int
        default: 1000
      families:
        description: How many address families the virtual IPs have, 1 or 2.
        type: int
        default: 2
      tls_per_second:
        description: How many TLS handshakes a real server does in a second. By default unknown, and no limit.
        type: float
      director_mbit:
        description: The network card of a director, in Mbit/s each way.
        type: float
        default: 1000
      director_packets:
        description: How many packets a director forwards in a second.
        type: float
        default: 300000
      active_directors:
        description: V(2) if each director is the home of virtual IPs, or else V(1).
        type: int
        default: 1
      internet_mbit:
        description: What the cluster shares towards all schools, in Mbit/s each way. By default unknown, and no limit.
        type: float
      usable_percent:
        description: How much of every link and processor may be used, as pictures come in bursts.
        type: float
        default: 80
      join_seconds:
        description: In how many seconds everybody joins when lessons begin.
        type: float
        default: 60
  benchmark:
    description:
      - Results of a benchmark (C(results.json)), for C(mbit), C(tls_per_second), C(director_packets), and for
        C(packets_per_core) if rooms were measured.
    type: dict
"""

EXAMPLES = r"""
- name: Plan
  ansible.builtin.debug:
    msg: "{{ wishes | lautan.lvs.capacity_plan({'mbit': 1000, 'cores': 16}) | lautan.lvs.capacity_lines }}"
  vars:
    wishes:
      - {name: North, rooms: 10, people_per_room: 12, video_kbit: 600, uplink_mbit: 1500}
      - {name: at home, rooms: 4, people_per_room: 6, video_kbit: 300}
"""

RETURN = r"""
_value:
  description: The plan. If there are mistakes, C(mistakes) alone.
  type: dict
  contains:
    mistakes:
      description: What is wrong with what was given, one line for each.
      type: list
      elements: str
    people:
      description: How many people are in rooms.
      type: int
    rooms:
      description: How many rooms there are.
      type: int
    schools:
      description:
        - For each school, C(name), C(rooms), C(people), C(stream_kbit) that one person sends, C(down_mbit) to the
          school and C(up_mbit) from it.
      type: list
      elements: dict
    figures:
      description:
        - What was reckoned with, by name, with C(value) and C(source), which is V(given), V(benchmark) or V(default).
      type: dict
    servers:
      description: How many real servers.
      type: dict
      contains:
        needed:
          description:
            - How many are enough, spare ones included, as the hash spreads rooms. V(null) if 100 are not.
            - For 19 of 20 choices of names for the rooms.
          type: int
        even:
          description: How many would be at least, spare ones included, if rooms were spread evenly.
          type: int
        planned:
          description: With how many C(links) and C(growth) reckon. Those that there are, or C(needed), or else C(even).
          type: int
        spare:
          description: How many of them may be dead.
          type: int
        risk:
          description: How likely it is at most that one of those that are not spare gets too much, from 0 to 1.
          type: float
    links:
      description: Links, processors and ports, the fullest one first.
      type: list
      elements: dict
      contains:
        link:
          description: Which.
          type: str
        unit:
          description: In what the next three are counted.
          type: str
        limit:
          description: How much may be used.
          type: float
        average:
          description: How much is used, of a real server on average.
          type: float
        used:
          description: How much is used, of the busiest real server.
          type: float
        percent:
          description: That in per cent of C(limit).
          type: float
        one_dead:
          description:
            - The same while one real server is dead, or one director if it is about directors.
            - V(null) if there is no other.
          type: float
        more_rooms:
          description:
            - How many more rooms until it is full while one is dead, of this school's kind or else of the kind that
              there is most of.
          type: int
    first:
      description: The first one of C(links).
      type: dict
    growth:
      description:
        - With a quarter to twice as many rooms, C(people), C(even) and C(needed) as above, and C(links), by name the
          per cent while one is dead.
      type: list
      elements: dict
"""

from ansible_collections.lautan.lvs.plugins.plugin_utils._capacity import capacity_plan


class FilterModule:
    """Jinja2 filters of the collection."""

    def filters(self):
        return {"capacity_plan": capacity_plan}
