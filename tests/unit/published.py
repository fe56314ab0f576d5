#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The published CPU manager a second time, from its description alone.

usage: published.py TRACE ALPHA_PERMILLE BETA PERIOD_NS

Prints what is decided at each sample of the trace, a line per VM:
    sample pid class count quota_ns-or-max
Guarantees are those of nobody having one: what the host's own processes leave,
in equal parts, nobody more than its vCPUs.
"""

import json
import sys
from fractions import Fraction


def millicpus(ns, elapsed):
    """Rounded to the nearest thousandth of a CPU, as a reader of counters would."""
    return int(Fraction(ns * 1000, elapsed) + Fraction(1, 2))


class Vm:
    def __init__(self):
        self.kind, self.count, self.quota = "service", 0, None


def equal_parts(total, limits):
    """Water into vessels of different sizes, drop by drop where it matters."""
    shares = dict.fromkeys(limits, 0)
    open_ones = dict(limits)
    while open_ones:
        part = total // len(open_ones)
        filled = [pid for pid, limit in open_ones.items() if limit <= part]
        if not filled:
            for number, pid in enumerate(sorted(open_ones, key=lambda p: (open_ones[p], p))):
                shares[pid] = total // (len(open_ones) - number)
                total -= shares[pid]
            break
        pid = min(filled, key=lambda p: (open_ones[p], p))
        shares[pid] = open_ones.pop(pid)
        total -= shares[pid]
    return shares


class Manager:
    def __init__(self, alpha, beta, period):
        self.alpha, self.beta, self.period, self.vms = alpha, beta, period, {}

    def quota(self, millis):
        return max(millis * self.period // 1000 // 1000 * 1000, 1000000)

    def check(self, before, now):
        known = {(v["pid"], v["start_time_ns"]): v for v in before["vms"]} if before else {}
        self.vms = {key: self.vms.get(key, Vm())
                    for key in ((v["pid"], v["start_time_ns"]) for v in now["vms"])}
        if not before:
            return
        elapsed = now["time_ns"] - before["time_ns"]
        usage, vcpus = {}, {}
        for v in now["vms"]:
            key = (v["pid"], v["start_time_ns"])
            vcpus[key] = 1000 * v["vcpus"]
            if key in known:
                usage[key] = millicpus(max(0, v["run_ns"] - known[key]["run_ns"]), elapsed)
        idle = min(millicpus(max(0, now["idle_ns"] - before["idle_ns"]), elapsed),
                   1000 * now["cpus"])
        others = max(0, 1000 * now["cpus"] - idle - sum(usage.values()))
        guarantees = equal_parts(1000 * now["cpus"] - others, vcpus)
        self.monitor(usage, vcpus)
        self.manage(usage, idle, guarantees)

    def monitor(self, usage, vcpus):
        for key, used in usage.items():
            vm = self.vms[key]
            high = Fraction(used, vcpus[key]) >= Fraction(self.alpha, 1000)
            vm.count += 1 if high == (vm.kind == "service") else -1

    def manage(self, usage, idle, guarantees):
        for key in sorted(usage):
            vm = self.vms[key]
            if vm.count <= self.beta:
                continue
            vm.count = 0
            if vm.kind == "service":
                vm.kind = "batch"
                self.allocate_pr(usage, idle)
            else:
                vm.kind = "service"
                vm.quota = self.quota(guarantees[key])

    def allocate_pr(self, usage, idle):
        scientific = [key for key in usage if self.vms[key].kind == "batch"]
        pool = idle + sum(usage[key] for key in scientific)
        for key in scientific:
            self.vms[key].quota = self.quota(pool // len(scientific))


def main():
    manager = Manager(*map(int, sys.argv[2:5]))
    with open(sys.argv[1], encoding="utf-8") as trace:
        samples = [json.loads(line) for line in trace][1:]
    before = None
    for number, now in enumerate(samples):
        manager.check(before, now)
        for (pid, _), vm in sorted(manager.vms.items()):
            print(number, pid, vm.kind, vm.count, vm.quota or "max")
        before = now


main()
