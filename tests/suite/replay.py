# SPDX-License-Identifier: GPL-2.0
"""What a record of the scheduler's events says: waits, and who ran meanwhile.

A thread waits from when it becomes runnable (it is woken, or loses its CPU
while it could go on) until it is given a CPU. If it is moved meanwhile, that is
still one wait, of which each piece belongs to the CPU where it was waited.
"""

import bisect
import collections

EVENTS = (("sched:sched_switch", "prev_pid", "prev_state", "next_pid"),
          ("sched:sched_wakeup", "pid", "target_cpu"),
          ("sched:sched_wakeup_new", "pid", "target_cpu"),
          ("sched:sched_migrate_task", "pid", "dest_cpu"))
PREEMPTED = 0x100  # in prev_state: it could go on (TASK_REPORT_MAX)

# Who is woken to take the CPU from another, and a third one gets it: for the scheduler, which
# does not read its clock again then, the first has not waited for the one that had it.
BRIEF_NS = 10_000

IDLE, HOST = "idle", 0  # owners beside the pids of VMs


class Timeline:
    """Who had a CPU from when on; neighbours of one owner are one run."""

    def __init__(self):
        self.starts, self.owners = [], []

    def append(self, time, owner):
        if not self.owners or self.owners[-1] != owner:
            self.starts.append(time)
            self.owners.append(owner)

    def between(self, start, end):
        """(owner, time) of each run in that span."""
        at = max(bisect.bisect_right(self.starts, start) - 1, 0)
        while end > start:
            until = self.starts[at + 1] if at + 1 < len(self.starts) else end
            until = min(until, end)
            if until > start:
                yield self.owners[at], until - start
            start = until
            at += 1

    def times(self, end):
        sums = collections.Counter()
        for owner, start, until in zip(self.owners, self.starts,
                                       self.starts[1:] + [end]):
            sums[owner] += until - start
        return sums


class Thread:
    """One of a VM's threads: asleep, waiting, or running."""

    def __init__(self, vm):
        self.vm = vm
        self.state = "asleep"
        self.cpu = self.since = None
        self.slept = True
        self.wait = 0  # what the wait under way has come to before it was moved
        self.waits = []  # times of those that are over
        self.wakeups = 0


class Replay:
    """vm_of: tid of a VM's thread -> pid of the VM."""

    def __init__(self, events, vm_of):
        self.threads = {tid: Thread(vm) for tid, vm in vm_of.items()}
        self.timelines = collections.defaultdict(Timeline)
        self.pieces = collections.Counter()    # (victim, owner) -> number
        self.brief = collections.Counter()     # of the pieces, those that may be of 0 ns
        self.displaced = collections.Counter()  # (victim, owner) -> ns
        self.began, self.end = events[0][0], events[-1][0]
        handlers = {"sched:sched_switch": self.switch, "sched:sched_wakeup": self.wake,
                    "sched:sched_wakeup_new": self.wake,
                    "sched:sched_migrate_task": self.migrate}
        for time, cpu, name, (_, *values) in events:
            handlers[name](time, cpu, *values)

    def owner(self, tid):
        thread = self.threads.get(tid)
        return thread.vm if thread else HOST if tid else IDLE

    def switch(self, time, cpu, prev, prev_state, following):
        timeline = self.timelines[cpu]
        if not timeline.owners:
            timeline.append(self.began, self.owner(prev))
        thread = self.threads.get(following)
        if thread:
            self.arrive(thread, time)
        timeline.append(time, self.owner(following))
        thread = self.threads.get(prev)
        if thread:
            runnable = prev_state == 0 or bool(prev_state & PREEMPTED)
            thread.state = "waiting" if runnable else "asleep"
            thread.slept = not runnable
            thread.cpu, thread.since, thread.wait = cpu, time, 0

    def wake(self, time, _cpu, tid, target):
        thread = self.threads.get(tid)
        if thread and thread.state == "asleep":
            thread.state, thread.cpu, thread.since, thread.wait = "waiting", target, time, 0

    def migrate(self, time, _cpu, tid, destination):
        thread = self.threads.get(tid)
        if thread and thread.state == "waiting":
            self.close_piece(thread, time)
            thread.cpu, thread.since = destination, time

    def arrive(self, thread, time):
        if thread.state == "waiting":
            self.close_piece(thread, time)
        thread.waits.append(thread.wait)
        thread.wakeups += thread.slept
        thread.state, thread.wait = "running", 0

    def close_piece(self, thread, time):
        thread.wait += time - thread.since
        runs = list(self.timelines[thread.cpu].between(thread.since, time))
        for owner, ns in runs:
            self.pieces[thread.vm, owner] += 1
            self.displaced[thread.vm, owner] += ns
        if len(runs) > 1 and runs[0][1] < BRIEF_NS:
            self.brief[thread.vm, runs[0][0]] += 1

    def cpu_times(self):
        """owner -> ns, over all CPUs"""
        return sum((t.times(self.end) for t in self.timelines.values()),
                   collections.Counter())
