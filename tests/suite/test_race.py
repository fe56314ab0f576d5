# SPDX-License-Identifier: GPL-2.0
"""Everything at once: clients walk, dump and hook, while others do what merges, moves,
drops, off-lines and ends memory, VMs, CPUs and the module, each at times of chance.

Nothing is compared meanwhile: the kernel's own checks are the test. When all stands
still again, every number must be right. VMSHARE_RACE_SECONDS and VMSHARE_RACE_SEED:
how long, and which chance (the order in which threads run is not repeated by it).
"""

import collections
import contextlib
import ctypes
import errno
import glob
import os
import random
import subprocess
import threading
import time

import facts
import host
from case import DEADLINE_FACTOR, Failure, case, equal, true, wait_for
from facts import check
from test_memory import merged_three
from toy import TOY, Toys
from tracked import Session

SYS_MIGRATE_PAGES = 256
POWER = "/sys/power"
LAST_SECONDS = 60   # for what has begun to end
REFUSED = (errno.EBUSY, errno.EAGAIN, errno.EINTR, errno.ENOMEM, errno.EINVAL)
libc = ctypes.CDLL(None, use_errno=True)


class Refused(Exception):
    """The kernel did not do it just then, which is its right."""


def tell(path, value):
    try:
        host.write(path, value)
    except OSError as error:
        if error.errno not in REFUSED:
            raise
        raise Refused from error


def is_done(path, value):
    with contextlib.suppress(Refused):
        tell(path, value)
        return True


def run(*words, seconds=60):
    done = subprocess.run(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                          timeout=seconds * DEADLINE_FACTOR)
    if done.returncode:
        raise Refused(done.stderr)


class Herd:
    """VMs and other processes with equal pages, of which some come and go all the time.
    Each gets its commands without waiting for answers: it may be killed any moment."""

    MOST = 6
    PAGES = 300
    PLUGGED = 3     # by each at the most: more would leave no CPU to the others

    def __init__(self, chance):
        self.chance, self.living, self.lock = chance, [], threading.Lock()

    def start(self):
        options = self.chance.choice((["--vcpus", "2"], ["--vcpus", "3", "--pause", "2000"],
                                      ["--memfd"], ["--no-kvm"], ["--thp"], ["--dontfork"]))
        vm = subprocess.Popen([TOY, *options, "100@1000", "100@42+0", f"100@{self.chance.randrange(10**6)}"],
                              stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, text=True)
        vm.plugged = 0
        with self.lock:
            self.living.append(vm)

    def end(self):
        with self.lock:
            vm = self.living.pop(self.chance.randrange(len(self.living)))
        if self.chance.random() < 0.5:
            vm.kill()
        self.reap(vm)

    @staticmethod
    def reap(vm):
        with contextlib.suppress(BrokenPipeError):
            vm.stdin.close()
        vm.wait()

    def end_all(self):
        while self.living:
            self.end()

    def come_and_go(self):
        if len(self.living) >= self.MOST or (self.living and self.chance.random() < 0.4):
            self.end()
        else:
            self.start()

    def command(self, vm):
        if vm.plugged < self.PLUGGED and self.chance.random() < 0.1:
            vm.plugged += 1
            return "plug"
        first = self.chance.randrange(self.PAGES)
        count = self.chance.randrange(1, self.PAGES - first + 1)
        return self.chance.choice((
            f"poke {first} {count}", f"write {first} {count} 1000", f"write {first} {count} 0 0",
            f"dontneed {first} {count}", f"pageout {first} {count}", f"read {first} {count}",
            f"unmergeable {first} {count}", f"mergeable {first} {count}", f"split {first} {count}",
            "fork", "killchild"))

    def obey(self):
        with self.lock:
            vm = self.chance.choice(self.living) if self.living else None
        if not vm:
            raise Refused
        with contextlib.suppress(BrokenPipeError, ValueError):
            print(self.command(vm), file=vm.stdin, flush=True)

    def migrate(self):
        """A process's pages to another node."""
        with self.lock:
            vm = self.chance.choice(self.living) if self.living else None
        if not vm:
            raise Refused
        source = self.chance.randrange(2)
        masks = [ctypes.c_ulong(1 << node) for node in (source, 1 - source)]
        if libc.syscall(SYS_MIGRATE_PAGES, vm.pid, 8, *map(ctypes.byref, masks)) < 0:
            raise Refused


class Disturbers:
    """What is done; each method does it once, at the most."""

    def __init__(self, chance):
        self.chance, self.herd = chance, Herd(chance)

    def walks_and_dumps(self):
        run(facts.NLCLIENT, "storm", "--seconds", "2", "--threads", "3",
            "--seed", str(self.chance.randrange(1 << 31)))

    def hooks(self):
        try:
            with Session(self.chance.choice(("sched", "sched,kvm"))) as session:
                session.look()
                if self.chance.random() < 0.5:
                    session.kill()
        except (Failure, BrokenPipeError) as error:    # the module is gone
            raise Refused from error

    def module(self):
        run("rmmod", "vmshare")
        time.sleep(self.chance.random() / 4)
        subprocess.run(["insmod", host.MODULE], check=True)

    def ksm_runs(self):
        tell(host.KSM + "pages_to_scan", self.chance.choice((20, 500, 20000)))
        tell(host.KSM + "run", self.chance.choice((0, 1, 1, 1, 2)))

    def ksm_trees(self):
        """Only an empty tree can be another one."""
        tell(host.KSM + "run", 2)
        tell(host.KSM + "max_page_sharing", self.chance.choice((2, 8, 256)))
        if host.numa_nodes() > 1:
            tell(host.KSM + "merge_across_nodes", self.chance.randrange(2))
        tell(host.KSM + "run", 1)

    def vms(self):
        self.herd.come_and_go()

    def pages(self):
        self.herd.obey()

    def compaction(self):
        tell("/proc/sys/vm/compact_memory", 1)

    def migration(self):
        self.herd.migrate()

    def offline_memory(self):
        """It may take long, and is given up then. What went must come back."""
        block = self.chance.choice(host.movable_blocks())
        try:
            run("timeout", "-s", "INT", str(5 * DEADLINE_FACTOR), "sh", "-c", f"echo offline > {block}/state")
        finally:
            if host.read(f"{block}/state") == "offline":
                wait_for(lambda: is_done(f"{block}/state", "online_movable"), "memory to come back")

    def swap(self):
        run("swapoff", host.swap_disk())
        subprocess.run(["swapon", host.swap_disk()], check=True)

    def cpu(self):
        online = "/sys/devices/system/cpu/cpu1/online"
        tell(online, 0)
        time.sleep(self.chance.random())
        wait_for(lambda: is_done(online, 1), "the CPU to come back")  # not while tasks are frozen

    def frozen_tasks(self):
        """As for a suspend to memory, and thawed after a second; ksmd is frozen, too."""
        host.write("/sys/module/suspend/parameters/pm_test_delay", 1)
        host.write(f"{POWER}/pm_test", "freezer")
        tell(f"{POWER}/state", "freeze")


# Name: seconds between one time and the next, at most; what the machine must have.
OFTEN = {
    "walks_and_dumps": (0.1, None), "hooks": (0.5, None), "module": (6, None),
    "ksm_runs": (1, None), "ksm_trees": (8, None), "vms": (0.5, None), "pages": (0.05, None),
    "compaction": (2, lambda: os.path.exists("/proc/sys/vm/compact_memory")),
    "migration": (0.5, lambda: host.numa_nodes() > 1), "offline_memory": (3, host.movable_blocks),
    "swap": (10, host.swap_disk),
    "cpu": (8, lambda: os.path.exists("/sys/devices/system/cpu/cpu1/online")),
    "frozen_tasks": (15, lambda: os.path.exists("/sys/module/suspend/parameters/pm_test_delay")),
}


def asleep():
    """Where user space sleeps in the kernel, for the text of a failure."""
    places = []
    for process in glob.glob("/proc/[0-9]*/task/[0-9]*"):
        with contextlib.suppress(OSError):
            if host.read(f"{process}/cmdline"):
                places.append(f"{host.read(f'{process}/comm')} {host.read(f'{process}/wchan')}")
    return ", ".join(f"{count} {place}" for place, count in collections.Counter(places).items())


class Race:
    def __init__(self, seconds, seed):
        self.disturbers = Disturbers(random.Random(seed))
        self.chance = random.Random(seed + 1)
        self.deadline = time.monotonic() + seconds
        self.done, self.refused, self.failures = collections.Counter(), collections.Counter(), []

    def repeat(self, name, pause):
        while time.monotonic() < self.deadline and not self.failures:
            try:
                getattr(self.disturbers, name)()
                self.done[name] += 1
            except Refused:
                self.refused[name] += 1
            except Exception as error:  # any other ends the race
                self.failures.append(f"{name}: {error!r}")
            time.sleep(self.chance.random() * pause)

    def run(self):
        """Return: names of what was done."""
        able = [name for name, (_, needs) in OFTEN.items() if not needs or needs()]
        threads = [threading.Thread(target=self.repeat, name=name, args=(name, OFTEN[name][0]), daemon=True)
                   for name in able]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(max(0, self.deadline + LAST_SECONDS * DEADLINE_FACTOR - time.monotonic()))
        busy = [thread.name for thread in threads if thread.is_alive()]
        true(not busy, f"never done: {busy}; {asleep()}")
        self.disturbers.herd.end_all()
        true(not self.failures, "; ".join(self.failures))
        print(f"# raced: {dict(self.done)}", flush=True)
        return able


@case()
def everything_at_once():
    seconds = int(os.environ.get("VMSHARE_RACE_SECONDS", 30))
    seed = int(os.environ.get("VMSHARE_RACE_SEED", random.randrange(1 << 31)))
    race = Race(seconds, seed)
    able = race.run()
    host.ksm_defaults()
    host.load()
    with Toys() as toys:
        equal(facts.ask("vm"), [], "VMs when all have ended")
        merged_three(toys)
        check(toys)
    idle = [name for name in able if not race.done[name] + race.refused[name]]
    equal(idle, [], f"never even tried in {seconds} s")
    return (f"{seconds} s, seed {seed}: "
            + ", ".join(f"{race.done[name]} {name}" for name in able)
            + f"; refused: {dict(race.refused)}; not on this machine: {sorted(set(OFTEN) - set(able))}")
