"""The process's memory: how it is taken, and how much there is."""

import ctypes
import platform
from pathlib import Path

M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_MAX = -1, -2, -4  # of glibc's malloc.h


def keep_freed_memory() -> None:
    """Let glibc keep what is freed instead of returning it to the system, and take it in large pieces.

    By default every large tensor is mapped anew, and the kernel zeroes it page by page on first touch, which
    costs elementwise work several times what it computes. Elsewhere than on glibc nothing happens.
    """
    if platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL("libc.so.6")
        libc.mallopt(M_MMAP_MAX, 0)
        libc.mallopt(M_TRIM_THRESHOLD, -1)  # never
        libc.mallopt(M_TOP_PAD, 64 * 2**20)


def check_memory(needed: int, what: str, remedy: str) -> None:
    """ValueError if `what`, an argument and what is made of it, takes more bytes than there are."""
    available = available_memory()
    if available is not None and needed > available:
        taken, allowed = needed / 2**30, available / 2**30
        raise ValueError(f"{what} take {taken:.1f} GiB of memory; allowed {allowed:.1f}; try {remedy}")


def available_memory() -> int | None:
    """Bytes that can be taken: the system's, or the control group's if those are fewer; None if unknown."""
    if not Path("/proc/meminfo").exists():
        return None
    fields = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    system = int(fields["MemAvailable"].split()[0]) * 1024
    limit, used = Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current")
    if limit.exists() and used.exists() and (text := limit.read_text().strip()).isdigit():
        return min(system, int(text) - int(used.read_text()))
    return system
