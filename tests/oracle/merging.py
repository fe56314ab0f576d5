# SPDX-License-Identifier: GPL-2.0
"""KSM made to merge large memory as fast as it can, inside the test machine."""

import os
import sys
import time

PROJECT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(PROJECT, "tests/guest"))

from fixtures import KSM, failed, ksm, set_ksm  # noqa: E402


def ksm_has(name):
    return os.path.exists(f"{KSM}/{name}")


def merge_fast():
    # Smart scan (6.7) leaves old pages out of most passes, and so makes merging slow.
    if ksm_has("smart_scan"):
        set_ksm(smart_scan=0)
    set_ksm(run=1, pages_to_scan=100000, sleep_millisecs=0)


def await_mappings(mappings, stall_seconds=120):
    """Waits until KSM's lists hold so many. Gives up when nothing merges for so long:
    how long all of it takes depends on the machine. New pages merge in the second pass
    over them, so that the time must be enough for a pass."""
    before, since = None, time.monotonic()
    while (found := ksm("pages_shared") + ksm("pages_sharing")) < mappings:
        if found != before:
            before, since = found, time.monotonic()
        if time.monotonic() > since + stall_seconds:
            failed(f"KSM merged {found} mappings of {mappings} and no more in {stall_seconds} s; "
                   f"look at {KSM} and at the memory that is left")
        time.sleep(0.1)


def await_scans(count, seconds=120):
    """Waits until ksmd has gone over all mergeable memory so often."""
    end, deadline = ksm("full_scans") + count, time.monotonic() + seconds
    while ksm("full_scans") < end:
        if time.monotonic() > deadline:
            failed(f"ksmd did not make {count} full scans in {seconds} s")
        time.sleep(0.1)
