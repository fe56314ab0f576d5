# SPDX-License-Identifier: GPL-2.0
"""VMs of known contents, and KSM made to merge them: for programs that run inside
the test machine."""

import os
import signal
import subprocess
import sys
import time

PROJECT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
KSM = "/sys/kernel/mm/ksm"


def ksm(name):
    """A counter or setting of KSM; None where this kernel lacks it."""
    try:
        with open(f"{KSM}/{name}") as file:
            return int(file.read())
    except FileNotFoundError:
        return None


def set_ksm(**values):
    """Settings that this kernel lacks are left out."""
    for name, value in values.items():
        if os.path.exists(f"{KSM}/{name}"):
            with open(f"{KSM}/{name}", "w") as file:
                file.write(str(value))


def merge_fast():
    # Smart scan (6.7) leaves old pages out of most passes, and so makes merging slow.
    set_ksm(smart_scan=0, run=1, pages_to_scan=100000, sleep_millisecs=0)


def await_merged(mappings, stall_seconds=120):
    """Waits until KSM's lists hold so many mappings. Gives up when nothing merges
    for so long: how long all of it takes depends on the machine."""
    before, since = None, time.monotonic()
    while (found := ksm("pages_shared") + ksm("pages_sharing")) < mappings:
        if found != before:
            before, since = found, time.monotonic()
        if time.monotonic() > since + stall_seconds:
            sys.exit(f"KSM merged {found} mappings of {mappings} and no more in {stall_seconds} s; "
                     f"look at {KSM} and at the memory that is left")
        time.sleep(0.1)


def await_scans(count, seconds=120):
    """Waits until ksmd has gone over all mergeable memory so often."""
    end, deadline = ksm("full_scans") + count, time.monotonic() + seconds
    while ksm("full_scans") < end:
        if time.monotonic() > deadline:
            sys.exit(f"ksmd did not make {count} full scans in {seconds} s")
        time.sleep(0.1)


class ToyVM:
    def __init__(self, *arguments):
        self.process = subprocess.Popen(
            [os.path.join(PROJECT, "build/tests/toyvm"), *arguments],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        ready = self.process.stdout.readline().split()
        if not ready:
            sys.exit(f"toyvm {' '.join(arguments)} did not start; its error is above")
        self.pid, self.pages = int(ready[1]), int(ready[3])

    def do(self, command):
        print(command, file=self.process.stdin, flush=True)
        answer = self.process.stdout.readline().split()
        if answer[:1] != ["ok"]:
            sys.exit(f"toyvm refused \"{command}\": {' '.join(answer)}")
        return answer[1:]

    def pause(self):
        """It stays what it is, but takes no CPU time."""
        self.process.send_signal(signal.SIGSTOP)

    def quit(self):
        self.process.send_signal(signal.SIGCONT)
        self.process.communicate("quit\n")
