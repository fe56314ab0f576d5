# SPDX-License-Identifier: GPL-2.0
"""What was promised to come free, and what came free."""

import json
import time

import checkers
import host
from case import case, true, wait_for
from facts import Snapshot, cli
from toy import Toys

MIB = 1 << 20
# What still counts as standing still: the records of a kernel that checks itself do not.
STILL = MIB // 4 if checkers.kernel_checks_itself() else MIB // 16


def settled_free_memory():
    """Free memory once it stands still for a second: what was dropped may come free
    only after a grace period."""
    looks = [host.free_memory()]

    def settled():
        time.sleep(0.2)
        looks.append(host.free_memory())
        return len(looks) > 5 and max(looks[-6:]) - min(looks[-6:]) < STILL
    wait_for(settled, "free memory to settle")
    return looks[-1]


def free_before():
    """Without caches that could be dropped at any time."""
    host.write("/proc/sys/vm/drop_caches", 3)
    return settled_free_memory()


def free_after():
    """Nothing is dropped: a program's file pages stay cached when it ends."""
    return settled_free_memory()


class Freed:
    """What came free since this was made, and where else memory went meanwhile."""

    def __init__(self):
        self.before = free_before()
        self.meminfo = host.meminfo()

    def really(self):
        freed = free_after() - self.before
        # What checks its own memory keeps a record of each object, and more around it.
        return freed - self.slabs_gave_back() if checkers.kernel_checks_itself() else freed

    def slabs_gave_back(self):
        return 1024 * (self.meminfo["Slab"] - host.meminfo()["Slab"])

    def elsewhere(self):
        """For the text of a failure."""
        now = host.meminfo()
        moved = {key: now[key] - self.meminfo[key] for key in now}
        return " ".join(f"{key}:{kib:+}" for key, kib in moved.items() if abs(kib) >= 128)


def check_freed(really, promised, text, freed):
    """Within a hundredth, or 1 MiB: the kernel's own memory for a VM comes on top."""
    true(abs(really - promised) <= max(promised / 100, MIB),
         f"{text}; meminfo moved by KiB: {freed.elsewhere()}")


def rollup(pid):
    """RSS, PSS and USS, as other tools would promise."""
    values = {}
    for line in host.read(f"/proc/{pid}/smaps_rollup").splitlines()[1:]:
        key, value = line.split(":")
        values[key] = int(value.split()[0]) * 1024
    return (values["Rss"], values["Pss"],
            values["Private_Clean"] + values["Private_Dirty"])


def freed_of_set(snap, pids):
    """As the manual (man/vmshare.8) defines freed, from the rows alone."""
    chosen = set(pids)
    own = sum(snap.vms[pid][f"{name}_bytes"] for pid in pids
              for name in ("unique", "private_shmem", "page_tables"))
    return own + 4096 * sum(frames for (vms, outside), frames in snap.sets.items()
                            if not outside and set(vms) <= chosen)


def clones_and_one_other(toys):
    """Two clones that share much with each other only, and one that shares less."""
    a = toys.start("12000@100000", "20000@500000")
    b = toys.start("10000@200000", "20000@500000")
    c = toys.start("15000@300000", "4000@500000", "1000@7+0")
    host.ksm_pass()
    return a, b, c


def end_and_compare(toys, vms, what):
    pids = [vm.pid for vm in vms]
    snap = Snapshot("tree")
    promised = freed_of_set(snap, pids)
    others = [sum(column) for column in zip(*(rollup(pid) for pid in pids))]
    freed = Freed()
    for vm in vms:
        toys.end(vm)
    really = freed.really()
    error = really - promised
    text = (f"{what}: promised {promised / MIB:.2f} MiB, freed {really / MIB:.2f}"
            f" MiB ({100 * error / promised:+.2f} %); RSS said "
            f"{others[0] / MIB:.2f}, PSS {others[1] / MIB:.2f}, USS "
            f"{others[2] / MIB:.2f}")
    check_freed(really, promised, text, freed)
    return text


@case()
def one_vm_and_then_a_set_free_what_was_promised():
    with Toys() as toys:
        a, b, c = clones_and_one_other(toys)
        first = end_and_compare(toys, [a], "one clone")
        return first + "; " + end_and_compare(toys, [b, c], "the other two")


@case()
def memfd_guest_frees_what_was_promised():
    with Toys() as toys:
        vm = toys.start("20000@100000", options=["--memfd"])
        toys.start("100@1")
        return end_and_compare(toys, [vm], "memfd guest")


@case()
def guest_with_copies_of_a_memfd_frees_what_was_promised():
    """As of memory-backend-memfd,share=off: a page and its copy go with it."""
    with Toys() as toys:
        vm = toys.start("20000@100000", options=["--private-memfd"])
        toys.start("100@1", "50@100000")
        host.ksm_pass()
        return end_and_compare(toys, [vm], "guest with copies of a memfd")


@case()
def victims_really_free_the_need():
    with Toys() as toys:
        vms = clones_and_one_other(toys)
        need = 120 * MIB
        plan = json.loads(cli("victim", "--need", str(need), "--json"))
        chosen = [vm for vm in vms
                  if vm.pid in [v["pid"] for v in plan["victims"]]]
        true(plan["optimal"] and plan["freed_bytes"] >= need, plan)
        true({vms[0].pid, vms[1].pid} == {vm.pid for vm in chosen},
             f"the two clones are the cheapest: {plan}")
        freed = Freed()
        for vm in chosen:
            toys.end(vm)
        really = freed.really()
        true(really >= need - MIB, f"{really} freed of {need}: {freed.elsewhere()}")
        return (f"need {need // MIB} MiB, promised {plan['freed_bytes'] / MIB:.2f}"
                f" MiB, freed {really / MIB:.2f} MiB by {len(chosen)} VMs")
