# SPDX-License-Identifier: GPL-2.0
"""The kernel's console log: what in it means that the kernel itself is unwell."""

import collections
import re

SPLAT = re.compile(
    r"BUG:|WARNING:|\bOops\b|Call Trace|KASAN|UBSAN|KCSAN|general protection|Kernel panic"
    r"|rcu.*stalls? on|rcu.*self-detected|hung task|blocked for more than|unreferenced object|suspected memory leaks"
    r"|possible (recursive|circular|irq)|suspicious RCU|refcount_t:|scheduling while atomic"
    r"|sleeping function called|inconsistent lock state|DEBUG_LOCKS_WARN_ON"
    r"|non-static key|lockdep is turned off|ODEBUG")

# Said by debug kernels at every boot, of themselves and not of an error.
HARMLESS = re.compile(
    r"kcsan: (strict|non-strict) mode|KASAN: .*initialized|kernel memory sanitizer"
    r"|KernelAddressSanitizer initialized")

# The kernel has data races of its own that nobody minds. One counts if what touches the
# memory is the module or was called by it, not far above: who wakes a thread or sleeps
# meets the races of half the kernel. What an interrupt has interrupted does not count.
RACE = "BUG: KCSAN:"
RACE_END = "=" * 60
MODULE = "[vmshare]"
FRAME = re.compile(r"^ \S+\+0x")
INTERRUPT = re.compile(r"^ asm_(sysvec|common_interrupt|exc_nmi)")
NEAR_FRAMES = 4

# A function that is made to be raced with, whoever calls it: a clock that is read while it
# is set, from a copy that its readers then find to be old.
MEANT = re.compile(RACE + " data-race in ktime_get_(mono|boot|real)_fast_ns / timekeeping_")

# What the kernel says of a CPU that did not get on, and what follows it. RCU does not say
# for how long: it waits for as long as machine.py has told it to.
Stuck = collections.namedtuple("Stuck", "end seconds line")  # end: in seconds since boot
STUCK = re.compile(r"^\[ *(\d+\.\d+)\].*(?:soft lockup - CPU#\d+ stuck for (\d+)s"
                   r"|rcu.*(?:stalls? on|self-detected))")
RCU_SECONDS = 120
STUCK_ECHO = re.compile(r"^\[ *(\d+\.\d+)\].*(?:soft lockup - CPU|rcu.*(?:stalls? on|self-detected)|Call Trace)")
STUCK_ECHO_SECONDS = 10


def read_lines(path):
    try:
        with open(path, errors="replace") as file:
            return file.read().replace("\r", "").splitlines()
    except FileNotFoundError:
        return []


def find_splats(lines, excused=()):
    """Numbers of the lines (from 0) in which the kernel complains, but for CPUs that were
    stuck and are excused."""
    return [number for number, line in enumerate(lines)
            if SPLAT.search(line) and not HARMLESS.search(line)
            and not is_foreign_race(lines, number) and not is_excused(line, excused)]


def find_stuck(lines):
    found = filter(None, map(STUCK.search, lines))
    return [Stuck(float(match[1]), int(match[2] or RCU_SECONDS), match.string) for match in found]


def is_excused(line, excused):
    match = STUCK_ECHO.search(line)
    return match and any(0 <= float(match[1]) - stuck.end <= STUCK_ECHO_SECONDS for stuck in excused)


def is_foreign_race(lines, number):
    if RACE not in lines[number]:
        return False
    return bool(MEANT.search(lines[number])) or not any(
        MODULE in frame for frame in near_frames(race_report(lines, number)))


def race_report(lines, number):
    for line in lines[number + 1:]:
        if RACE_END in line:
            return
        yield line


def near_frames(report):
    """Of each stack the innermost, down to an interrupt's entry."""
    depth = 0
    for line in report:
        if not FRAME.search(line):
            depth = 0
        elif INTERRUPT.search(line):
            depth = NEAR_FRAMES
        elif depth < NEAR_FRAMES:
            depth += 1
            yield line


def splat_excerpt(lines, splats):
    """The first complaint and what follows it: later ones are mostly its echo."""
    first = max(splats[0] - 5, 0)
    return lines[first:first + 40]
