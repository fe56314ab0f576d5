# SPDX-License-Identifier: GPL-2.0
"""vmshare manage on real cgroups: what it sets, what it leaves alone, and that
everything is put back, byte for byte, whatever happens to it."""

import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import tempfile

import facts
import host
from case import case, equal, true, wait_for
from toy import Toys
from test_lifecycle import unload_when_free

ROOT = "/sys/fs/cgroup"
FILES = ("cpu.max", "cpu.max.burst", "cpu.weight", "cpuset.cpus")
CONFIG = """[Manage]
Policy=published
Alpha=10%
Beta=0
CheckInterval=200ms
"""
# All that it does to files, and how it is told that one is on disk.
CALLS = "openat,write,fsync,rename,unlink,close"


def no_cgroups():
    if "cpu" not in host.read(f"{ROOT}/cgroup.controllers").split():
        return "the machine's v2 hierarchy has no CPU controller"
    return None


def no_strace():
    return no_cgroups() or (None if shutil.which("strace") else "strace is missing")


def limits(cgroup):
    """What its files hold, byte for byte."""
    found = {}
    for name in FILES:
        if os.path.exists(f"{cgroup}/{name}"):
            with open(f"{cgroup}/{name}", "rb") as file:
                found[name] = file.read()
    return found


def affinities(pid):
    """The CPUs of each of its threads."""
    return {tid: os.sched_getaffinity(int(tid)) for tid in os.listdir(f"/proc/{pid}/task")}


class Managing:
    """A directory for a manager, what it is told there, and what it says."""

    def __enter__(self):
        self.stack = contextlib.ExitStack()
        self.dir = self.stack.enter_context(tempfile.TemporaryDirectory(prefix="manage-"))
        host.write(f"{self.dir}/conf", CONFIG)
        return self

    def __exit__(self, *unused):
        self.stack.close()

    def options(self):
        return ["--dir", f"{self.dir}/run", "--config", f"{self.dir}/conf"]

    def start(self, *more, under=(), apply=True):
        log = open(f"{self.dir}/log", "w")
        return subprocess.Popen([*under, facts.VMSHARE, "manage", *(["--apply"] if apply else []),
                                 *self.options(), *more], stdout=log, stderr=log)

    def log(self):
        return host.read(f"{self.dir}/log")

    def status(self):
        return json.loads(facts.cli("manage", "--status", "--json", "--dir", f"{self.dir}/run"))

    def await_answer(self, process):
        """From then on a signal does not end it, but has it end."""
        def answers():
            true(process.poll() is None, f"the manager ended: {self.log()}")
            said = subprocess.run([facts.VMSHARE, "manage", "--status", "--json", "--dir", f"{self.dir}/run"],
                                  capture_output=True, text=True)
            return said.returncode == 0 and json.loads(said.stdout)["pid"] == process.pid
        wait_for(answers, "the manager to answer")

    def await_checks(self, more=5):
        wanted = self.status()["checks"] + more
        wait_for(lambda: self.status()["checks"] >= wanted, "some more checks")

    def restore(self):
        facts.cli("manage", "--restore", "--dir", f"{self.dir}/run")


class VMs(Managing):
    """Spinning VMs, each in a cgroup of its own."""

    def __init__(self, count):
        self.count = count

    def __enter__(self):
        super().__enter__()
        toys = self.stack.enter_context(Toys())
        host.write(f"{ROOT}/cgroup.subtree_control", "+cpu +cpuset")
        self.cgroups, self.toys = [], []
        for i in range(self.count):
            cgroup = f"{ROOT}/vm{i}"
            os.mkdir(cgroup)
            self.stack.callback(self.remove, cgroup)
            self.cgroups.append(cgroup)
            self.toys.append(self.start_in(cgroup, toys, f"vm{i}"))
        self.stack.callback(self.end_toys)
        self.found = [limits(cgroup) for cgroup in self.cgroups]
        return self

    @staticmethod
    def start_in(cgroup, toys, name):
        """As a unit's process is started: what KVM starts for it is in there, too."""
        host.write(f"{cgroup}/cgroup.procs", os.getpid())
        try:
            return toys.start("16@1000", options=["--spin", "--name", name])
        finally:
            host.write(f"{ROOT}/cgroup.procs", os.getpid())

    def end_toys(self):
        for toy in self.toys:
            toy.end()

    @staticmethod
    def remove(cgroup):
        def gone():
            with contextlib.suppress(OSError):
                os.rmdir(cgroup)
            return not os.path.exists(cgroup)
        wait_for(gone, f"{cgroup} to be empty")

    def limited(self):
        return [limits(c) != found for c, found in zip(self.cgroups, self.found)]

    def await_limits(self, process, which=0):
        wait_for(lambda: self.limited()[which] or process.poll() is not None,
                 f"a limit of vm{which}")
        true(process.poll() is None, f"the manager ended: {self.log()}")

    def have(self, cpus):
        """Has each thread of each VM just these?"""
        return all(set(map(frozenset, affinities(toy.pid).values())) == {frozenset(wanted)}
                   for toy, wanted in zip(self.toys, cpus))

    def all_as_found(self, what, but=()):
        for i, (cgroup, found) in enumerate(zip(self.cgroups, self.found)):
            if i not in but:
                equal(limits(cgroup), found, f"limits of vm{i} {what}")


def stop(process, number=signal.SIGTERM):
    process.send_signal(number)
    return process.wait(60)


@case(no_cgroups)
def the_manager_changes_nothing_unless_told_to():
    with VMs(2) as vms:
        text = facts.cli("manage", "--once", "--json", "--config", f"{vms.dir}/conf")
        status = json.loads(text)
        equal([vm["name"] for vm in status["vms"]], ["vm0", "vm1"], "VMs")
        equal({vm["actuator"] for vm in status["vms"]}, {"cgroup2"}, "ways to limit them")
        true(all(vm["usage_millicpus"] > 200 for vm in status["vms"]), f"they are busy: {text}")
        vms.all_as_found("after --once")


@case(no_cgroups)
def the_manager_limits_and_puts_back_on_sigterm():
    with VMs(2) as vms:
        host.write(f"{vms.cgroups[1]}/cpu.weight", 250)
        vms.found[1] = limits(vms.cgroups[1])
        manager = vms.start()
        vms.await_limits(manager)
        status = vms.status()
        equal(status["pid"], manager.pid, "who answers")
        named = {vm["name"]: vm for vm in status["vms"]}
        equal(named["vm0"]["limits"]["found"]["cpu.max"], "max 100000", "what was found")
        true("vm0" in facts.cli("manage", "--status", "--dir", f"{vms.dir}/run"), "the table")
        facts.cli("manage", "--restore", "--dir", f"{vms.dir}/run", code=1)
        facts.cli("manage", "--apply", *vms.options(), code=1)
        equal(stop(manager), 0, f"exit status; {vms.log()}")
        vms.all_as_found("after SIGTERM")
        true(not os.path.exists(f"{vms.dir}/run/manage.journal"), "no journal stays")


@case(no_strace)
def the_manager_killed_at_any_of_its_calls():
    """strace kills it before the n-th of its calls on files; n at random."""
    numbers = random.Random(5)
    with VMs(2) as vms:
        limited = killed = 0
        for _ in range(12):
            n = numbers.randrange(1, 250)
            manager = vms.start(under=["strace", "-f", "-qq", "-o", "/dev/null",
                                       "-e", f"trace={CALLS}",
                                       "-e", f"inject={CALLS}:signal=KILL:when={n}"])
            wait_for(lambda m=manager: m.poll() is not None or all(vms.limited()),
                     "it to be killed, or to be done")
            kill_traced(manager)
            killed += 1
            limited += any(vms.limited())
            wait_for(lambda: restored(vms), "the lock to be free")
            vms.all_as_found(f"after it was killed at call {n}")
        true(limited, f"limits were in place in {limited} of {killed}")
        return f"limits were in place after {limited} of {killed} kills"


def kill_traced(strace):
    """What it runs; strace ends with it."""
    with contextlib.suppress(OSError):
        for child in host.read(f"/proc/{strace.pid}/task/{strace.pid}/children").split():
            os.kill(int(child), signal.SIGKILL)
    strace.wait()


def restored(vms):
    done = subprocess.run([facts.VMSHARE, "manage", "--restore", "--dir", f"{vms.dir}/run"],
                          capture_output=True, text=True)
    return done.returncode == 0


@case(no_cgroups)
def the_manager_started_after_one_that_was_killed():
    with VMs(1) as vms:
        manager = vms.start()
        vms.await_limits(manager)
        stop(manager, signal.SIGKILL)
        true(vms.limited()[0], "nothing could put it back")
        manager = vms.start(apply=False)
        wait_for(lambda: "--restore puts them back" in vms.log(), "one that only observes to say so")
        vms.await_checks()
        equal(stop(manager), 0, f"exit status; {vms.log()}")
        true(vms.limited()[0], "it changes nothing, not even back")
        manager = vms.start()
        wait_for(lambda: "left limits behind" in vms.log(), "the next one to say so")
        vms.await_answer(manager)
        vms.await_limits(manager)
        equal(stop(manager), 0, "exit status")
        vms.all_as_found("after the second manager")


@case(no_strace)
def the_manager_told_to_end_while_it_puts_back_what_another_left():
    """strace sends it SIGTERM at the n-th of its first writes: to its lock, the log, cgroups."""
    with VMs(2) as vms:
        for n in range(1, 7):
            manager = vms.start()
            vms.await_limits(manager)
            vms.await_limits(manager, 1)
            stop(manager, signal.SIGKILL)
            manager = vms.start(under=["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=write",
                                       "-e", f"inject=write:signal=TERM:when={n}"])
            equal(manager.wait(60), 0, f"exit status, told at write {n}; {vms.log()}")
            vms.all_as_found(f"after SIGTERM at write {n}")


@case()
def a_trace_is_no_pipe():
    """Whoever reads it could keep the manager waiting, with limits in place."""
    with Managing() as managing:
        pipe = f"{managing.dir}/pipe"
        os.mkfifo(pipe)
        for flags in (None, os.O_RDONLY | os.O_NONBLOCK):
            reader = os.open(pipe, flags) if flags is not None else None
            said = facts.cli("manage", "--record", pipe, *managing.options(), code=1)
            true("record into one" in said, said)
            if reader is not None:
                os.close(reader)


PINNING = """[Manage]
Pin=yes
CheckInterval=200ms
[VM vm0]
Class=batch
Guarantee=100%
"""


@case(lambda: no_cgroups() or (None if os.cpu_count() == 2 else "this is for two CPUs"))
def a_guaranteed_cpu_is_its_own_until_the_manager_ends():
    with VMs(3) as vms:
        host.write(f"{vms.dir}/conf", PINNING)
        host.write(f"{vms.cgroups[2]}/cpuset.cpus", "0-1")
        vms.found[2] = limits(vms.cgroups[2])
        for end in (signal.SIGTERM, signal.SIGKILL):
            manager = vms.start()
            wait_for(lambda: manager.poll() is not None or vms.have([{1}, {0}, {0, 1}]),
                     lambda: f"CPUs of its own for vm0, none for who has chosen some; {vms.log()}")
            # one more of vm0 would be more than it is guaranteed CPUs for
            before = len(affinities(vms.toys[1].pid))
            vms.toys[1].tell("plug")
            wait_for(lambda n=before: len(affinities(vms.toys[1].pid)) > n, "another vCPU")
            true(vms.have([{1}, {0}, {0, 1}]), f"the new thread is where the others are; {vms.log()}")
            wait_for(lambda: "somebody has chosen them" in vms.log(), lambda: f"that to be said; {vms.log()}")
            true("vm2" in vms.log(), vms.log())
            stop(manager, end)
            if end == signal.SIGKILL:
                true(vms.have([{1}, {0}, {0, 1}]), "nothing could put it back")
                vms.restore()
            vms.all_as_found(f"after {end}")
            true(vms.have([{0, 1}] * 3), f"all threads are where they were; {vms.log()}")


@case(lambda: no_strace() or (None if os.cpu_count() == 2 else "this is for two CPUs"))
def the_manager_killed_while_it_gives_cpus_to_threads():
    """strace kills it at the n-th thread that it moves: to its CPUs, or back."""
    with VMs(2) as vms:
        host.write(f"{vms.dir}/conf", PINNING)
        moved = 0
        for n in (1, 2, 4, 6):
            manager = vms.start(under=["strace", "-f", "-qq", "-o", "/dev/null",
                                       "-e", "trace=sched_setaffinity",
                                       "-e", f"inject=sched_setaffinity:signal=KILL:when={n}"])
            wait_for(lambda m=manager: m.poll() is not None or vms.have([{1}, {0}]),
                     "it to be killed, or to be done")
            kill_traced(manager)
            moved += not vms.have([{0, 1}] * 2)
            wait_for(lambda: restored(vms), "the lock to be free")
            true(vms.have([{0, 1}] * 2), f"all threads are where they were, killed at move {n}")
            vms.all_as_found(f"after it was killed at move {n}")
        true(moved, "threads were elsewhere at some of them")
        return f"threads were elsewhere after {moved} of 4 kills"


@case(no_cgroups)
def limits_of_others_are_left_alone():
    with VMs(3) as vms:
        host.write(f"{vms.cgroups[1]}/cpu.max", "70000 100000")
        vms.found[1] = limits(vms.cgroups[1])
        manager = vms.start()
        vms.await_limits(manager)
        vms.await_limits(manager, 2)
        host.write(f"{vms.cgroups[0]}/cpu.max", "33000 100000")
        wait_for(lambda: "let go" in vms.log(), "it to notice a quota of somebody else")
        os.mkdir(f"{ROOT}/other")
        for pid in host.read(f"{vms.cgroups[2]}/cgroup.procs").split():
            host.write(f"{ROOT}/other/cgroup.procs", pid)
        vms.remove(vms.cgroups[2])
        wait_for(lambda: "vm2" in vms.log(), "it to miss a cgroup")
        equal(stop(manager), 0, f"exit status; {vms.log()}")
        equal(limits(f"{ROOT}/other")["cpu.max"], b"max 100000\n", "the cgroup it was moved to")
        equal(limits(vms.cgroups[0])["cpu.max"], b"33000 100000\n", "the other's quota")
        vms.all_as_found("of others and of ours", but=(0, 2))
        vms.toys[2].end()
        vms.remove(f"{ROOT}/other")


@case(no_cgroups)
def limits_go_with_the_vm_and_with_the_module():
    with VMs(2) as vms:
        manager = vms.start()
        vms.await_limits(manager)
        vms.await_limits(manager, 1)
        vms.toys[0].end()
        wait_for(lambda: limits(vms.cgroups[0]) == vms.found[0], "the cgroup of a dead VM")
        unload_when_free()
        equal(manager.wait(60), 4, f"exit status without the module; {vms.log()}")
        vms.all_as_found("after the module went")
        host.load()
