# SPDX-License-Identifier: GPL-2.0
"""Windows of the program: what it says of a span in which the VMs ran, and stood
still before and after, so that /proc can be compared with it exactly."""

import json
import os
import subprocess

import facts
import host
import tracked
from case import Failure, case, equal, true, wait_for
from toy import Toys

LOADS = {"spin": ["--spin"], "pair": ["--vcpus", "2"], "idle": []}
SECONDS = 20			# of a window, in which a start and a stop have to fit
RUN_NS = 1_000_000_000		# all VMs together, in between
KERNEL = 2			# VMSHARE_THREAD_KERNEL
CLOCK_NANOSLEEP = "230"		# the system call's number on x86-64


def is_waiting(process):
    """Is the window on: has its first look been taken, and not yet its second?"""
    if process.poll() is not None:
        raise Failure(f"the program ended with {process.returncode} too early")
    return host.read(f"/proc/{process.pid}/syscall").split()[0] == CLOCK_NANOSLEEP


def is_off_its_cpu(pid, tid):
    """A thread in state T may still have to be switched away from; then it has no
    place that it sleeps in."""
    return host.read(f"/proc/{pid}/task/{tid}/wchan") != "0"


def stop(pids):
    tracked.stop(pids)
    for pid in pids:
        for tid in tracked.tids(pid):
            wait_for(lambda pid=pid, tid=tid: is_off_its_cpu(pid, tid),
                     f"{tid} to be switched away from")


def run_inside(toys, *words):
    """The program's document over a window, and what /proc counted in it: for the
    VMs' own threads, and for all. Kernel threads may be among a process's tasks; they
    are apart in the program's numbers, but wait like others."""
    pids = [toy.pid for toy in toys.vms()]
    stop(pids)
    before = tracked.proc_tasks(pids)
    process = subprocess.Popen([facts.VMSHARE, *words, "--window", str(SECONDS)],
                               stdout=subprocess.PIPE, text=True)
    wait_for(lambda: is_waiting(process), "the window to begin")
    tracked.cont(pids)
    wait_for(lambda: total(tracked.proc_tasks(pids), "run_ns")
             > total(before, "run_ns") + RUN_NS, "the VMs to run", SECONDS)
    stop(pids)
    true(is_waiting(process), "the VMs stood still before the window's end")
    output = process.communicate()[0]
    equal(process.returncode, 0, "exit code")
    after = tracked.proc_tasks(pids)
    kernel = {tid for tid, thread in tracked.look().threads.items()
              if thread["thread_kind"] == KERNEL}
    tracked.cont(pids)
    grown = tracked.grown(before, after)
    everybody = {pid: {tid: grown[tid] for tid in tracked.tids(pid)} for pid in pids}
    own = {pid: {tid: task for tid, task in tasks.items() if tid not in kernel}
           for pid, tasks in everybody.items()}
    return json.loads(output), own, everybody


def start_loads(toys):
    for name, options in LOADS.items():
        toys.start("10@1", options=["--name", name, *options])


def near(seen, wanted, what):
    true(abs(seen - wanted) <= 0.01 * wanted,
         f"{what}: saw {seen}, should be {wanted} within 1 %")


def total(tasks, name):
    return sum(task[name] for task in tasks.values())


@case()
def a_window_of_a_snapshot_is_what_proc_counts():
    with Toys() as toys:
        start_loads(toys)
        document, grown, everybody = run_inside(toys, "snapshot")
        rows = document["preemptions"]
        for vm in document["vms"]:
            tasks, window = grown[vm["pid"]], vm["window"]
            for name in tracked.SINCE_BIRTH:
                near(window[name], total(tasks, name), f"{name} of {vm['name']}")
            near(sum(row["wait_ns"] for row in rows if row["victim"] == vm["pid"]),
                 total(everybody[vm["pid"]], "ready_ns"), f"preemptions of {vm['name']}")
            equal(sum(window["ready_histogram"]), window["waits"],
                  f"waits in the histogram of {vm['name']}")
            for thread in vm["threads"]:
                if thread["tid"] in tasks:
                    near(thread["window"]["run_ns"], tasks[thread["tid"]]["run_ns"],
                         f"run_ns of {thread['comm']}")
        ready = sum(total(tasks, "ready_ns") for tasks in grown.values())
        return f"{ready / 1e9:.2f} s of waiting by {len(rows)} pairs"


@case()
def overhead_adds_up_to_the_processes_cpu_time():
    with Toys() as toys:
        start_loads(toys)
        document, grown, _ = run_inside(toys, "overhead", "--json")
        equal(document["guest_time"], "hooks", "how guest time was found")
        said = []
        for vm in document["vms"]:
            parts = vm["guest_ns"] + vm["exits_ns"] + vm["vmm_ns"]
            near(parts, total(grown[vm["pid"]], "run_ns"), f"parts of {vm['name']}")
            near(vm["ready_ns"], total(grown[vm["pid"]], "ready_ns"),
                 f"waiting of {vm['name']}")
            said.append(f"{vm['name']}: {100 * vm['guest_ns'] / max(parts, 1):.0f} % guest")
        return "; ".join(said)


@case()
def the_hooks_go_with_the_window():
    with Toys() as toys:
        start_loads(toys)
        for words in (["list", "--window", "0.2"], ["matrix", "--window", "0.2"],
                      ["top", "-b", "-n", "2", "-d", "0.2"]):
            facts.cli(*words)
            tracked.await_detached()
        equal("CPU over" in facts.cli("matrix", "--window", "0"), False,
              "a CPU part without a window")


def needs_two_cpus():
    return None if len(os.sched_getaffinity(0)) > 1 else "there is one CPU"


@case(needs=needs_two_cpus)
def the_experiment_runs():
    """Its figures mean nothing on CPUs that are emulated; it says so."""
    document = json.loads(facts.cli("overhead", "--experiment", "--json", "--cpus", "2",
                                    "--seconds", "0.5", "--repeats", "1"))
    equal([c["jobs"] for c in document["conditions"]],
          ["programs", "guests", "guests_vcpus_pinned", "guests_all_pinned"], "conditions")
    for condition in document["conditions"]:
        true(condition["work_per_s"] > 0, f"{condition['jobs']} did work")
    equal(document["virtual_host"], True, "this machine is virtual")
