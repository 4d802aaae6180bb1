# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a server's processes have used, from /proc.

CPU comes from schedstat, task by task: the utime and stime of /proc/PID/stat are sampled in 10 ms units and
under-report small processes badly. They are used for the split into user and system only.
"""

import dataclasses
import os


def _read(path):
    with open(path, encoding="ascii", errors="replace") as file:
        return file.read()


def _fields_after_name(stat):
    """The fields of a stat line from the third on: the second is a name that may hold anything."""
    return stat[stat.rindex(")") + 2:].split()


def family(root):
    """`root` and all its descendants, and what else is of their session (children may outlive their parents)."""
    parent, session = {}, {}
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            fields = _fields_after_name(_read(f"/proc/{name}/stat"))
        except (FileNotFoundError, ProcessLookupError):
            continue
        if fields[0] != "Z":
            parent[int(name)], session[int(name)] = int(fields[1]), int(fields[3])
    found = {pid for pid in parent if session[pid] == root}
    grown = True
    while grown:
        more = {pid for pid, of in parent.items() if of in found or pid == root} - found
        grown = bool(more)
        found |= more
    return sorted(found)


@dataclasses.dataclass
class Usage:
    """Sums over processes since their start; differences of two are what was used in between."""
    cpu_ns: int = 0
    user_ticks: int = 0
    system_ticks: int = 0
    voluntary: int = 0
    involuntary: int = 0
    threads: int = 0
    written: int = 0      # bytes given to write(2) and its like
    to_disk: int = 0      # bytes that the kernel has taken on itself to write out
    write_calls: int = 0
    read_calls: int = 0

    def since(self, earlier):
        return Usage(**{f.name: getattr(self, f.name) - getattr(earlier, f.name) for f in dataclasses.fields(self)})


def usage(pids):
    total = Usage()
    for pid in pids:
        for task in os.listdir(f"/proc/{pid}/task"):
            base = f"/proc/{pid}/task/{task}"
            try:
                total.cpu_ns += int(_read(f"{base}/schedstat").split()[0])
                status = dict(line.split(":", 1) for line in _read(f"{base}/status").splitlines() if ":" in line)
            except (FileNotFoundError, ProcessLookupError):
                continue  # a thread that has just ended
            total.voluntary += int(status["voluntary_ctxt_switches"])
            total.involuntary += int(status["nonvoluntary_ctxt_switches"])
            total.threads += 1
        fields = _fields_after_name(_read(f"/proc/{pid}/stat"))
        total.user_ticks += int(fields[11])
        total.system_ticks += int(fields[12])
        io = dict(line.split(": ") for line in _read(f"/proc/{pid}/io").splitlines())
        total.written += int(io["wchar"])
        total.to_disk += int(io["write_bytes"])
        total.write_calls += int(io["syscw"])
        total.read_calls += int(io["syscr"])
    return total


def usage_each(pids):
    """{pid: Usage}, without those that have ended."""
    out = {}
    for pid in pids:
        try:
            out[pid] = usage([pid])
        except (FileNotFoundError, ProcessLookupError):
            pass
    return out


def used_between(before, after):
    """Of two usage_each(): what the processes that are in both have used. A node ends workers that idle."""
    total = Usage()
    for pid in before.keys() & after.keys():
        more = after[pid].since(before[pid])
        for field in dataclasses.fields(Usage):
            setattr(total, field.name, getattr(total, field.name) + getattr(more, field.name))
    return total


def pss_kb(pids, field="Pss"):
    """Proportional set size: pages that processes share count once, in parts. "Pss_Anon": only what the processes
    have allocated, whoever else has the same programs and libraries mapped."""
    total = 0
    for pid in pids:
        try:
            rollup = _read(f"/proc/{pid}/smaps_rollup")
        except (FileNotFoundError, ProcessLookupError):
            continue  # ended meanwhile
        total += sum(int(line.split()[1]) for line in rollup.splitlines() if line.startswith(field + ":"))
    return total


def kernel_threads_ns():
    """CPU of all kernel threads of the machine: write-back and journal work for a server shows up here, together
    with everybody else's."""
    total = 0
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                if _fields_after_name(_read(f"/proc/{name}/stat"))[1] == "2":
                    total += int(_read(f"/proc/{name}/schedstat").split()[0])
            except (FileNotFoundError, ProcessLookupError):
                pass
    return total
