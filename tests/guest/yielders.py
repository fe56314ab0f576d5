# SPDX-License-Identifier: GPL-2.0
"""Two processes that give the first CPU to each other for ever, and to hardly anybody
else: who waits for it waits through thousands of runs."""

import contextlib
import os
import subprocess
import sys
import time

YIELDS = """
import os
os.sched_setaffinity(0, {0})
os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
while True:
    os.sched_yield()
"""


def runs_of(process):
    with open(f"/proc/{process.pid}/schedstat") as file:
        return int(file.read().split()[2])


@contextlib.contextmanager
def yielders(runs, seconds):
    """Entered when each has had so many runs; TimeoutError if that takes longer."""
    pair = [subprocess.Popen([sys.executable, "-c", YIELDS]) for _ in range(2)]
    try:
        deadline = time.monotonic() + seconds
        while any(runs_of(process) < runs for process in pair):
            if time.monotonic() > deadline:
                raise TimeoutError(f"not {runs} runs each after {seconds} s")
            time.sleep(0.001)
        yield
    finally:
        for process in pair:
            process.kill()
            process.wait()


@contextlib.contextmanager
def on_cpu(cpu):
    """The caller's thread, meanwhile."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {cpu})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
