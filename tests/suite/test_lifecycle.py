# SPDX-License-Identifier: GPL-2.0
"""Load and unload, VMs that come and go, in the middle of everything."""

import glob
import os
import random
import signal
import subprocess
import sys
import threading
import time

import facts
import host
from case import DEADLINE_FACTOR, case, equal, true, wait_for
from facts import ask, nlclient
from toy import TOY, Toys, many_vms
from test_memory import merged_three


def storm(seconds, threads=2):
    return subprocess.Popen([facts.NLCLIENT, "storm", "--seconds", str(seconds),
                             "--threads", str(threads)],
                            stdout=subprocess.PIPE, text=True)


def memory_of_module():
    """Everything that a leak would be in: what the kernel holds for itself. What was freed
    goes back first: from caches, their slabs, and KASAN's quarantine, which is emptied of
    a slab cache that is made to shrink."""
    host.write("/proc/sys/vm/drop_caches", 3)
    for cache in glob.glob("/sys/kernel/slab/*"):
        if not os.path.islink(cache):  # another name of one
            host.write(f"{cache}/shrink", 1)
    now = host.meminfo()
    return 1024 * (now["SUnreclaim"] + now["VmallocUsed"])


def unload_when_free():
    """A dump under way refuses the unloading; it ends soon."""
    wait_for(lambda: subprocess.run(["rmmod", "vmshare"],
                                    stderr=subprocess.DEVNULL).returncode == 0,
             "the module to be free")


@case()
def loaded_and_unloaded_100_times_under_running_guests_and_dumps():
    with Toys() as toys:
        merged_three(toys, ["--vcpus", "2"])
        host.set_ksm("pages_to_scan", 100)
        host.set_ksm("run", 1)
        for i in range(100):
            host.load()
            asker = subprocess.Popen(
                [facts.NLCLIENT, random.choice(("vm", "set", "vcpu", "host"))],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            if i % 3 == 0:
                ask("set", "--engine", random.choice(facts.ENGINES))
            unload_when_free()
            asker.wait()
            true(not host.loaded(), "it is gone")
        host.load()
        equal(len(ask("vm")), 3, "VMs in the end")


@case()
def nobody_has_the_module_loaded_by_its_familys_name():
    """The kernel asks for a module with such an alias when anybody wants a family that is not there."""
    equal(subprocess.run(["modinfo", "-F", "alias", host.MODULE], check=True,
                         capture_output=True, text=True).stdout, "", "aliases")


@case()
def vms_killed_in_the_middle_of_walks_and_dumps():
    host.set_ksm("pages_to_scan", 100)
    host.set_ksm("run", 1)
    seconds = 22 * DEADLINE_FACTOR
    storming = storm(int(seconds) + 3, 3)
    killed = 0
    with Toys() as toys:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            vm = toys.start("200@1000", "300@42+0", "40@2000",
                            options=["--vcpus", "2"])
            if killed % 4 == 0:
                vm.fork()
            time.sleep(random.uniform(0, 0.3))
            if len(toys.toys) > 3:
                toys.end(random.choice(toys.toys))
                killed += 1
    said = storming.communicate()[0]
    equal(storming.returncode, 0, f"the storm: {said}")
    equal(ask("vm"), [], "VMs in the end")
    true(killed > 5, f"only {killed} killed")
    return f"{killed} VMs killed; {said.strip()[:200]}"


@case()
def two_hundred_vms_created_and_ended():
    stop = threading.Event()
    asked = [0]

    def watch():
        while not stop.is_set():
            nlclient("set")
            asked[0] += 1

    watcher = threading.Thread(target=watch)
    watcher.start()
    seen = 0
    try:
        for _ in range(10):
            with many_vms(20, "4@1000", "2@1+0"):
                seen += len(ask("vm"))
    finally:
        stop.set()
        watcher.join()
    equal(seen, 200, "VMs seen")
    equal(ask("vm"), [], "VMs in the end")
    return f"{asked[0]} dumps meanwhile"


@case()
def nothing_is_left_behind():
    """The same work over and over does not grow the kernel's memory."""
    def work():
        host.load()
        for engine in facts.ENGINES:
            for _ in range(15):
                ask("set", "--engine", engine)
        host.unload()

    with Toys() as toys:
        merged_three(toys)
        work()
        before = memory_of_module()
        for _ in range(4):
            work()
        grown = memory_of_module() - before
        true(grown < 1 << 20, f"{grown} bytes more")
        return f"{grown} bytes after 4 rounds"


def generic_netlink_sockets():
    """The numbers of those that user space has."""
    sockets = [line.split() for line in host.read("/proc/net/netlink").splitlines()]
    return [s[2] for s in sockets if s[1] == "16" and s[2] != "0"]


def close_a_socket_of_this_number(portid):
    """In another network namespace, where it is another socket's."""
    code = ("import socket; s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 16);"
            f" s.bind(({portid}, 0)); s.close()")
    subprocess.run(["unshare", "--net", sys.executable, "-c", code], check=True)


@case()
def hooks_outlive_a_namesake_in_another_network_namespace():
    """Who may make a namespace could else detach anybody's hooks."""
    with subprocess.Popen([facts.NLCLIENT, "--hooks", "sched", "track"],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          text=True) as client:
        true('"errno":0' in client.stdout.readline(), "it has hooks")
        numbers = generic_netlink_sockets()
        equal(len(numbers), 1, f"sockets: {numbers}")
        close_a_socket_of_this_number(numbers[0])
        equal(ask("cpu")[0]["hooks"], 1, "hooks after that")
        client.stdin.close()


# Makes a VM (KVM_CREATE_VM), and when told to, becomes another program.
VM_THAT_EXECS = """
import fcntl, os, sys
kvm = os.open("/dev/kvm", os.O_RDWR | os.O_CLOEXEC)
vm = fcntl.ioctl(kvm, 0xAE01, 0)
print("ready", flush=True)
sys.stdin.readline()
os.execv(sys.argv[1], sys.argv[1:])
"""


def answer_often(vm):
    """Each answer is a wakeup of its first thread, which may have to wait."""
    for _ in range(300):
        vm.stdin.write("read 0 1\n")
        vm.stdin.flush()
        equal(vm.stdout.readline(), "ok\n", "answer")


def waited_and_displaced(pid):
    messages = [m for m in ask("cpu") if m.get("pid") == pid]
    return [sum(m["wait_ns"] for m in messages if m["cmd"] == kind)
            for kind in ("thread", "preemption")]


@case()
def a_vm_becomes_another_by_exec():
    """Its first thread is the other VM's then, also for the hooks."""
    with Toys() as toys, subprocess.Popen(
            [facts.NLCLIENT, "--hooks", "sched", "track"], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True) as client, subprocess.Popen(
            [sys.executable, "-c", VM_THAT_EXECS, TOY, "--pause", "1000000", "10@1"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as vm:
        true('"errno":0' in client.stdout.readline(), "hooks")
        equal(vm.stdout.readline(), "ready\n", "it is a VM")
        true(any(m.get("pid") == vm.pid for m in ask("cpu")), "it is seen")
        toys.start("10@2", options=["--vcpus", "2", "--spin"])
        vm.stdin.write("\n")
        vm.stdin.flush()
        true("ready" in vm.stdout.readline(), "it is another VM")
        wait_for(lambda: waited_and_displaced(vm.pid)[0], "its threads to be seen")
        answer_often(vm)
        os.kill(vm.pid, signal.SIGSTOP)
        waited, displaced = waited_and_displaced(vm.pid)
        vm.kill()
        true(waited > 10**6, f"it waited only {waited} ns")
        true(abs(waited - displaced) <= waited / 100,
             f"{displaced} ns are attributed of {waited}")
        return f"{waited / 10**6:.1f} ms, {displaced / 10**6:.1f} attributed"


@case()
def asker_killed_while_it_walks():
    """A fatal signal ends the walk; the next one is not disturbed."""
    with Toys() as toys:
        merged_three(toys)
        for i in range(20):
            asker = subprocess.Popen([facts.NLCLIENT, "set"],
                                     stdout=subprocess.DEVNULL)
            time.sleep(0.01 * (i % 7))
            asker.kill()
            asker.wait()
        equal(len(ask("vm")), 3, "VMs in the end")
