# SPDX-License-Identifier: GPL-2.0
"""Allocations that fail on purpose: each of an operation's in turn, and where it was asked for.

The kernel counts a thread's allocations and lets the Nth fail (/proc/TID/fail-nth). That
allocation's backtrace comes from probes on the functions that decide; the kernel would
print it, but a backtrace in its log is a complaint.
"""

import contextlib
import json
import os
import re
import subprocess

import facts
import host
from case import Failure, true
from probes import TRACING, change_probes

DEBUGFS = "/sys/kernel/debug"
INSTANCE = f"{TRACING}/instances/vmshare_faults"
EVENTS = f"{INSTANCE}/events/vmshare_faults"
# What both ask, should_fail_ex(), is in a part of the kernel that events may not probe.
DECIDERS = {"slab": "should_failslab", "page": "should_fail_alloc_page"}
# Memory for the kernel's own use may fail, whatever it could wait for; a page that a
# program asks for by touching it may not.
SETTINGS = {
    "failslab": {"ignore-gfp-wait": "N"},
    "fail_page_alloc": {"ignore-gfp-wait": "N", "ignore-gfp-highmem": "Y", "min-order": 0},
}
QUIET = {"probability": 0, "verbose": 0}

PROPER = ("", "ENOMEM", "ENOBUFS")  # how an operation may end that lacked memory
# A debug kernel's checks have allocations of their own, and stocks where these fail.
CHECKERS = re.compile(r"kmemleak|create_object|stack_depot|kasan_|debug_object|lockdep|__lock_acquire")
FRAME = re.compile(r"^ => (\S+?)(?:/0x[0-9a-f]+)?(?: \[(\w+)\])?$")


def needs_faults():
    if not os.path.exists("/proc/self/fail-nth"):
        return "the kernel cannot let allocations fail (CONFIG_FAULT_INJECTION)"
    for kind in SETTINGS:
        if not os.path.exists(f"{DEBUGFS}/{kind}"):
            return f"the kernel has no {kind}"
    return None


class Fault:
    """One allocation that failed: what was answered, and the backtrace, innermost first."""

    def __init__(self, answer, frames):
        self.nth, self.answer, self.frames = answer["nth"], answer, frames
        self.denied = set()  # what the module does without for it

    def __str__(self):
        inside = " < ".join(name for name, _ in self.frames[:14])
        return f"allocation {self.nth}: {self.answer}; {inside}"

    def passes(self, function):
        return any(name.partition("+")[0].startswith(function) for name, _ in self.frames)

    def is_checkers(self):
        return any(CHECKERS.search(name) for name, _ in self.frames)

    def site(self):
        """Where in the module: FUNCTION+0xOFFSET behind the call; None: not called by it."""
        if self.is_checkers():
            return None
        return next((name for name, module in self.frames if module == "vmshare"), None)


def parse_backtraces(text):
    """Number that was marked -> [frames of each allocation after it]"""
    found, nth, frames = {}, None, None
    for line in text.splitlines():
        frame = FRAME.match(line)
        mark = re.search(r"\bnth=(\d+)", line)
        if mark:
            nth = int(mark.group(1))
            found[nth] = []
        elif "<stack trace>" in line and nth:
            frames = []
            found[nth].append(frames)
        elif frame and nth and frames is not None:
            frames.append((frame.group(1), frame.group(2)))
    return found


class Injection:
    """Faults can be had, and their backtraces; to be used with `with`."""

    def __enter__(self):
        for kind, settings in SETTINGS.items():
            for name, value in {**QUIET, **settings}.items():
                host.write(f"{DEBUGFS}/{kind}/{name}", value)
        for name, function in DECIDERS.items():
            change_probes(f"r64:vmshare_faults/{name} {function} fails=$retval:u8")
        os.makedirs(INSTANCE, exist_ok=True)
        host.write(f"{INSTANCE}/buffer_size_kb", 8192)
        for option in ("stacktrace", "sym-offset"):
            host.write(f"{INSTANCE}/trace_options", option)
        self.record(all_of_them=False)
        return self

    def __exit__(self, *unused):
        os.rmdir(INSTANCE)
        for name in DECIDERS:
            change_probes(f"-:vmshare_faults/{name}")

    def record(self, all_of_them):
        """Backtraces of all allocations that are asked whether to fail, or of who does."""
        host.write(f"{EVENTS}/filter", 'comm == "nlclient"' if all_of_them else "fails != 0")

    @contextlib.contextmanager
    def recording(self):
        """No longer than need be: all that allocates is several times as slow meanwhile."""
        host.write(f"{INSTANCE}/trace", "")
        host.write(f"{EVENTS}/enable", 1)
        try:
            yield
        finally:
            host.write(f"{EVENTS}/enable", 0)

    def run(self, operation, *options):
        """Return: [answer, one for each number], {number: [frames, ...]}"""
        with self.recording():
            done = subprocess.run([facts.NLCLIENT, "--marker", f"{INSTANCE}/trace_marker", *options,
                                   "faults", operation], capture_output=True, text=True)
        if done.returncode:
            raise Failure(f"faults {operation}: {done.stdout[-1000:]}{done.stderr}")
        return ([json.loads(line) for line in done.stdout.splitlines()],
                parse_backtraces(host.read(f"{INSTANCE}/trace")))

    def fail_each(self, operation, *options):
        """Return: [Fault, ...], and what is answered without any."""
        answers, backtraces = self.run(operation, *options)
        faults = [Fault(answer, (backtraces.get(answer["nth"]) or [[]])[0])
                  for answer in answers if answer["injected"]]
        true(not answers[-1]["injected"], f"{operation}: all have failed after {len(faults)}")
        return faults, answers[-1]

    def fail_one(self, nth, operation, *options):
        """Return: Fault, or None if there are not so many allocations."""
        answers, backtraces = self.run(operation, "--nth", str(nth), *options)
        true(len(answers) == 1, f"{operation}: {answers}")
        if not answers[0]["injected"]:
            return None
        return Fault(answers[0], (backtraces.get(nth) or [[]])[0])


def check_answers(faults, whole, operation):
    """A request that lacked memory says so, or its answer is whole."""
    for fault in faults:
        answer = fault.answer
        true(answer["error"] in PROPER and not answer["silent"], f"{operation}: {fault}")
        if not answer["error"]:
            true(answer["messages"] == whole["messages"]
                 and (fault.is_checkers() or not fault.passes("tracepoint_probe")),
                 f"{operation}: it says that all is well: {fault}")


class Sites:
    """The module's calls that allocate, by its code, and those that have failed."""

    def __init__(self):
        self.failed = set()
        self.faults = 0
        self.noted = set()

    def note(self, operation, faults):
        self.faults += len(faults)
        self.note_places(operation, {fault.site() for fault in faults} - {None})

    def note_places(self, operation, places):
        self.noted.add(operation)
        self.failed |= places

    def calls(self):
        """FUNCTION+0xOFFSET behind the call -> what is called"""
        code = subprocess.run(["objdump", "-dr", "--no-show-raw-insn", host.MODULE],
                              capture_output=True, text=True, check=True).stdout
        calls, function, start, is_call = {}, None, 0, False
        for line in code.splitlines():
            header = re.match(r"([0-9a-f]+) <(\S+)>:$", line)
            target = re.match(r"\s+([0-9a-f]+): R_X86_64_(?:PLT|PC)32\s+(\w+)", line)
            if header:
                start, function = int(header.group(1), 16), header.group(2)
            elif target and is_call and is_allocator(target.group(2)):
                behind = int(target.group(1), 16) + 4 - start
                calls[f"{function}+{behind:#x}"] = target.group(2)
            is_call = "\tcall" in line
        return calls


def is_allocator(function):
    return "alloc" in function and not re.match(r"__asan|.*free", function)


def summary(faults):
    """What a case says of its faults."""
    sites = {fault.site() for fault in faults} - {None}
    checkers = sum(fault.is_checkers() for fault in faults)
    refused = sum(bool(fault.answer["error"]) for fault in faults)
    return (f"{len(faults)} allocations failed, {checkers} of them the kernel's checks'; "
            f"{len(sites)} places in the module; {refused} refusals")
