# SPDX-License-Identifier: GPL-2.0
"""What a debug kernel checks by itself: its complaints, its locks, its leaks."""

import os
import re
import sys
import time

import host
from case import Failure

sys.path.insert(0, f"{host.TOP}/tests/vm")

import console  # noqa: E402

LOCKDEP = "/proc/lockdep_stats"
LOCK_STAT = "/proc/lock_stat"
LOCKS = ("walk_lock:", "kept_lock:", "known_lock:", "ksm_thread_mutex:")
KCSAN = "/sys/kernel/debug/kcsan"
KMEMLEAK = "/sys/kernel/debug/kmemleak"
KMEMLEAK_MIN_AGE_SECONDS = 5  # what is younger is never reported

# A line of a backtrace: kernels before 6.11 put the hidden address in front.
CALLER = re.compile(r"^ {4}(?:\[<\w+>\] )?(?=\S+(?:\+0x| *$|\s+\[))(\S+)(?: \[(\w+)\])?")
UNRESOLVED = re.compile(r"0x[0-9a-f]{16}")


class Log:
    """The kernel's log from now on."""

    def __init__(self):
        self.file = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
        os.lseek(self.file, 0, os.SEEK_END)

    def news(self):
        lines = []
        while True:
            try:
                record = os.read(self.file, 8192).decode(errors="replace")
            except BlockingIOError:
                return lines
            except BrokenPipeError:  # overwritten before it was read
                continue
            lines.append(record.partition(";")[2].splitlines()[0])

    def check(self):
        """Fails with the first complaint since the last look."""
        lines = self.news()
        splats = console.find_splats(lines)
        if splats:
            raise Failure("the kernel complained: "
                          + "\n".join(console.splat_excerpt(lines, splats)))


def kernel_checks_itself():
    return os.path.exists(LOCKDEP)


def slows_down():
    """Each access to memory is checked, or many."""
    return kernel_checks_itself() or os.path.exists(KCSAN)


def needs_lockdep():
    return None if kernel_checks_itself() else "the kernel has no lockdep"


def needs_kmemleak():
    return None if os.path.exists(KMEMLEAK) else "the kernel has no kmemleak"


def needs_kcsan():
    return None if os.path.exists(KCSAN) else "the kernel has no KCSAN"


def numbers_of(path):
    """What a checker says of itself, name -> first number."""
    return {name.strip(): int(value.split()[0])
            for name, _, value in (line.partition(":") for line in host.read(path).splitlines())
            if value.split() and value.split()[0].isdigit()}


def longest_holds():
    """Lock of the module's or of KSM's -> microseconds that it was once held."""
    holds = {}
    for line in host.read(LOCK_STAT).splitlines():
        lock, *numbers = line.split()[:13] or [""]
        if lock in LOCKS and len(numbers) == 12:
            holds[lock[:-1]] = float(numbers[9])
    return holds


def is_ours(leak):
    """Allocated by the module, which may be gone: then its functions have no names."""
    callers = [CALLER.match(line) for line in leak.splitlines()]
    return any(caller.group(2) == "vmshare" or UNRESOLVED.fullmatch(caller.group(1))
               for caller in callers if caller)


def leaks():
    """Objects that nothing points at any more, the kernel's own among them.

    An object is reported when two scans have found it unchanged.
    """
    time.sleep(KMEMLEAK_MIN_AGE_SECONDS + 1)
    for _ in range(2):
        host.write(KMEMLEAK, "scan")
    found = re.split(r"^(?=unreferenced object)", host.read(KMEMLEAK), flags=re.MULTILINE)
    return [leak for leak in found if leak.strip()]
