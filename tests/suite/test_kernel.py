# SPDX-License-Identifier: GPL-2.0
"""What a debug kernel found in all that went before. These cases are the last."""

import checkers
import facts
import host
from case import case, equal, true
from facts import ask
from test_memory import merged_three
from toy import Toys


def check_leaks(when):
    found = checkers.leaks()
    ours = [leak for leak in found if checkers.is_ours(leak)]
    true(not ours, f"{when}: {len(ours)} objects of the module are lost:\n"
         + "\n".join(ours[:3]))
    return f"{when}: 0 of the module's among {len(found)}"


@case(needs=checkers.needs_kmemleak, in_every_part=True)
def debug_kernel_finds_no_leaks():
    """While the module lives, and when all that it may have kept is gone."""
    with Toys() as toys:
        merged_three(toys, ["--vcpus", "2"])
        for engine in facts.ENGINES:
            ask("set", "--engine", engine)
        texts = [check_leaks("loaded")]
        host.unload()
        texts.append(check_leaks("unloaded"))
    return "; ".join(texts)


def walk_by_both_engines():
    with Toys() as toys:
        merged_three(toys)
        for engine in facts.ENGINES:
            ask("set", "--engine", engine)


@case(needs=checkers.needs_lockdep, in_every_part=True)
def debug_kernel_still_checks_locks():
    """Lockdep turns itself off at its first complaint, or when it is full."""
    walk_by_both_engines()
    stats = checkers.numbers_of(checkers.LOCKDEP)
    equal(stats["debug_locks"], 1, "debug_locks")
    return (f"{stats['lock-classes']} lock classes, "
            f"{stats['direct dependencies']} dependencies")


@case(needs=checkers.needs_kcsan, in_every_part=True)
def debug_kernel_still_looks_for_races():
    """By watchpoints: who else touches what an access is about to touch?"""
    before = checkers.numbers_of(checkers.KCSAN)
    walk_by_both_engines()
    stats = checkers.numbers_of(checkers.KCSAN)
    equal(stats["enabled"], 1, "enabled")
    true(stats["setup_watchpoints"] > before["setup_watchpoints"], f"it watches: {stats}")
    return f"{stats['setup_watchpoints']} watchpoints, {stats['data_races']} races seen, the kernel's own among them"
