# SPDX-License-Identifier: GPL-2.0
"""VMs of known page contents, and a model of what of it is merged.

The model knows nothing of KSM's lists or of page tables: it keeps for each page
of each process which frame it should be on, and changes that as the commands
do. A frame is ("merged", CONTENT), ("own", PROCESS, PAGE), or None.
"""

import collections
import contextlib
import os
import re
import subprocess
import sys

import host
from case import true

sys.path.insert(0, f"{host.TOP}/tests/guest")

from fixtures import ToyVM  # noqa: E402

TOY = f"{host.TOP}/build/tests/toyvm"
NOT_MERGED = {"--memfd", "--open-memfd", "--remaps", "--file", "--hugetlb", "--no-merge", "--thp"}


def parse_segment(segment):
    count, content, step = re.fullmatch(r"(\d+)@(\d+)(?:\+(\d+))?",
                                        segment).groups()
    step = 1 if step is None else int(step)
    return [int(content) + i * step for i in range(int(count))]


class Toy:
    """A running toyvm and the frames that its pages should be on."""

    def __init__(self, *segments, options=(), keep=()):
        self.contents = [c for s in segments for c in parse_segment(s)]
        self.is_vm = "--no-kvm" not in options
        self.mergeable = not NOT_MERGED & set(options)
        self.child = None
        self.child_frames = []
        self.vm = ToyVM(*options, *segments, keep=keep)
        self.process, self.pid = self.vm.process, self.vm.pid
        self.frames = [("own", self.pid, i) for i in range(len(self.contents))]

    def tell(self, command):
        return self.vm.do(command).split()[1:]

    def set_own(self, first, count, contents):
        for i in range(first, first + count):
            self.frames[i] = ("own", self.pid, i)
            self.contents[i] = contents

    def poke(self, first, count):
        self.tell(f"poke {first} {count}")
        self.set_own(first, count, None)

    def dontneed(self, first, count):
        self.tell(f"dontneed {first} {count}")
        for i in range(first, first + count):
            self.frames[i] = None
            self.contents[i] = None

    def fork(self):
        self.child = int(self.tell("fork")[0])
        self.child_frames = list(self.frames)
        return self.child

    def kill_child(self):
        self.tell("killchild")
        self.child = None
        self.child_frames = []

    def end(self):
        self.vm.end()


@contextlib.contextmanager
def many_vms(count, *words):
    """So many VMs that are started, and end, at once."""
    vms = [subprocess.Popen([TOY, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
           for _ in range(count)]
    try:
        for vm in vms:
            true("ready" in vm.stdout.readline(), "it started")
        yield vms
    finally:
        for vm in vms:
            vm.stdin.close()
            vm.wait()
            vm.stdout.close()


class Toys:
    """All of them, to be used with `with`; ends what it started."""

    def __init__(self):
        self.toys = []

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        for toy in self.toys:
            toy.end()

    def start(self, *segments, options=(), keep=()):
        """keep: descriptors that it has, too."""
        toy = Toy(*segments, options=options, keep=keep)
        self.toys.append(toy)
        return toy

    def end(self, toy):
        toy.end()
        self.toys.remove(toy)

    def vms(self):
        return [toy for toy in self.toys if toy.is_vm]

    def merge(self, zero_pages=False):
        """ksmd has passed: pages of a content that is there twice are merged."""
        seen = collections.Counter(
            content for toy in self.toys if toy.mergeable
            for content in toy.contents if content is not None)
        for toy in self.toys:
            if not toy.mergeable:
                continue
            for i, content in enumerate(toy.contents):
                if content == 0 and zero_pages:
                    toy.frames[i] = None
                elif content is not None and seen[content] > 1:
                    toy.frames[i] = ("merged", content)

    def mappings(self):
        """frame -> {pid of a VM, or None for any other process: mappings}"""
        on = collections.defaultdict(collections.Counter)
        for toy in self.toys:
            for frame in toy.frames:
                if frame and frame[0] == "merged":
                    on[frame][toy.pid if toy.is_vm else None] += 1
            for frame in toy.child_frames:
                if frame and frame[0] == "merged":
                    on[frame][None] += 1
        return on

    def sets(self):
        """(VMs, outside) -> frames"""
        sets = collections.Counter()
        for holders in self.mappings().values():
            vms = tuple(sorted(pid for pid in holders if pid is not None))
            if vms:
                sets[vms, None in holders] += 1
        return dict(sets)

    def shares(self):
        """pid of a VM -> (self_shared, self_frames, inter_shared) in pages"""
        shares = {toy.pid: [0, 0, 0] for toy in self.vms()}
        for holders in self.mappings().values():
            for pid, count in holders.items():
                if pid is None:
                    continue
                if len(holders) == 1:
                    shares[pid][0] += count
                    shares[pid][1] += 1
                else:
                    shares[pid][2] += count
        return {pid: tuple(counts) for pid, counts in shares.items()}

    def identity(self):
        """Mappings beyond the first of each merged frame, of all processes."""
        return sum(sum(holders.values()) - 1
                   for holders in self.mappings().values())


def page_bytes():
    return os.sysconf("SC_PAGE_SIZE")
