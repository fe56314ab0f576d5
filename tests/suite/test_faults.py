# SPDX-License-Identifier: GPL-2.0
"""What the kernel refuses: memory, each allocation of each operation once; and each step of
the module's start and of attaching hooks.

What was refused says so, or does without; nothing else changes, and the next request
is answered well. What is lost on the way the search for leaks at the end finds.
"""

import contextlib
import errno
import itertools
import os
import subprocess
import sys
import time

import facts
import host
from case import Skip, case, equal, true, wait_for
from facts import ENGINES, Snapshot, ask
from faults import PROPER, Injection, Sites, check_answers, needs_faults, summary
from probes import Calls
from refusal import Refusal, is_function, kvmalloc, needs_refusals
from test_cpu import check_rows
from test_interface import listening, next_event
from test_memory import merged_three
from toy import Toys
from tracked import SCHED, Session, Window, await_detached

sites = Sites()

# More than a load has allocations: all are counted, none fails.
NONE = 1_000_000
# Two loads of the same module differ by so many allocations: slabs that were full.
DRIFT = 4
# The kernel warns, which ends the machine, if it lacks memory to arm a probe.
KERNEL_WARNS = ("arm_kprobe", "__arm_kprobe", "register_ftrace_function", "ftrace_set_filter")


def check_module():
    """It works, with both engines."""
    for engine in ENGINES:
        Snapshot(engine).check_sums()


def fail_each(injection, operation, *options):
    faults, whole = injection.fail_each(operation, *options)
    check_answers(faults, whole, operation)
    sites.note(operation, faults)
    true(faults, f"{operation}: no allocation has failed")
    return faults


@case(needs=needs_faults)
def walks_and_dumps_with_each_allocation_failing():
    """Every request walks: no snapshot is young enough without an age."""
    with Toys() as toys, Injection() as injection:
        vms = merged_three(toys, ["--vcpus", "2"])
        vms[0].fork()   # frames that the tree engine leaves to the pages engine
        vms[1].poke(0, 10)
        toys.start("20@77", options=["--memfd"])
        faults = []
        for engine in ENGINES:
            for request in ("host", "vm", "vcpu", "set"):
                faults += fail_each(injection, request, "--engine", engine)
            check_module()
        faults += fail_each(injection, "info")
        return summary(faults)


def fail_each_for_a_client_with_hooks(injection):
    """It wants one more, and has at least what it had if that is refused: of a wish that was
    granted the answer may have lacked memory."""
    faults = fail_each(injection, "track", "--held", "sched", "--hooks", "sched,kvm")
    refused = [fault for fault in faults if fault.answer["error"]]
    true(refused, "one more hook was refused")
    equal([str(fault) for fault in refused if not fault.answer["attached"] & SCHED], [],
          "refusals after which what it had is gone")
    return faults


@case(needs=needs_faults)
def threads_and_hooks_with_each_allocation_failing():
    """A client whose hooks are refused has those that it had, and nothing else stays attached."""
    with Toys() as toys, Injection() as injection:
        merged_three(toys, ["--vcpus", "2", "--pause", "5000"])
        faults = fail_each(injection, "cpu")
        for hooks in ("sched", "sched,kvm"):
            faults += fail_each(injection, "track", "--hooks", hooks)
            await_detached()
        faults += fail_each_for_a_client_with_hooks(injection)
        await_detached()
        with Session() as session:
            faults += fail_each(injection, "cpu")
            session.look()
        await_detached()
        check_module()
        return summary(faults)


# A process that had a VM still looks like one: its threads are searched for in vain.
LOOKALIKE = """
import fcntl, os, time
kvm = os.open("/dev/kvm", os.O_RDWR)
os.close(fcntl.ioctl(kvm, 0xae01, 0))  # KVM_CREATE_VM
while True:
    time.sleep(0.01)
"""
RARE = 2  # seconds from one search to the next, which is twice as far from the one after


@contextlib.contextmanager
def lookalike():
    process = subprocess.Popen([sys.executable, "-c", LOOKALIKE])
    try:
        yield
    finally:
        process.kill()
        process.wait()


def search_rarely(searches):
    """Threads that are new are found by who asks: searches in vain make the next one late."""
    apart, count, last = 0, searches.count(), time.monotonic()
    while apart < RARE:
        wait_for(lambda seen=count: searches.count() > seen, "a search")
        count, now = searches.count(), time.monotonic()
        apart, last = now - last, now


@case(needs=needs_faults)
def vms_first_seen_with_each_allocation_failing():
    """A thread that could not be followed yet has not ended: nothing is counted twice."""
    faults, nth = [], 1
    with (Toys() as toys, Injection() as injection, Calls("refresh_later") as searches,
          Session("sched") as session, lookalike()):
        toys.start("2@1", options=["--pause", "1000000"])   # is followed all the time
        while True:
            search_rarely(searches)
            vm = toys.start("2@1", options=["--vcpus", "2", "--pause", "5000"])
            fault = injection.fail_one(nth, "cpu")
            if not fault:
                break
            true(fault.answer["error"] in PROPER, f"cpu: {fault}")
            faults.append(fault)
            session.look()
            ended = session.look().ended[vm.pid]
            equal((ended["waits"], ended["ready_ns"]), (0, 0), f"of ended threads; {fault}")
            toys.end(vm)
            nth += 1
    sites.note("new VMs", faults)
    return summary(faults)


def is_in_walk(fault):
    return fault.passes("vmshare_tree_walk") or fault.passes("vmshare_pages_walk")


def check_event(fault):
    """Told now, or by the next walk, or that something was lost."""
    answer = fault.answer
    true(answer["error"] in PROPER, f"event: {fault}")
    true(answer["lost"] or answer["events"] + answer["later"] == 1,
         f"the VM that appeared is told once, or the loss: {fault}")


@case(needs=needs_faults)
def events_with_each_allocation_failing():
    faults, nth = [], 1
    ask("host")     # VMs of cases before are gone
    with Toys() as toys, Injection() as injection:
        while True:
            vm = toys.start("2@1")
            fault = injection.fail_one(nth, "event")
            toys.end(vm)
            ask("host")     # that it is gone is told before anybody listens
            if not fault or is_in_walk(fault):
                break
            check_event(fault)
            faults.append(fault)
            nth += 1
        check_module()
    sites.note("events", faults)
    told = sum(1 for fault in faults if fault.answer["lost"])
    return f"{summary(faults)}; {told} losses told"


# Loading


def allocations_of_init(injection):
    """Return: how many come before the module's start, some that are never to fail among them,
    and how many it has before those that must not."""
    injection.record(all_of_them=True)
    _, backtraces = injection.run("load", "--nth", str(NONE), "--module", host.MODULE)
    injection.record(all_of_them=False)
    host.unload()
    is_start = [any(name.startswith("do_one_initcall") for name, _ in frames) for frames in backtraces[NONE]]
    starts = [frames for frames, counts in zip(backtraces[NONE], is_start) if counts]
    true(starts, "the module's start allocates something")
    warned = [n for n, frames in enumerate(starts)
              if any(name.startswith(KERNEL_WARNS) for name, _ in frames)]
    return is_start.index(True), (warned[0] if warned else len(starts)) - DRIFT


# What takes a capability, and how it is refused without.
TAKES = {"tree-engine": ("host", "--engine", "tree"), "scheduler-hooks": ("track", "--hooks", "sched"),
         "kvm-hooks": ("track", "--hooks", "sched,kvm")}


def check_capabilities(fault):
    """What the module could not find out, as @fault says why, it does without, and says so.
    Return: the names."""
    said = ask("info")
    equal(len(said), 1, f"answers; {fault}")
    denied = {of["name"]: of["reason"] for of in said[0]["capabilities"] if not of["available"]}
    for name, reason in denied.items():
        true(reason, f"why there is no {name}")
        if name in TAKES:
            _, end = facts.nlclient(*TAKES[name])
            equal(end["error"], "EOPNOTSUPP", f"{name}; {fault}")
            true(end["extack"], f"why {name} is refused")
    Snapshot("auto").check_sums()
    return set(denied)


def load_with_fault(injection, nth):
    """Return: Fault, or None; the module is unloaded after it was asked what it can do."""
    fault = injection.fail_one(nth, "load", "--module", host.MODULE)
    if host.loaded():
        denied = check_capabilities(fault)
        if fault:
            fault.denied = denied
        host.unload()
    elif fault:
        true(fault.answer["error"] in PROPER, f"load: {fault}")
    return fault


def first_in_init(injection, before):
    """Of the module's start, by number. The kernel's loading of it comes before, and warns where
    it lacks memory for some of that: so it is looked for from within the start, downwards."""
    nth = before + 1
    while not (fault := load_with_fault(injection, nth)).passes("do_one_initcall"):
        nth += 1
    while fault.passes("do_one_initcall"):
        nth -= 1
        fault = load_with_fault(injection, nth)
    return nth + 1


@case(needs=needs_faults)
def loading_with_each_allocation_failing():
    """It does without what could not be found out. What it cannot do without is its workqueue and
    its family, for whose number the kernel takes memory now and then."""
    with Injection() as injection:
        host.unload()
        before, safe = allocations_of_init(injection)
        true(safe > DRIFT, f"only {safe} allocations that may fail")
        first = first_in_init(injection, before)
        faults = [load_with_fault(injection, first + n) for n in range(safe)]
    faults = [fault for fault in faults if fault.passes("do_one_initcall")]
    true(len(faults) > DRIFT, f"only {len(faults)} were the start's")
    equal([str(fault) for fault in faults
           if fault.answer["error"] and not any(map(fault.passes, NEEDED))], [], "refusals")
    denied = set().union(*(fault.denied for fault in faults))
    true("tree-engine" in denied, f"without memory for the kernel's type information: {denied}")
    sites.note("load", faults)
    host.load()
    check_module()
    return f"{summary(faults)}; without {', '.join(sorted(denied))} some of the times"


# Steps

# What the module's start asks the kernel for, and what it does without if that is refused.
STARTS = {
    "register_kprobe": {"tree-engine"},     # addresses of KSM's variables
    "register_kprobes": {"events"},
    "for_each_kernel_tracepoint": {"scheduler-hooks"},
    "register_tracepoint_module_notifier": {"kvm-hooks"},
}

# What it does not: function -> with which error it fails (none: a null pointer), what is said.
NEEDED = {
    "alloc_workqueue": ("", errno.ENOMEM),
    "genl_register_family": ("EEXIST", errno.EEXIST),
}


def insmod():
    return subprocess.run(["insmod", host.MODULE], capture_output=True, text=True)


@case(needs=needs_refusals)
def each_step_of_loading_refused():
    """It does without, but for what it cannot: then nothing of it stays."""
    host.unload()
    for function, wanted in STARTS.items():
        with Refusal(function, "EPERM") as refusal:
            equal(insmod().returncode, 0, f"loading without {function}")
            true(refusal.refused(), f"{function} was refused")
            equal(check_capabilities(function), wanted, f"what is missing without {function}")
            host.unload()
    for function, (error, why) in NEEDED.items():
        with Refusal(function, error) as refusal:
            true(os.strerror(why) in insmod().stderr, f"why it is not loaded without {function}")
            equal((refusal.refused(), host.loaded()), (1, False), f"after {function} was refused")
    host.load()
    equal(check_capabilities("nothing"), set(), "what is missing when nothing is refused")
    check_module()


# Calls of one function in a row: a CPU's going, the scheduler's two hooks, KVM's two.
ATTACHES = (("__cpuhp_setup_state", 1), ("tracepoint_probe_register", 4))


@case(needs=needs_refusals)
def each_step_of_attaching_refused():
    """The client is told, and nothing stays attached."""
    with Toys() as toys:
        merged_three(toys, ["--vcpus", "2"])
        for function, calls in ATTACHES:
            for after in range(calls):
                with Refusal(function, "ENOMEM", after) as refusal:
                    _, end = facts.nlclient("track", "--hooks", "sched,kvm")
                    equal((refusal.refused(), end["error"]), (1, "ENOMEM"), f"{function} after {after} calls")
                await_detached()
        with Session() as session:
            session.look()


LARGE = (("host", "--engine", "tree"), ("set", "--engine", "tree"), ("vm", "--engine", "pages"), ("vcpu",),
         ("cpu",), ("track", "--hooks", "sched,kvm"))


def refuse_each_large(begin):
    """begin() with all kvmalloc()s refused, with all but the first, and so on. Return: where
    the first of them was, each time."""
    places = []
    with Refusal(kvmalloc()) as refusal:
        for after in itertools.count():
            refusal.begin(after)
            begin()
            if not refusal.refused():
                return places
            places.append(refusal.site())


@case(needs=needs_refusals)
def large_allocations_refused():
    """Those that the kernel would satisfy in a second way: one that fails alone is not missed."""
    def request(words):
        _, end = facts.nlclient(*words)
        true(end["error"] in PROPER, f"{words}: {end}")

    def load():
        done = insmod()
        true(not done.returncode or os.strerror(errno.ENOMEM) in done.stderr, done.stderr)
        host.unload()
    with Toys() as toys:
        merged_three(toys, ["--vcpus", "2"])
        places = {" ".join(words): refuse_each_large(lambda words=words: request(words)) for words in LARGE}
        host.unload()
        places["load"] = refuse_each_large(load)
        host.load()
        check_module()
    for operation, found in places.items():
        true(found, f"{operation} has large allocations")
        sites.note_places("large ones", set(found))
    return ", ".join(f"{operation}: {len(found)}" for operation, found in places.items())


def waits_for_nobody(session, vms):
    window = Window(session, [vm.pid for vm in vms])
    window.run(20_000)
    check_rows(window)
    return window.preempted("unknown_wait_ns")


def refuse_larger_tables():
    """And not the first ones, of which each CPU that is possible has one."""
    if is_function("new_table"):
        cpus = int(host.read("/sys/devices/system/cpu/possible").rpartition("-")[2]) + 1
        return Refusal(kvmalloc(), caller="new_table", after=cpus)
    return Refusal(kvmalloc(), caller="vmshare_displace_prepare")


@case(needs=needs_refusals)
def tables_of_pairs_that_cannot_grow():
    """What has no room is nobody's, and nothing is lost; once there is memory they grow."""
    with Toys() as toys, contextlib.ExitStack() as stack:
        vms = [toys.start("4@1", options=["--pause", "500"]) for _ in range(20)]
        with refuse_larger_tables() as refusal:
            session = stack.enter_context(Session("sched"))
            many = waits_for_nobody(session, vms)
            true(refusal.refused(), "a table could not grow")
            sites.note_places("tables", {refusal.site()})
        few = waits_for_nobody(session, vms)
    true(len(few) <= 3 < len(many), f"waited for nobody knows whom: {many}, and with larger tables: {few}")
    return f"{len(many)} VMs waited for nobody knows whom, then {len(few)}"


LOOKS = 3   # one soon after a VM's birth, one a second later, and one a second after that


def told_after_looks_without_memory(toys, listener, after):
    """All memory is refused to looks for a VM, but for so many allocations at first, until one
    more could tell. Return: where it was refused first."""
    with Refusal(kvmalloc(), after=after) as refusal:
        vm = toys.start("2@1")
        wait_for(lambda: refusal.refused() >= LOOKS, f"{LOOKS} looks without memory")
        site = refusal.site()
    equal(next_event(listener, [vm.pid]), ("vm_appeared", vm.pid), f"what is told after {site} had no memory")
    return site


@case(needs=needs_refusals)
def a_vm_is_told_though_the_looks_for_it_lacked_memory():
    """At each place where a look allocates."""
    ask("host")
    with Toys() as toys, listening(600) as listener:
        sites = []
        while not any(site.startswith("vmshare_watch_note") for site in sites):   # the last of them
            true(len(sites) < 20, f"where looks lacked memory: {sites}")
            sites.append(told_after_looks_without_memory(toys, listener, len(sites)))
        return ", ".join(sites)


ALL_OPERATIONS = {"info", "host", "vm", "vcpu", "set", "cpu", "track", "new VMs", "events", "load",
                  "large ones", "tables"}


@case(needs=needs_faults)
def every_call_that_allocates_has_failed():
    """Of the module's code, by all cases before."""
    if not sites.faults:
        raise Skip("no case before has let anything fail")
    calls = sites.calls()
    missed = {at: name for at, name in calls.items() if at not in sites.failed}
    if sites.noted >= ALL_OPERATIONS:
        equal(missed, {}, "calls that have not failed")
    return (f"{sites.faults} faults; {len(set(calls) & sites.failed)} of {len(calls)} calls; "
            f"not reached: " + ", ".join(f"{at} ({name})" for at, name in sorted(missed.items())))
