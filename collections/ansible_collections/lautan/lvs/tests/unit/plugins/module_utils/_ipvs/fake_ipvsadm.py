# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ipvsadm 1.31 and a kernel with IPVS, in memory, written from ipvsadm.c and ip_vs_ctl.c, not from the collection.

``read_only`` makes every command that writes an error: what runs in check mode, or a second time, must not even try.
"""

from __future__ import annotations

import shlex
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

from ansible_collections.lautan.lvs.plugins.module_utils._runner import Completed

FIXTURES = Path(__file__).parent / "fixtures"
TITLE = "IP Virtual Server version 1.2.1 (size=4096)"
_LISTED = "  -> RemoteAddress:Port"
_WITH_ARGUMENT = {"-t", "-u", "--sctp-service", "-f", "-s", "-p", "-M", "-b", "--pe", "-r", "-w", "-x", "-y"}
_WITH_ARGUMENT |= {"--tun-type", "--tun-port"}
_FLAGS = {"flag-1": 1, "flag-2": 2, "flag-3": 4, "sh-fallback": 1, "sh-port": 2, "mh-fallback": 1, "mh-port": 2}
_PROTOCOLS = {"-t": ("TCP", 6), "-u": ("UDP", 17), "--sctp-service": ("SCTP", 132)}
SCHEDULERS = {"rr", "wrr", "lc", "wlc", "lblc", "lblcr", "dh", "sh", "mh", "sed", "nq", "fo", "ovf"}


def fixture(name: str) -> str:
    return (FIXTURES / name).read_text(encoding="utf-8")


class ReadOnlyError(AssertionError):
    """Something was about to be changed that must not be."""


class KernelError(Exception):
    """ipvsadm prints it, and goes on with the next line."""


class ExitError(Exception):
    """ipvsadm prints it and ends."""


class FakeIpvsadm:
    """A runner whose only program is ipvsadm."""

    def __init__(self) -> None:
        self.read_only = False
        # (fwmark, family, protocol number, address, port) -> what is known of the service
        self.services: dict[tuple, dict] = {}
        self.daemons: list[str] = []
        self.processes: list[str] = []
        self.written: list[str] = []
        # Lines that the kernel refuses, and lines that it only seems to obey.
        self.refuse: set[str] = set()
        self.lose: set[str] = set()
        self.unusable: Completed | None = None
        self.after_write = lambda: None

    def load(self, text: str) -> FakeIpvsadm:
        read_only, self.read_only = self.read_only, False
        completed = self.run(["ipvsadm", "-R"], text)
        assert (completed.rc, completed.stderr) == (0, ""), completed
        self.read_only = read_only
        self.processes.clear()
        self.written.clear()
        return self

    def run(self, argv, stdin=None) -> Completed:
        assert argv[0] == "ipvsadm", argv
        self.processes.append(" ".join(argv))
        if self.unusable is not None:
            return self.unusable
        out: list[str] = []
        errors: list[str] = []
        rc = 0
        lines = stdin.split("\n") if list(argv[1:]) == ["-R"] else [shlex.join(argv[1:])]
        for line in lines:
            words = [word for word in line.split() if word != "ipvsadm"]
            if not words:
                continue
            rc = 0
            try:
                out += self._execute(words)
            except KernelError as exc:
                errors.append(str(exc))
                rc = 255
            except ExitError as exc:
                errors.append(str(exc))
                rc = 2
                break
        return Completed(rc, "".join(f"{line}\n" for line in out), "".join(f"{line}\n" for line in errors))

    # ---- commands

    def _execute(self, words: list[str]) -> list[str]:
        verb = words[0]
        if verb == "-S":
            assert words == ["-S", "-n"], words
            return self.save()
        if verb == "-L":
            return self._list(words[1:])
        line = " ".join(words)
        if self.read_only:
            raise ReadOnlyError(line)
        options = self._options(words[1:])
        if line in self.refuse:
            raise KernelError("Memory allocation problem")
        self.written.append(line)
        if line in self.lose:
            return []
        {
            "-A": self._add_or_edit_service,
            "-E": self._add_or_edit_service,
            "-D": self._delete_service,
            "-a": self._add_or_edit_dest,
            "-e": self._add_or_edit_dest,
            "-d": self._delete_dest,
        }[verb](verb, options)
        self.after_write()
        return []

    @staticmethod
    def _options(words: list[str]) -> dict[str, str]:
        options: dict[str, str] = {}
        rest = iter(words)
        for word in rest:
            if word in options:
                raise ExitError(f"multiple {word} options specified")
            if not word.startswith("-"):
                raise ExitError(f"unexpected argument {word}")
            options[word] = next(rest) if word in _WITH_ARGUMENT else ""
        return options

    def _key(self, options: dict[str, str]) -> tuple:
        if "-f" in options:
            mark = int(options["-f"])
            if not 0 < mark < 2**32:
                raise ExitError(f"invalid fwmark value `{mark}' specified")
            return (mark, 10 if "-6" in options else 2, 6, None, 0)
        (option,) = [name for name in _PROTOCOLS if name in options]
        address, port = self._endpoint(options[option])
        return (0, 10 if address.version == 6 else 2, _PROTOCOLS[option][1], address, port or 0)

    @staticmethod
    def _endpoint(text: str) -> tuple[IPv4Address | IPv6Address, int | None]:
        if text.startswith("["):
            address, colon, port = text[1:].partition("]:")
            if not colon:
                raise ExitError("illegal address[:port] specified")
        elif text.count(":") > 1:
            address, port = text, ""
        else:
            address, _colon, port = text.partition(":")
        if port and not (port.isdigit() and int(port) <= 65535):
            raise ExitError("illegal address[:port] specified")
        return ip_address(address), int(port) if port else None

    def _add_or_edit_service(self, verb: str, options: dict[str, str]) -> None:
        key = self._key(options)
        mark, family, protocol, _address, port = key
        if not mark and not port and "-p" not in options:
            raise ExitError("Zero port specified for non-persistent service")
        if "-o" in options and not mark and protocol != 17:
            raise ExitError("One-Packet Scheduling is only for UDP virtual services")
        scheduler = options.get("-s", "wlc")
        names = [name for name in options.get("-b", "").split(",") if name]
        for name in names:
            if name not in _FLAGS:
                raise ExitError(f"invalid scheduler flag `{name}'")
            if not name.startswith("flag") and not name.startswith(scheduler):
                raise ExitError(f"incompatible scheduler flag `{name}'")
        if "-p" in options and not 1 <= int(options["-p"]) <= 86400 * 31:
            raise ExitError(f"invalid timeout value `{options['-p']}' specified")
        mask = options.get("-M", "255.255.255.255" if family == 2 else "128")
        if family == 10 and not 1 <= int(mask) <= 128:
            raise ExitError("illegal ipv6 netmask specified")
        mask = str(IPv4Address(mask)) if family == 2 else mask
        if verb == "-A" and key in self.services:
            raise KernelError("Service already exists")
        if verb == "-E" and key not in self.services:
            raise KernelError("No such service")
        if scheduler not in SCHEDULERS or options.get("--pe", "sip") != "sip":
            raise KernelError("Scheduler or persistence engine not found")
        self.services[key] = {
            "scheduler": scheduler,
            "flags": sum({_FLAGS[name] for name in names}),
            "timeout": int(options.get("-p", 0)),
            "mask": mask,
            "pe": options.get("--pe", ""),
            "ops": "-o" in options,
            "dests": self.services.get(key, {}).get("dests", {}),
        }

    def _delete_service(self, _verb: str, options: dict[str, str]) -> None:
        key = self._key(options)
        if key not in self.services:
            raise KernelError("No such service")
        del self.services[key]

    def _add_or_edit_dest(self, verb: str, options: dict[str, str]) -> None:
        key = self._key(options)
        mark, family, _protocol, _address, service_port = key
        address, port = self._endpoint(options["-r"])
        port = service_port if port is None else port
        method = next((name for name in ("-g", "-m", "-i") if name in options), "-g")
        if not mark and method != "-m":
            port = service_port
        mixed = (address.version == 6) != (family == 10)
        if mixed and method != "-i":
            raise ExitError("Different address family is allowed only for tunneling servers")
        tunnel = self._tunnel(options, method)
        weight, upper, lower = (int(options.get(name, default)) for name, default in (("-w", 1), ("-x", 0), ("-y", 0)))
        if not 0 <= weight <= 65535:
            raise ExitError("illegal weight specified")
        if not (0 <= upper < 2**31 and 0 <= lower < 2**31):
            raise ExitError("illegal threshold specified")
        if key not in self.services:
            raise KernelError("Service not defined")
        dests = self.services[key]["dests"]
        if mixed and self.daemons:
            raise KernelError("Invalid operation.  Possibly wrong module version, address not unicast, ...")
        if lower > upper:
            raise KernelError("Numerical result out of range")
        if verb == "-a" and (address, port) in dests:
            raise KernelError("Destination already exists")
        if verb == "-e" and (address, port) not in dests:
            raise KernelError("No such destination")
        if verb == "-a" and not _is_unicast(address):
            raise KernelError("Invalid operation.  Possibly wrong module version, address not unicast, ...")
        dests[address, port] = {"method": method, "weight": weight, "tunnel": tunnel, "x": upper, "y": lower}

    @staticmethod
    def _tunnel(options: dict[str, str], method: str) -> str:
        given = [name for name in options if name.startswith("--tun")]
        if given and method != "-i":
            raise ExitError("Tunnel options conflict with forward method")
        if method != "-i":
            return ""
        kind = options.get("--tun-type", "ipip")
        checksums = [name for name in given if name.endswith("csum")]
        allowed = {"ipip": [], "gue": ["--tun-port", "--tun-nocsum", "--tun-csum", "--tun-remcsum"]}
        allowed["gre"] = ["--tun-nocsum", "--tun-csum"]
        if kind not in allowed or any(name not in (*allowed[kind], "--tun-type") for name in given):
            raise ExitError("Illegal option with the tunnel type")
        if len(checksums) > 1 or (kind == "gue" and not 1 <= int(options.get("--tun-port", 0)) <= 65535):
            raise ExitError("illegal tunnel options")
        words = ["--tun-type", kind]
        if kind == "gue":
            words += ["--tun-port", options["--tun-port"]]
        if kind != "ipip":
            words += checksums or ["--tun-nocsum"]
        return " ".join(words)

    def _delete_dest(self, _verb: str, options: dict[str, str]) -> None:
        key = self._key(options)
        address, port = self._endpoint(options["-r"])
        if key not in self.services:
            raise KernelError("Service not defined")
        dests = self.services[key]["dests"]
        port = key[4] if port is None else port
        if (address, port) not in dests:
            raise KernelError("No such destination")
        del dests[address, port]

    # ---- lists

    def save(self) -> list[str]:
        lines = []
        for key, service in self._sorted():
            mark = _signed(key[0])
            name = f"-f {mark}" + (" -6" if key[1] == 10 else "")
            if not mark:
                option = next(option for option, (_name, number) in _PROTOCOLS.items() if number == key[2])
                name = f"{option} {_joined(*key[3:])}"
            line = f"-A {name} -s {service['scheduler']}"
            if service["timeout"]:
                line += f" -p {service['timeout']}"
                if service["mask"] not in ("255.255.255.255", "128"):
                    line += f" -M {service['mask']}"
            line += f" --pe {service['pe']}" if service["pe"] else ""
            line += " -o" if service["ops"] else ""
            line += f" -b {self._flags(service)}" if service["flags"] else ""
            lines.append(line)
            for (address, port), dest in _sorted_dests(service):
                tunnel = f" {dest['tunnel']}" if dest["tunnel"] else ""
                lines.append(f"-a {name} -r {_joined(address, port)} {dest['method']} -w {dest['weight']}{tunnel}")
        return lines

    def _list(self, options: list[str]) -> list[str]:
        if options == ["--timeout"]:
            return ["Timeout (tcp tcpfin udp): 900 120 300"]
        if options == ["--daemon"]:
            return list(self.daemons)
        assert options[0] == "-n", options
        lines = ["Prot LocalAddress:Port", _LISTED]
        services = self._sorted()
        if options[1].startswith(("--sctp-service", "-t", "-u", "-f")):
            key = self._key(self._options(options[1:]))
            if key not in self.services:
                raise ExitError("No such service")
            services = [(key, self.services[key])]
        else:
            lines.insert(0, TITLE)
        for key, service in services:
            mark = _signed(key[0])
            name = f"FWM  {mark}" + (" IPv6" if key[1] == 10 else "")
            if not mark:
                protocol = next(name for name, number in _PROTOCOLS.values() if number == key[2])
                name = f"{protocol:4} {_joined(*key[3:])}"
            if "--stats" in options or "--rate" in options:
                lines.append(f"{name:33}" + f"{0:9}" * 5)
            else:
                lines.append(f"{name} {service['scheduler']}" + self._listed(key, service))
            for (address, port), dest in _sorted_dests(service):
                numbers = {
                    "--thresholds": f"{dest['x']:<10} {dest['y']:<10} {0:<10} {0:<10}",
                    "--persistent-conn": f"{dest['weight']:<9} {0:<11} {0:<10} {0:<10}",
                    "--tun-info": f"{_FORWARDS[dest['method']]:7} {_tunnel_info(dest):13} {dest['weight']:<6} 0  0",
                }.get(options[-1], f"{0:9}" * 5)
                lines.append(f"  -> {_joined(address, port):28} {numbers}")
        return lines

    def _listed(self, key: tuple, service: dict) -> str:
        text = f" ({self._flags(service)})" if service["flags"] else ""
        if service["timeout"]:
            text += f" persistent {service['timeout']}"
            text += f" mask {service['mask']}" if service["mask"] not in ("255.255.255.255", "128") else ""
            text += f" pe {service['pe']}" if service["pe"] else ""
        return text + (" ops" if service["ops"] else "")

    @staticmethod
    def _flags(service: dict) -> str:
        scheduler, flags = service["scheduler"], service["flags"]
        names = ["flag-1", "flag-2", "flag-3"]
        if scheduler in ("sh", "mh"):
            names = [f"{scheduler}-fallback", f"{scheduler}-port"]
        return ",".join(name for bit, name in enumerate(names) if flags >> bit & 1)

    def _sorted(self) -> list[tuple[tuple, dict]]:
        def order(item: tuple[tuple, dict]) -> tuple:
            mark, family, protocol, address, port = item[0]
            # Differences of unsigned numbers, taken for signed ones.
            words = [_signed(int(address or 0) >> shift & 0xFFFFFFFF) for shift in (96, 64, 32, 0)]
            return (_signed(mark), family, protocol, words, port)

        return sorted(self.services.items(), key=order)


class FakeHost:
    """HostAccess with a fake ipvsadm, and the modules of Debian 12's cloud kernel."""

    release = "6.1.0-18-cloud-amd64"

    def __init__(self) -> None:
        self.ipvsadm = FakeIpvsadm()
        modules = [f"ip_vs_{name}" for name in sorted(SCHEDULERS)] + ["ip_vs_pe_sip"]
        path = f"/lib/modules/{self.release}"
        self.files = {
            "/proc/modules": "ip_vs 188416 48 ip_vs_rr, Live 0xffffffffc0745000\nip_vs_rr 16384 5 - Live 0x0\n",
            f"{path}/modules.dep": "".join(
                f"kernel/net/netfilter/ipvs/{name}.ko: kernel/net/netfilter/ipvs/ip_vs.ko\n" for name in modules
            ),
            f"{path}/modules.builtin": "kernel/fs/ext4/ext4.ko\n",
        }

    def run(self, argv, stdin=None) -> Completed:
        return self.ipvsadm.run(argv, stdin)

    def read(self, path: str) -> str | None:
        return self.files.get(path)

    def exists(self, path: str) -> bool:
        return path in self.files

    def port_of(self, name: str, protocol: str) -> int:
        try:
            return {("https", "tcp"): 443, ("http", "tcp"): 80, ("domain", "udp"): 53}[name, protocol]
        except KeyError:
            raise ValueError(name) from None


_FORWARDS = {"-g": "Route", "-m": "Masq", "-i": "Tunnel"}


def _tunnel_info(dest: dict) -> str:
    words = dest["tunnel"].split()
    if not words:
        return "n/a"
    checksum = {"--tun-nocsum": ":-c", "--tun-csum": ":+c", "--tun-remcsum": ":r+c"}.get(words[-1], "")
    return words[1] + (f":{words[3]}" if "--tun-port" in words else "") + checksum


def _signed(mark: int) -> int:
    return mark - 2**32 if mark >= 2**31 else mark


def _joined(address: IPv4Address | IPv6Address, port: int) -> str:
    if address.version == 4:
        return f"{address}:{port}"
    # As inet_ntop(3) does.
    text = f"::ffff:{address.ipv4_mapped}" if address.ipv4_mapped else str(address)
    return f"[{text}]:{port}"


def _sorted_dests(service: dict) -> list[tuple[tuple, dict]]:
    return sorted(service["dests"].items(), key=lambda item: (item[0][0].version, int(item[0][0]), item[0][1]))


def _is_unicast(address: IPv4Address | IPv6Address) -> bool:
    if address.version == 4:
        return not (address.is_multicast or int(address) >> 24 == 0 or int(address) == 2**32 - 1)
    return not (address.is_multicast or address.is_link_local or int(address) == 0 or address.ipv4_mapped)
