# SPDX-License-Identifier: GPL-2.0
"""The program and the netlink family: two clients, one truth."""

import contextlib
import json
import os
import re
import subprocess
import sys

import checkers
import facts
import host
from case import case, equal, true, wait_for
from facts import Snapshot, ask, cli
from test_memory import merged_three
from toy import Toys


def cli_snapshot(*words):
    return json.loads(cli("snapshot", *words))


@case()
def both_clients_say_the_same():
    with Toys() as toys:
        merged_three(toys, ["--vcpus", "2"])
        for engine in facts.ENGINES:
            mine = cli_snapshot("--engine", engine)
            theirs = Snapshot(engine)
            equal(mine["host"]["engine"], engine, "engine")
            sets = {(tuple(s["vms"]), s["outside"]): s["frames_bytes"] // 4096
                    for s in mine["sets"]}
            equal(sets, theirs.sets, "sets")
            for vm in mine["vms"]:
                for key in ("anon", "unique", "self_shared", "self_frames",
                            "inter_shared", "shmem", "swap", "page_tables",
                            "freed"):
                    equal(vm[f"{key}_bytes"],
                          theirs.vms[vm["pid"]][f"{key}_bytes"], key)


@case()
def vcpus_and_their_threads():
    with Toys() as toys:
        counts = (1, 2, 5)
        vms = [toys.start("10@1", options=["--vcpus", str(n)]) for n in counts]
        snap = Snapshot("tree")
        for vm, count in zip(vms, counts):
            mine = [v for v in snap.vcpus if v["pid"] == vm.pid]
            equal(snap.vms[vm.pid]["vcpus"], count, "number of vCPUs")
            equal([v["vcpu_id"] for v in mine], list(range(count)), "their ids")
            for vcpu in mine:
                task = f"/proc/{vm.pid}/task/{vcpu['tid']}"
                equal(host.read(f"{task}/comm"), f"CPU {vcpu['vcpu_id']}/KVM",
                      "the thread's name")
                true(vcpu["exits"] > 0 and vcpu["run_ns"] > 0, "it has run")
        only = ask("vcpu", str(vms[2].pid))
        equal(len(only), 5, "vCPUs of one VM")
        equal([vm["pid"] for vm in ask("--dump", "vm", str(vms[2].pid))], [vms[2].pid],
              "a dump of one VM")
        vms[2].tell("plug")
        equal(len(ask("vcpu", str(vms[2].pid))), 6, "vCPUs with one that was plugged")


@case()
def a_vm_with_a_thousand_open_files_and_64_vcpus():
    """More of both than the module looks at without letting go of the file table."""
    with Toys() as toys, contextlib.ExitStack() as files:
        keep = [files.enter_context(open("/dev/null")).fileno() for _ in range(900)]
        options = ["--vcpus", "64", "--pause", "1000000"]
        vms = [toys.start("10@1", options=[*options, "--memfd"], keep=keep),
               toys.start("10@1", options=options, keep=keep)]
        snap = Snapshot("tree")
        for vm in vms:
            true(len(os.listdir(f"/proc/{vm.pid}/fd")) > 960, "its files are open")
            equal([v["vcpu_id"] for v in snap.vcpus if v["pid"] == vm.pid], list(range(64)),
                  "each vCPU, once")
        shared = snap.vms[vms[0].pid]
        equal(shared["private_shmem_bytes"], shared["shmem_bytes"], "memory of the memfd is its own")


def first_thread_ended(pid):
    return " Z " in host.read(f"/proc/{pid}/task/{pid}/stat")


@case()
def a_vm_goes_on_when_its_first_thread_has_ended():
    """The open files are those of the threads that go on."""
    with Toys() as toys:
        vm = toys.start("10@1", options=["--vcpus", "2"])
        vm.tell("leave")
        wait_for(lambda: first_thread_ended(vm.pid), "the first thread to end")
        for engine in facts.ENGINES:
            equal(Snapshot(engine).vms[vm.pid]["vcpus"], 2, "its vCPUs")


@case()
def run_and_ready_time_are_the_schedulers():
    """A stopped VM's numbers stand still, so they can be compared exactly."""
    with Toys() as toys:
        vm = toys.start("10@1", options=["--vcpus", "2", "--spin"])
        wait_for(lambda: Snapshot("tree").vcpus[0]["run_ns"] > 10**8, "it to run")
        os.kill(vm.pid, 19)
        wait_for(lambda: all(" T " in host.read(f"/proc/{vm.pid}/task/{t}/stat")
                             for t in os.listdir(f"/proc/{vm.pid}/task")),
                 "it to stop")
        for vcpu in Snapshot("tree").vcpus:
            task = f"/proc/{vm.pid}/task/{vcpu['tid']}"
            run, ready, _ = map(int, host.read(f"{task}/schedstat").split())
            status = dict(line.split(":\t") for line in
                          host.read(f"{task}/status").splitlines() if ":\t" in line)
            equal((vcpu["run_ns"], vcpu["ready_ns"]), (run, ready),
                  "run and ready time")
            equal((vcpu["voluntary_switches"], vcpu["involuntary_switches"]),
                  (int(status["voluntary_ctxt_switches"]),
                   int(status["nonvoluntary_ctxt_switches"])), "switches")


@case()
def snapshots_are_shared_and_named():
    with Toys() as toys:
        toys.start("10@1")
        first = ask("host")[0]["generation"]
        second = ask("host")[0]["generation"]
        true(second > first, "a new walk for each request")
        equal(ask("host", "--max-age", "60000")[0]["generation"], second,
              "the last is fresh enough")
        equal(ask("vm", "--generation", str(first))[0]["generation"], first,
              "an older one can be named")
        for _ in range(12):
            ask("host")
        _, end = facts.nlclient("vm", "--generation", str(first))
        equal(end["error"], "ESTALE", "after many others it cannot")
        true("take a new one" in end["extack"], end["extack"])


@contextlib.contextmanager
def listening(seconds=60):
    with subprocess.Popen([facts.NLCLIENT, "events", "--count", "100000", "--timeout", str(seconds)],
                          stdout=subprocess.PIPE, text=True) as listener:
        try:
            true("listening" in listener.stdout.readline(), "it listens")
            yield listener
        finally:
            listener.kill()


def next_event(listener, pids):
    """The next that is about one of these: others may have come and gone."""
    while True:
        event = json.loads(listener.stdout.readline())
        true("errno" not in event, f"an event of {pids} in time: {event}")
        if event.get("pid") in pids:
            return event["cmd"], event["pid"]


@case()
def vms_come_and_go_with_events():
    with listening() as listener, Toys() as toys:
        vms = [toys.start("10@1") for _ in range(2)]
        pids = sorted(vm.pid for vm in vms)
        came = sorted(next_event(listener, pids) for _ in vms)
        for vm in vms:
            toys.end(vm)
        went = sorted(next_event(listener, pids) for _ in vms)
    equal([pid for _, pid in came], pids, "who appeared")
    equal([pid for _, pid in went], pids, "who went")
    equal({event for event, _ in came}, {"vm_appeared"}, "as what")
    equal({event for event, _ in went}, {"vm_gone"}, "as what")


# VMs that come and go, and nothing else.
CHURN = """
import fcntl, os
while True:
    kvm = os.open("/dev/kvm", os.O_RDWR)
    os.close(fcntl.ioctl(kvm, 0xae01, 0))  # KVM_CREATE_VM
    os.close(kvm)
"""


@contextlib.contextmanager
def churn(count):
    processes = [subprocess.Popen([sys.executable, "-c", CHURN]) for _ in range(count)]
    try:
        yield processes
    finally:
        for process in processes:
            process.kill()
            process.wait()


def needs_speed():
    return "VMs would not come often enough on a kernel that checks itself" if checkers.slows_down() else None


@case(needs_speed)
def events_are_told_while_vms_come_and_go_without_a_pause():
    """The look that follows one is not put off by the next."""
    ask("host")
    with churn(40) as others, Toys() as toys, listening(180) as listener:
        vm = toys.start("10@1")
        equal(next_event(listener, [vm.pid]), ("vm_appeared", vm.pid), "what is told")
        true(all(other.poll() is None for other in others), "while others come and go")


@case()
def processes_that_are_no_vms_are_not_listed():
    """Neither a child that inherited the files, nor one that has no VM."""
    with Toys() as toys:
        vm = toys.start("10@1")
        toys.start("10@1", options=["--no-kvm"])
        vm.fork()
        equal(list(Snapshot("tree").vms), [vm.pid], "VMs")


@case()
def vms_before_the_module_are_seen():
    host.unload()
    with Toys() as toys:
        vm = toys.start("30@1000+0")
        host.ksm_pass()
        host.load()
        snap = Snapshot("tree")
        equal(snap.shares(vm.pid), (30, 1, 0), "shares")


@case()
def documents_are_read_without_the_module():
    with Toys() as toys:
        merged_three(toys)
        document = cli("snapshot")
    host.unload()
    for verb in (["list"], ["matrix"], ["victim", "--need", "4K"],
                 ["snapshot"], ["show", str(toys_pid(document))]):
        out = cli(*verb, "--from", "-", stdin=document)
        true(out.strip(), f"{verb} says something")
    again = json.loads(cli("snapshot", "--from", "-", stdin=document))
    equal(again["sets"], json.loads(document)["sets"], "round trip")


def toys_pid(document):
    return json.loads(document)["vms"][0]["pid"]


@case()
def every_verb_in_text_and_json():
    with Toys() as toys:
        vm = merged_three(toys)[0]
        toys.start("40@900000", options=["--name", "web1"])
        for verb in (["list"], ["show", str(vm.pid)], ["show", "web1"],
                     ["matrix"], ["snapshot"], ["victim", "--need", "1K"],
                     ["version"], ["doctor"], ["doctor", "web1"],
                     ["doctor", "--verify"], ["top", "-b", "-n", "2", "-d", "0.2"]):
            true(cli(*verb).strip(), f"{verb} says something")
            for line in cli(*verb, "--json").splitlines():
                json.loads(line)
        true("web1" in cli("list"), "the VM's name")


@case()
def matrix_is_the_sets_summed():
    with Toys() as toys:
        a, b, c = merged_three(toys)
        text = cli("matrix", "--bytes")
        numbers = [[int(n) for n in re.findall(r"\b\d+\b", line)]
                   for line in text.splitlines()]
        shared = (93 + 68) * 4096
        true(any(shared in row for row in numbers),
             f"{a.pid} and {b.pid} share {shared} bytes ({c.pid} too): {text}")


@case()
def top_on_a_terminal():
    """In 80 columns, with a resize, keys and an end by q."""
    with Toys() as toys:
        toys.start("40@900000+0", options=["--name", "web1"])

        def tmux(*words):
            return subprocess.run(["tmux", "-L", "vmshare", *words], check=True,
                                  capture_output=True, text=True).stdout

        tmux("new-session", "-d", "-x", "80", "-y", "24", "-s", "t",
             f"TERM=vt100 {facts.VMSHARE} top -d 0.3; echo ended $?; cat")
        try:
            wait_for(lambda: "web1" in tmux("capture-pane", "-p"), "the VM's name")
            tmux("resize-window", "-x", "100", "-y", "30")
            tmux("send-keys", "M")
            wait_for(lambda: "web1" in tmux("capture-pane", "-p"), "it again")
            tmux("send-keys", "?")
            wait_for(lambda: "quit" in tmux("capture-pane", "-p").lower(), "help")
            tmux("send-keys", "Escape")
            tmux("send-keys", "Space")
            wait_for(lambda: "tagged 1 VM" in tmux("capture-pane", "-p"), "a tag")
            tmux("send-keys", "t")
            wait_for(lambda: "freed together" in tmux("capture-pane", "-p"), "its owner")
            tmux("send-keys", "Enter")
            wait_for(lambda: "CPU 0/KVM" in tmux("capture-pane", "-p"), "its threads")
            tmux("send-keys", "q")
            wait_for(lambda: "Filter" in tmux("capture-pane", "-p"), "all VMs again")
            tmux("send-keys", "q")
            wait_for(lambda: "ended 0" in tmux("capture-pane", "-p"), "its end")
        finally:
            tmux("kill-server")
