"""What the kernel says of a process and its children: CPU time, memory, wake-ups. Linux only."""

from __future__ import annotations

import os
from pathlib import Path

TICK = 1 / os.sysconf("SC_CLK_TCK")
"""Seconds; the CPU time of a process is told in these."""


def family(pid: int) -> list[int]:
    """The process and all that came of it."""
    pids = [pid]
    for one in pids:
        for task in Path(f"/proc/{one}/task").iterdir():
            pids += [int(child) for child in (task / "children").read_text().split()]
    return pids


def cpu_seconds(pid: int) -> float:
    """User and system time so far, in seconds, to 0.01."""
    return sum(sum(map(int, Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()[11:13])) for one in family(pid)) * TICK


def pss_megabytes(pid: int) -> float:
    """Memory, what is shared counted by share, in MB of 1,000,000 bytes."""
    total = 0
    for one in family(pid):
        for line in Path(f"/proc/{one}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1]) * 1024
    return total / 1e6


def wake_ups(pid: int) -> int:
    """How often its threads gave the processor up by themselves, and so were woken again."""
    total = 0
    for one in family(pid):
        for task in Path(f"/proc/{one}/task").iterdir():
            for line in (task / "status").read_text().splitlines():
                if line.startswith("voluntary_ctxt_switches:"):
                    total += int(line.split()[1])
    return total


def rss_megabytes(pid: int) -> float:
    """Memory that is resident, in MB of 1,000,000 bytes; without children."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def bytes_written(pid: int) -> int:
    """Bytes that it has caused to be sent to storage, so far (`write_bytes` of /proc/PID/io)."""
    for line in Path(f"/proc/{pid}/io").read_text().splitlines():
        if line.startswith("write_bytes:"):
            return int(line.split()[1])
    raise ProcessLookupError(pid)
