# SPDX-License-Identifier: GPL-2.0
"""What the module says, by two clients, and what the oracle says."""

import errno
import json
import subprocess

import host
from case import DEADLINE_FACTOR, Failure, equal
from toy import page_bytes

NLCLIENT = f"{host.TOP}/build/tests/nlclient"
ORACLE = f"{host.TOP}/build/tests/oracle"
VMSHARE = f"{host.TOP}/vmshare"
ENGINES = ("tree", "pages")


def run_nlclient(*words):
    done = subprocess.run([NLCLIENT, *words], capture_output=True, text=True)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    if not lines or "errno" not in lines[-1]:
        raise Failure(f"nlclient {' '.join(words)}: {done.stdout}{done.stderr}")
    return lines


def nlclient(*words):
    """Lines of a dump or an answer; the last says how it ended."""
    lines = run_nlclient(*words)
    return lines[:-1], lines[-1]


class Expired(Failure):
    """The snapshot that was named is not kept any more."""


def check_end(end, words):
    if end["errno"] == errno.ESTALE:
        raise Expired(f"nlclient {' '.join(words)}: {end}")
    if end["errno"]:
        raise Failure(f"nlclient {' '.join(words)}: {end}")


def ask(*words):
    lines, end = nlclient(*words)
    check_end(end, words)
    return lines


def ask_whole(*words):
    """Host, VMs, vCPUs and sets of one snapshot: lines each."""
    parts = [[]]
    for line in run_nlclient("snapshot", *words):
        if "errno" in line:
            check_end(line, words)
            parts.append([])
        else:
            parts[-1].append(line)
    equal(len(parts), 5, f"nlclient snapshot {' '.join(words)}: parts")
    return parts[:4]


def cli(*words, code=0, stdin=None):
    """The program's output; it must end with this code."""
    done = subprocess.run([VMSHARE, *words], input=stdin, capture_output=True,
                          text=True)
    if done.returncode != code:
        raise Failure(f"vmshare {' '.join(words)}: exit code {done.returncode}, "
                      f"should be {code}: {done.stdout[-500:]}{done.stderr[-500:]}")
    return done.stdout if code == 0 else done.stdout + done.stderr


class Snapshot:
    """One snapshot in pages, by the independent client."""

    def __init__(self, engine, max_age=None):
        """A busy machine may take longer than a snapshot can be named: then again."""
        for tries_left in reversed(range(int(3 * DEADLINE_FACTOR))):
            try:
                self.take(engine, max_age)
                return
            except Expired:
                if not tries_left:
                    raise

    def take(self, engine, max_age):
        age = ("--max-age", str(max_age)) if max_age is not None else ()
        (self.host,), vms, self.vcpus, sets = ask_whole("--engine", engine, *age)
        self.vms = {vm["pid"]: vm for vm in vms}
        self.sets = {
            (tuple(s["members"]), bool(s["outside"])):
            s["frames_bytes"] // page_bytes() for s in sets}

    def shares(self, pid):
        vm = self.vms[pid]
        return tuple(vm[f"{name}_bytes"] // page_bytes()
                     for name in ("self_shared", "self_frames", "inter_shared"))

    def anon(self, pid):
        return self.vms[pid]["anon_bytes"] // page_bytes()

    def check_sums(self):
        """What must hold in every snapshot, whatever the VMs do."""
        pages = page_bytes()
        for pid, vm in self.vms.items():
            equal(vm["unique_bytes"] + vm["self_shared_bytes"]
                  + vm["inter_shared_bytes"], vm["anon_bytes"],
                  f"unique + self + inter of {pid}")
            alone = self.sets.get(((pid,), False), 0)
            equal(vm["self_frames_bytes"], alone * pages,
                  f"self frames of {pid} against its set")
            equal(vm["unique_bytes"] + vm["self_frames_bytes"]
                  + vm["private_shmem_bytes"] + vm["page_tables_bytes"],
                  vm["freed_bytes"], f"freed of {pid}")


def oracle(pids):
    done = subprocess.run([ORACLE, "--best", "--vms", ",".join(map(str, pids))],
                          capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def oracle_sets(truth):
    return {(tuple(s["vms"]), s["outside"]): s["frames"]
            for s in truth["sets"] if s["vms"]}


def check_oracle(snap, truth, what):
    """One snapshot against the oracle."""
    equal(snap.sets, oracle_sets(truth), f"{what}: sets against the oracle")
    for vm in truth["vms"]:
        pid = vm["pid"]
        equal(snap.shares(pid), (vm["self_shared_pages"], vm["self_frames"],
                                 vm["inter_shared_pages"]),
              f"{what}: shares of {pid} against the oracle")
        equal(snap.vms[pid]["unique_bytes"] // page_bytes(), vm["unique_pages"],
              f"{what}: unique of {pid}")


def check_model(snap, toys, what):
    """One snapshot against what the pages' contents say."""
    equal(snap.sets, toys.sets(), f"{what}: sets against the model")
    for pid, shares in toys.shares().items():
        equal(snap.shares(pid), shares, f"{what}: shares of {pid}")


def is_misled(truth):
    """Where merged pages are told by not being exclusive: one that came back from swap is not
    either, merged or not. smaps counts what is."""
    return truth["by"] == "exclusive" and truth.get("verified") is False


def check_smaps(snap, truth, what):
    for vm in truth["vms"]:
        own, _, inter = snap.shares(vm["pid"])
        equal(own + inter, vm["smaps_ksm_pages"], f"{what}: merged pages of {vm['pid']} against smaps")


def check_engine(engine, truth, toys, by_oracle, by_smaps):
    snap = Snapshot(engine)
    snap.check_sums()
    equal(snap.host["consistent"], 1, f"{engine}: consistent")
    for vm in truth["vms"]:
        equal(snap.anon(vm["pid"]), vm["anon_pages"],
              f"{engine}: anon of {vm['pid']}")
    if by_smaps:
        check_smaps(snap, truth, engine)
    if by_oracle:
        check_oracle(snap, truth, engine)
    if toys:
        check_model(snap, toys, engine)
    if engine == "tree":
        check_identity(snap, truth if by_oracle else None, toys)
    return snap


def check_identity(snap, truth, toys):
    """The permanent self-test, over all processes of the host."""
    seen = snap.host["merged_mappings"] - snap.host["merged_frames"]
    if truth:
        wanted = truth["identity"]["mappings"] - truth["identity"]["frames"]
        equal(seen, wanted, "identity against the oracle")
    if toys:
        equal(seen, toys.identity(), "identity against the model")
    if not snap.host["stale_items"] and not toys_forked(toys):
        equal(seen, host.ksm("pages_sharing"),
              "identity against pages_sharing, with nothing stale")


def toys_forked(toys):
    """Inherited mappings are no items, so KSM does not count them."""
    return toys and any(toy.child for toy in toys.toys)


def check(toys, by_model=True, by_oracle=True, swapped=False):
    """Both engines, the oracle and the model give the same numbers.

    Where pages of one process were inherited by another, the oracle cannot
    everywhere tell inherited frames from merged ones: then without it. Nor can it
    where pages were swapped: then by what smaps says, if that says something else.
    """
    truth = oracle([toy.pid for toy in toys.vms()])
    equal(truth["unreadable_processes"], 0, "processes the oracle could not read")
    if truth["by"] == "ksm-flag":
        by_oracle = True
    by_smaps = swapped and is_misled(truth)
    snaps = [check_engine(engine, truth, toys if by_model else None, by_oracle and not by_smaps, by_smaps)
             for engine in ENGINES]
    equal(snaps[0].sets, snaps[1].sets, "the engines' sets")
    return snaps
