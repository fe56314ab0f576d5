# SPDX-License-Identifier: GPL-2.0
"""The life of hooks: attached while somebody asks, and not a moment longer."""

import contextlib
import errno
import os
import socket
import subprocess
import time

import facts
import host
from case import case, equal, true, wait_for
from probes import Calls
from refusal import Refusal, needs_refusals
from test_cpu import LOADS, check_conserved, start_loads
from toy import Toys
from tracked import KVM, SCHED, Session, attached, await_detached, look

# A VM that leaves the CPUs to those who test.
LIGHT = {"halter": ("--vcpus", "2", "--pause", "5000")}
NETLINK_GENERIC = 16


def calls_of_switches(calls):
    """Of a probe in the time that a process needs for 1000 switches."""
    before = calls.count()
    reader, writer = os.pipe()
    with subprocess.Popen(["sh", "-c", "for i in $(seq 500); do read -r line; done"],
                          stdin=reader) as process:
        for _ in range(500):
            os.write(writer, b"line\n")
            time.sleep(0)
        process.wait()
    os.close(reader)
    os.close(writer)
    return calls.count() - before


@case()
def nothing_is_attached_while_nobody_asks():
    with Toys() as toys, Calls("on_switch") as calls:
        start_loads(toys, LIGHT)
        now = look()
        equal(now.host["hooks"], 0, "hooks")
        true("tracked_ns" not in now.host and not now.preemptions, f"{now.host}")
        true(all("waits" not in t for t in now.threads.values()), "no waits are told")
        equal(calls_of_switches(calls), 0, "calls of the probe, before")
        with Session("sched"):
            called = calls_of_switches(calls)
            true(called > 100, f"calls of the probe, while tracked: {called}")
        await_detached()
        equal(calls_of_switches(calls), 0, "calls of the probe, after")
        return f"{called} calls while tracked"


@case()
def hooks_are_those_that_anybody_wants():
    with Toys() as toys:
        start_loads(toys, LIGHT)
        with Session("sched") as first:
            equal(attached(), SCHED, "one client")
            with Session("kvm") as second:
                equal(attached() & KVM, KVM, "the other wants KVM's as well")
                equal(second.hooks("0")["errno"], 0, "it lets go")
                equal(attached(), SCHED, "then")
                equal(second.hooks("sched,kvm")["errno"], 0, "and asks again")
                equal(attached(), SCHED | KVM, "then")
            wait_for(lambda: attached() == SCHED, "KVM's hooks to go with their client", 1)
            vm_ns = first.look().host["vms_ns"]
            wait_for(lambda: first.look().host["vms_ns"] > vm_ns, "more to be counted")
        await_detached()


@case()
def counters_begin_anew_for_the_first_client():
    with Toys() as toys:
        start_loads(toys, LIGHT)
        with Session() as session:
            wait_for(lambda: session.look().host["tracked_ns"] > 10**9, "a second")
        await_detached()
        began = time.monotonic_ns()
        with Session() as session:
            now = session.look()
            elapsed = time.monotonic_ns() - began
            true(now.host["tracked_ns"] <= elapsed, f"{now.host} after {elapsed} ns")
            check_conserved(now, "the second client")


@case()
def hooks_go_with_a_client_that_is_killed():
    with Toys() as toys:
        start_loads(toys, LIGHT)
        stays, killed = Session(), Session()
        killed.kill()
        equal(attached(), SCHED | KVM, "one of two is killed")
        stays.kill()
        await_detached()
        for _ in range(20):
            Session().kill()
        await_detached()


@case()
def closing_another_socket_does_not_wait_for_a_report():
    """Who drops a client has the lock that a report holds."""
    with Calls("drop_client") as calls:
        session = Session("sched")
        for _ in range(100):
            with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_GENERIC) as other:
                other.bind((0, 0))
        equal(calls.count(), 0, "of 100 sockets, taken for a client's")
        session.end()
        wait_for(lambda: calls.count() == 1, "the client to be dropped", 1)


@case()
def hooks_are_refused_without_privilege():
    for when in ("--uid", "--uid-after"):
        refused = Session("sched", when, "65534")
        equal(refused.asked["errno"], errno.EPERM, f"hooks, {when}")
        _, end = refused.tell("cpu")
        equal(end["errno"], errno.EPERM, f"a dump, {when}")
        refused.end()
    equal(attached(), 0, "hooks")


@case()
def hooks_that_do_not_exist_are_refused():
    for hooks in ("4", "7", "0x80000000", "0xffffffff"):
        refused = Session(hooks)
        true(refused.asked["error"] in ("EINVAL", "ERANGE"), f"{hooks}: {refused.asked}")
        true(refused.asked["extack"], f"{hooks} is refused with a text: {refused.asked}")
        equal(attached(), 0, f"hooks after {hooks}")
        refused.end()


@case()
def a_refused_request_keeps_what_was_attached():
    with Session("sched") as session:
        true(session.hooks("0xffffffff")["errno"], "refused")
        equal(attached(), SCHED, "hooks")


@case()
def module_unloads_under_a_client_with_hooks():
    with Toys() as toys:
        start_loads(toys)
        for _ in range(3):
            orphan = Session()
            orphan.look()
            equal(subprocess.run(["rmmod", "vmshare"]).returncode, 0, "rmmod")
            _, end = orphan.tell("cpu")
            true(end["errno"], f"its family is gone: {end}")
            host.load()
            equal(attached(), 0, "hooks of the module loaded anew")
            orphan.end()
            with Session() as session:
                check_conserved(session.look(), "after that")


@case()
def loaded_tracked_and_unloaded_under_load():
    """At the full rate of switches; KVM's hooks come and go as well. In each round of
    twelve something else is left attached, asked, or ended."""
    with Toys() as toys:
        start_loads(toys)
        for i in range(12):
            host.load()
            session = Session("sched" if i % 2 else "sched,kvm")
            equal(session.asked["errno"], 0, "hooks")
            if i % 3:
                check_conserved(session.look(), f"round {i}")
            if i % 4 == 0:
                session.hooks("0")
            elif i % 4 == 1:
                session.end()
            elif i % 4 == 2:
                session.kill()
            host.unload()
            session.end()


@case()
def tracked_and_let_go_while_vms_come_and_go():
    with Toys() as toys:
        start_loads(toys)
        for i in range(12):
            short = toys.start("10@1", options=LOADS["spinner"])
            with Session() as session:
                if i % 2:
                    toys.end(short)
                check_conserved(session.look(), f"round {i}")
            if i % 2 == 0:
                toys.end(short)
        await_detached()


@contextlib.contextmanager
def without_kvm():
    vendor = next((m for m in ("kvm_amd", "kvm_intel")
                   if os.path.exists(f"/sys/module/{m}")), None)
    true(vendor, "KVM is a module")
    subprocess.run(["modprobe", "-r", vendor], check=True)
    try:
        yield
    finally:
        subprocess.run(["modprobe", vendor], check=True)


def await_entries(session):
    """Of a VM that enters guest mode a thousand times in a second."""
    with Toys() as toys:
        vm = toys.start("10@1", options=["--pause", "1000"])
        wait_for(lambda: any(t.get("entries", 0) > 10 for t in
                             session.look().of_vm(vm.pid).values()),
                 "entries into guest mode")


@case()
def a_kvm_that_leaves_and_comes_back_is_hooked_again():
    """The tracepoints go with kvm.ko."""
    with Session("sched,kvm") as session:
        with without_kvm():
            equal(session.look().threads, {}, "threads without KVM")
        await_entries(session)


@case(needs=needs_refusals)
def a_kvm_that_cannot_be_hooked_when_it_comes_is_told_in_the_log():
    """Nobody asks the module then who could be answered."""
    with Session("sched,kvm"):
        with Refusal("tracepoint_probe_register", "ENOMEM") as refusal:
            with without_kvm():
                pass
            equal(refusal.refused(), 1, "hooks that were refused")
        true("who measures guest time is to begin anew" in host.log(), "what the log says")
    await_detached()
    with Session("sched,kvm") as session:
        await_entries(session)
