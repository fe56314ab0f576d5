# SPDX-License-Identifier: GPL-2.0
"""Handles for the tests' virtual machines and for KSM, inside the test machine."""

import os
import struct
import subprocess
import sys
import time

PROJECT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
KSM = "/sys/kernel/mm/ksm"
DEADLINE_SECONDS = 180
PAGE_BYTES = 4096
PFN_MASK = (1 << 55) - 1


def ksm(name):
    with open(f"{KSM}/{name}") as file:
        return int(file.read())


def set_ksm(**values):
    for name, value in values.items():
        with open(f"{KSM}/{name}", "w") as file:
            file.write(str(value))


def start_merging():
    set_ksm(run=2)
    # From 6.7 on old pages are looked at in every ninth pass only: two of them
    # that become equal late and are not due in the same pass never merge.
    if os.path.exists(f"{KSM}/smart_scan"):
        set_ksm(smart_scan=0)
    set_ksm(run=1, pages_to_scan=5000, sleep_millisecs=10)


class GuestFailure(Exception):
    """What a virtual machine's program did not do."""


def failed(text):
    sys.exit(f"FAILED: {text}")


def check(what, found, expected):
    if found != expected:
        failed(f"{what}: expected {expected!r}, found {found!r}")
    print(f"ok: {what}: {found!r}", flush=True)


def await_condition(what, read, is_good):
    """Waits until what is read is good; returns it."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not is_good(found := read()):
        if time.monotonic() > deadline:
            failed(f"{what}: still {found!r} after {DEADLINE_SECONDS} s")
        time.sleep(0.05)
    return found


def await_merged(what, shared, sharing, passes=2):
    """Waits until KSM's counters are so, and stay so for some more passes of ksmd."""
    stable_from = None

    def read():
        nonlocal stable_from
        counters = (ksm("pages_shared"), ksm("pages_sharing"))
        if counters != (shared, sharing):
            stable_from = None
        elif stable_from is None:
            stable_from = ksm("full_scans")
        return counters

    await_condition(f"{what}: {(shared, sharing)} expected", read,
                    lambda _: stable_from is not None and ksm("full_scans") >= stable_from + passes)
    print(f"ok: {what}: {(shared, sharing)}", flush=True)


class Machine:
    """A virtual machine whose program says "ready" when it is."""

    def __init__(self, program, *arguments, keep=()):
        """keep: descriptors that the program has, too."""
        self.process = subprocess.Popen(
            [os.path.join(PROJECT, program), *arguments],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, pass_fds=keep)

    def read_ready(self):
        words = self.process.stdout.readline().split()
        if not words or words[0] != "ready":
            raise GuestFailure(f"{' '.join(self.process.args)} did not become ready: {' '.join(words)}")
        self.pid = int(words[1])
        return words[2:]

    def quit(self):
        self.process.communicate("quit\n")
        return self.process.returncode

    def end(self):
        """End it at once, and wait until its memory is gone."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


class ToyVM(Machine):
    def __init__(self, *arguments, keep=()):
        super().__init__("build/tests/toyvm", *arguments, keep=keep)
        address, pages = self.read_ready()
        self.address, self.pages = int(address, 16), int(pages)

    def ask(self, command):
        print(command, file=self.process.stdin, flush=True)
        return self.process.stdout.readline().strip()

    def do(self, command):
        answer = self.ask(command)
        if answer.split()[:1] != ["ok"]:
            raise GuestFailure(f"toyvm refused '{command}': {answer}")
        return answer


class LinuxVM(Machine):
    """Booting takes long: start several, then wait for each."""

    def __init__(self, *arguments):
        super().__init__("tests/guest/linuxvm", *arguments)

    def await_ready(self):
        self.qmp, = self.read_ready()


def content_second_word(content):
    """What follows the number in a page of that content; see content.c."""
    mask = (1 << 64) - 1
    word = (content + 0x9e3779b97f4a7c15) & mask
    word = ((word ^ word >> 30) * 0xbf58476d1ce4e5b9) & mask
    word = ((word ^ word >> 27) * 0x94d049bb133111eb) & mask
    return word ^ word >> 31


def memory_ranges(pid, least_bytes):
    with open(f"/proc/{pid}/maps") as maps:
        for line in maps:
            start, end = (int(word, 16) for word in line.split()[0].split("-"))
            if end - start >= least_bytes and line.split()[1].startswith("rw"):
                yield start, end


def find_contents(pid, contents, least_bytes=64 << 20):
    """Addresses of the pages that hold these contents, as {content: address}."""
    second_words = {content: content_second_word(content) for content in contents}
    found = {}
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for start, end in memory_ranges(pid, least_bytes):
            for address in range(start, end, 1 << 20):
                chunk = os.pread(memory.fileno(), min(1 << 20, end - address), address)
                words = memoryview(chunk).cast("Q")
                for index in range(0, len(words), PAGE_BYTES // 8):
                    if second_words.get(words[index]) == words[index + 1]:
                        found[words[index]] = address + index * 8
    return found


def frame_numbers(pid, addresses):
    """Physical page frames behind these addresses; 0 where there is none."""
    frames = []
    with open(f"/proc/{pid}/pagemap", "rb", buffering=0) as pagemap:
        for address in addresses:
            entry, = struct.unpack("Q", os.pread(pagemap.fileno(), 8, address // PAGE_BYTES * 8))
            frames.append(entry & PFN_MASK if entry >> 63 else 0)
    return frames
