# SPDX-License-Identifier: GPL-2.0
"""Plans carried out: VMs end, and the memory that was needed is free.

The optimum is found by trying every set of VMs over the numbers of `vmshare
snapshot`, with the formula of the interface alone.
"""

import itertools
import json

import host
from case import case, equal, true
from facts import cli
from test_freed import Freed
from toy import Toys

MIB = 1 << 20

# Eight VMs; content numbers that two segments have in common are shared pages.
OVERLAPPING = {
    "pair-a": ("800@1000000", "5000@100000", "400@10"),
    "pair-b": ("900@1100000", "5000@100000", "1500@200000", "400@10"),
    "chain-c": ("1200@1200000", "1500@200000", "3000@300000", "400@10"),
    "clique-d": ("700@1300000", "3000@300000", "2000@400000", "400@10"),
    "clique-e": ("2600@1400000", "3000@300000", "400@10"),
    "nested-f": ("500@1500000", "2000@400000", "400@10"),
    "alone-g": ("5200@1600000", "400@10"),
    "self-h": ("1500@1700000", "3000@500000+0", "400@10"),
}


def start_missing(toys, running):
    """All eight, and everything merged that can be."""
    for name, segments in OVERLAPPING.items():
        if name not in running:
            running[name] = toys.start(*segments, options=["--name", name])
    host.ksm_pass()


def own_bytes(vm):
    shmem = vm.get("private_shmem_bytes", vm.get("shmem_bytes", 0))
    return vm["unique_bytes"] + shmem + vm["page_tables_bytes"]


def freed_by(snapshot, pids):
    return (sum(own_bytes(vm) for vm in snapshot["vms"] if vm["pid"] in pids)
            + sum(row["frames_bytes"] for row in snapshot["sets"]
                  if not row["outside"] and set(row["vms"]) <= pids))


def cost_of(snapshot, pids, model):
    if model == "count":
        return len(pids)
    return sum(vm["anon_bytes"] + vm["shmem_bytes"] + vm["hugetlb_bytes"]
               for vm in snapshot["vms"] if vm["pid"] in pids)


def cheapest(snapshot, need, model):
    """The lowest cost of all sets that free the need."""
    pids = [vm["pid"] for vm in snapshot["vms"]]
    sets = (set(chosen) for count in range(len(pids) + 1)
            for chosen in itertools.combinations(pids, count))
    return min(cost_of(snapshot, chosen, model) for chosen in sets
               if freed_by(snapshot, chosen) >= need)


def plan_and_end(toys, running, fraction, model):
    """One trial: returns what came free, in a sentence."""
    snapshot = json.loads(cli("snapshot"))
    equal(len(snapshot["vms"]), len(OVERLAPPING), "VMs of the snapshot")
    everything = freed_by(snapshot, {vm["pid"] for vm in snapshot["vms"]})
    need = int(everything * fraction)
    plan = json.loads(cli("victim", "--need", str(need), "--cost", model, "--json"))
    chosen = {victim["pid"] for victim in plan["victims"]}
    equal(plan["optimal"], True, f"{model}, need {need}: proof")
    equal(plan["freed_bytes"], freed_by(snapshot, chosen), "promise against the sets")
    equal(plan["cost"]["value"], cheapest(snapshot, need, model),
          f"cost ({model}) for a need of {need}, against every set of VMs")
    freed = Freed()
    for name in [name for name, toy in running.items() if toy.pid in chosen]:
        toys.end(running.pop(name))
    really = freed.really()
    text = (f"{model}, need {need / MIB:.1f} MiB: {len(chosen)} of {len(snapshot['vms'])}"
            f" VMs ended, promised {plan['freed_bytes'] / MIB:.2f}, freed {really / MIB:.2f}")
    true(really >= need - MIB // 4, f"{text}; meminfo moved by KiB: {freed.elsewhere()}")
    return text


@case()
def plans_carried_out_free_the_need_with_the_fewest_vms():
    with Toys() as toys:
        running, told = {}, []
        for fraction, model in ((0.1, "count"), (0.35, "count"), (0.85, "count"),
                                (0.25, "bytes"), (0.5, "bytes")):
            start_missing(toys, running)
            told.append(plan_and_end(toys, running, fraction, model))
        return "; ".join(told)
