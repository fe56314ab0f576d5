# SPDX-License-Identifier: GPL-2.0
"""The kernel's console log: what in it means that the kernel itself is unwell."""

import re

SPLAT = re.compile(
    r"BUG:|WARNING:|\bOops\b|Call Trace|KASAN|UBSAN|KCSAN|general protection|Kernel panic"
    r"|rcu.*stalls? on|rcu.*self-detected|hung task|blocked for more than|unreferenced object|suspected memory leaks"
    r"|possible (recursive|circular|irq)|suspicious RCU|refcount_t:|scheduling while atomic"
    r"|sleeping function called|inconsistent lock state|DEBUG_LOCKS_WARN_ON"
    r"|non-static key|lockdep is turned off|ODEBUG")

# Said by debug kernels at every boot, of themselves and not of an error.
HARMLESS = re.compile(r"KASAN: .*initialized|kernel memory sanitizer|KernelAddressSanitizer initialized")

# The kernel has data races of its own that nobody minds: one counts if the module
# is in it, and is not that of a function which is made to be raced with, whoever calls it:
# a clock that is read while it is set, from a copy that its readers then find to be old.
RACE = "BUG: KCSAN:"
MEANT = re.compile(RACE + " data-race in ktime_get_(mono|boot|real)_fast_ns / timekeeping_")
RACE_END = "=" * 60
MODULE = "[vmshare]"


def read_lines(path):
    try:
        with open(path, errors="replace") as file:
            return file.read().replace("\r", "").splitlines()
    except FileNotFoundError:
        return []


def find_splats(lines):
    """Numbers of the lines (from 0) in which the kernel complains."""
    return [number for number, line in enumerate(lines)
            if SPLAT.search(line) and not HARMLESS.search(line)
            and not is_foreign_race(lines, number)]


def is_foreign_race(lines, number):
    if RACE not in lines[number]:
        return False
    if MEANT.search(lines[number]):
        return True
    for line in lines[number:]:
        if MODULE in line:
            return False
        if RACE_END in line:
            break
    return True


def splat_excerpt(lines, splats):
    """The first complaint and what follows it: later ones are mostly its echo."""
    first = max(splats[0] - 5, 0)
    return lines[first:first + 40]
