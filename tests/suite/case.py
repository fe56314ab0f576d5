# SPDX-License-Identifier: GPL-2.0
"""Cases: functions that fail by an exception. Each is named after what it shows."""

import fnmatch
import os
import time
import traceback

CASES = []

# A debug kernel takes several times as long for the same work.
DEADLINE_FACTOR = float(os.environ.get("VMSHARE_DEADLINE_FACTOR", 1))


class Failure(Exception):
    """What a case saw, and what it should have seen."""


class Skip(Exception):
    """Why a case cannot be run on this machine."""


def case(needs=None, in_every_part=False):
    """Register a case. needs(): None, or a sentence why it cannot run here.
    in_every_part: it looks back on the cases before it, whichever these are."""
    def register(function):
        CASES.append((function.__name__, needs, function, in_every_part))
        return function
    return register


def equal(seen, wanted, what):
    if seen != wanted:
        raise Failure(f"{what}: saw {seen}, should be {wanted}")


def true(condition, what):
    if not condition:
        raise Failure(what)


def wait_for(condition, what, seconds=60):
    """Until condition() gives something true, which is returned. What was waited for may
    be a function, which is asked in the end."""
    seconds *= DEADLINE_FACTOR
    deadline = time.monotonic() + seconds
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > deadline:
            raise Failure(f"waited {seconds} s in vain for {what() if callable(what) else what}")
        time.sleep(0.05)


def matches(entry, patterns):
    return any(fnmatch.fnmatch(entry[0], pattern) for pattern in patterns)


def chosen(patterns, without, part):
    """What matches of them, and of that the part: (1, 2) is the first of two."""
    number, parts = part
    matching = [entry for entry in CASES
                if matches(entry, patterns or ["*"]) and not matches(entry, without)]
    return [entry for i, entry in enumerate(matching) if i % parts == number - 1 or entry[3]]


def run(cases, before_each, after_each):
    """Run what was chosen. Return: (passed, failed, skipped)."""
    counts = {"ok": 0, "not ok": 0, "skip": 0}
    for name, needs, function, _ in cases:
        began = time.monotonic()
        verdict, text = "ok", ""
        try:
            why = needs() if needs else None
            if why:
                raise Skip(why)
            before_each()
            text = function() or ""
            after_each()
        except Skip as skip:
            verdict, text = "skip", str(skip)
        except Exception as error:  # a case may fail in any way
            verdict, text = "not ok", str(error)
            if not isinstance(error, Failure):
                text = traceback.format_exc()
        counts[verdict] += 1
        seconds = time.monotonic() - began
        print(f"{verdict} {name.replace('_', ' ')} ({seconds:.1f} s)"
              + (f": {text}" if text else ""), flush=True)
    return counts["ok"], counts["not ok"], counts["skip"]
