# SPDX-License-Identifier: GPL-2.0
"""The CPU half: a socket that keeps hooks attached, and what it is told."""

import json
import os
import signal
import subprocess

import facts
import host
from case import Failure, equal, true, wait_for

SCHED, KVM = 1, 2  # VMSHARE_HOOK_*
SINCE_BIRTH = ("run_ns", "ready_ns", "voluntary_switches", "involuntary_switches")


class Look:
    """One dump: the host, threads by tid, sums of ended ones by pid, pairs."""

    def __init__(self, messages):
        self.host = messages[0]
        equal(self.host["cmd"], "cpu", "first message of a dump")
        threads = [m for m in messages if m["cmd"] == "thread"]
        self.threads = {m["tid"]: m for m in threads if m["tid"]}
        self.ended = {m["pid"]: m for m in threads if not m["tid"]}
        self.preemptions = {(m["pid"], m["by_pid"]): m for m in messages
                            if m["cmd"] == "preemption"}
        equal(len(self.threads) + len(self.ended), len(threads), "each thread once")
        equal(1 + len(threads) + len(self.preemptions), len(messages), "each pair once")

    def of_vm(self, pid):
        return {tid: t for tid, t in self.threads.items() if t["pid"] == pid}

    def waited(self, pid):
        """WAIT_NS of a VM's threads, living and ended; one just born may have none yet."""
        return (sum(t.get("wait_ns", 0) for t in self.of_vm(pid).values())
                + self.ended[pid]["wait_ns"])

    def displaced(self, pid):
        """The same by who ran meanwhile."""
        return sum(m["wait_ns"] for (victim, _), m in self.preemptions.items()
                   if victim == pid)

    def unaccounted(self):
        """How far from the whole the parts of CPU time are, as a part of it."""
        whole = self.host["tracked_ns"] * self.host["cpus"]
        parts = sum(self.host[f"{part}_ns"] for part in ("vms", "host", "idle"))
        return abs(parts - whole) / whole


class Session:
    """A client with hooks, to be used with `with`."""

    def __init__(self, hooks="sched,kvm", *options):
        self.process = subprocess.Popen(
            [facts.NLCLIENT, *options, "--hooks", hooks, "track"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        self.asked = self.answer()[1]

    def __enter__(self):
        if self.asked["errno"]:
            raise Failure(f"hooks were refused: {self.asked}")
        return self

    def __exit__(self, *unused):
        self.end()

    def answer(self):
        """Messages up to the end of an exchange, and how it ended."""
        messages = []
        for line in self.process.stdout:
            message = json.loads(line)
            if "errno" in message:
                return messages, message
            messages.append(message)
        raise Failure("the client with hooks has ended")

    def tell(self, line):
        self.process.stdin.write(line + "\n")
        return self.answer()

    def hooks(self, hooks):
        return self.tell(f"hooks {hooks}")[1]

    def look(self, pid=None):
        messages, end = self.tell(f"cpu {pid}" if pid else "cpu")
        if end["errno"]:
            raise Failure(f"no dump: {end}")
        return Look(messages)

    def end(self):
        """Close the socket, by an end of the input."""
        if self.process.poll() is None:
            self.process.stdin.close()
            self.process.wait()
        self.process.stdout.close()

    def kill(self):
        self.process.kill()
        self.process.wait()


def look():
    """As a client without hooks sees it."""
    return Look(facts.ask("cpu"))


def attached():
    return look().host["hooks"]


def await_detached():
    wait_for(lambda: not attached(), "the hooks to be detached", 1)


# What /proc says of threads


def tids(pid):
    return [int(tid) for tid in os.listdir(f"/proc/{pid}/task")]


def proc_task(pid, tid):
    """SINCE_BIRTH of one thread."""
    task = f"/proc/{pid}/task/{tid}"
    run, ready, _ = map(int, host.read(f"{task}/schedstat").split())
    status = dict(line.split(":\t") for line in
                  host.read(f"{task}/status").splitlines() if ":\t" in line)
    return dict(zip(SINCE_BIRTH, (run, ready, int(status["voluntary_ctxt_switches"]),
                                  int(status["nonvoluntary_ctxt_switches"]))))


def proc_tasks(pids):
    return {tid: proc_task(pid, tid) for pid in pids for tid in tids(pid)}


def grown(before, after):
    """SINCE_BIRTH over a window. KVM starts a thread of its own when a VM runs for the
    first time; what was not there before is counted from its birth."""
    unborn = dict.fromkeys(SINCE_BIRTH, 0)
    return {tid: {name: task[name] - before.get(tid, unborn)[name] for name in task}
            for tid, task in after.items()}


def switches(tasks):
    return sum(t["voluntary_switches"] + t["involuntary_switches"]
               for t in tasks.values())


def has_stopped(pid):
    try:
        stats = [host.read(f"/proc/{pid}/task/{tid}/stat") for tid in tids(pid)]
    except (FileNotFoundError, ProcessLookupError):  # a thread has just ended
        return False
    return all(stat.rpartition(")")[2].split()[0] == "T" for stat in stats)


def stop(pids):
    """Until every thread stands still, off its CPU."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    for pid in pids:
        wait_for(lambda pid=pid: has_stopped(pid), f"{pid} to stop")


def cont(pids):
    for pid in pids:
        os.kill(pid, signal.SIGCONT)


class Window:
    """The same span of VMs' lives by the module and by /proc.

    Their threads stand still at both ends, so both can be compared exactly; others
    do so that they do not take the time of those who compare.
    """

    def __init__(self, session, pids, others=()):
        self.session, self.pids, self.all = session, pids, [*pids, *others]
        stop(self.all)
        self.before, self.proc_before = session.look(), proc_tasks(pids)

    def run(self, wanted):
        """Until the VMs' threads have switched so many times."""
        start = switches(self.proc_before)
        cont(self.all)
        wait_for(lambda: switches(proc_tasks(self.pids)) - start >= wanted,
                 f"{wanted} switches", 400)
        stop(self.all)
        self.after, self.proc_after = self.session.look(), proc_tasks(self.pids)
        true(set(self.proc_before) == set(self.proc_after), "no thread has come or gone")

    def switches(self):
        return switches(self.proc_after) - switches(self.proc_before)

    def grown(self, tid, name):
        """By the module."""
        return self.after.threads[tid][name] - self.before.threads[tid][name]

    def proc_grown(self, tid, name):
        return self.proc_after[tid][name] - self.proc_before[tid][name]

    def histogram(self, tid):
        return [b - a for a, b in zip(self.before.threads[tid]["wait_histogram"],
                                      self.after.threads[tid]["wait_histogram"])]

    def preempted(self, name):
        """(pid, by_pid) -> growth; pairs that have not grown are left out."""
        grown = {pair: message.get(name, 0)
                 - self.before.preemptions.get(pair, {}).get(name, 0)
                 for pair, message in self.after.preemptions.items()}
        return {pair: growth for pair, growth in grown.items() if growth}
