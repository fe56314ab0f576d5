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


def case(needs=None):
    """Register a case. needs(): None, or a sentence why it cannot run here."""
    def register(function):
        CASES.append((function.__name__, needs, function))
        return function
    return register


def equal(seen, wanted, what):
    if seen != wanted:
        raise Failure(f"{what}: saw {seen}, should be {wanted}")


def true(condition, what):
    if not condition:
        raise Failure(what)


def wait_for(condition, what, seconds=60):
    """Until condition() gives something true, which is returned."""
    seconds *= DEADLINE_FACTOR
    deadline = time.monotonic() + seconds
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > deadline:
            raise Failure(f"waited {seconds} s in vain for {what}")
        time.sleep(0.05)


def run(patterns, before_each, after_each):
    """Run the cases that match. Return: (passed, failed, skipped)."""
    counts = {"ok": 0, "not ok": 0, "skip": 0}
    for name, needs, function in CASES:
        if patterns and not any(fnmatch.fnmatch(name, p) for p in patterns):
            continue
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
