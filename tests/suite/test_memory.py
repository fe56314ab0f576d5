# SPDX-License-Identifier: GPL-2.0
"""Who shares which memory: every number against the model and the oracle."""

import concurrent.futures
import contextlib
import ctypes
import mmap
import os
import subprocess
import sys
import threading
import time

import checkers
import host
from case import DEADLINE_FACTOR, Failure, case, equal, true, wait_for
from facts import ENGINES, Snapshot, check, nlclient, oracle
from refusal import Refusal, needs_refusals
from toy import Toys
from yielders import on_cpu

# Three VMs: contents of one's own, of two, of three, and repeated in one.
THREE = (("100@1000", "61@2000", "50@5000", "20@9000+0"),
         ("100@1000", "61@2000", "50@6000"),
         ("61@2000", "50@7000", "100@8888+0", "7@1000"))


def start_three(toys, options=()):
    return [toys.start(*segments, options=options) for segments in THREE]


def merged_three(toys, options=()):
    vms = start_three(toys, options)
    host.ksm_pass()
    toys.merge()
    return vms


@case()
def nothing_is_merged():
    with Toys() as toys:
        start_three(toys)
        check(toys)


@case()
def pages_merged_within_and_between_vms():
    with Toys() as toys:
        merged_three(toys, ["--vcpus", "2"])
        check(toys)


@case()
def mappings_broken_by_writes_and_dropped_with_ksmd_stopped():
    with Toys() as toys:
        a, b, c = merged_three(toys)
        a.poke(0, 10)
        a.poke(100, 6)
        b.dontneed(5, 10)
        b.poke(161, 3)
        c.dontneed(0, 6)
        c.poke(111, 30)
        tree = check(toys)[0]
        true(tree.host["stale_items"] >= 62, "stale items were seen")
        true(tree.host["checked_nodes"] > 0, "their nodes were checked")


@case()
def only_one_mapping_left_of_a_merged_frame():
    with Toys() as toys:
        a, b, _ = merged_three(toys)
        b.poke(0, 100)
        a.poke(100, 61)
        check(toys)


@case()
def process_forked_after_merging():
    with Toys() as toys:
        a = merged_three(toys)[0]
        a.fork()
        check(toys, by_oracle=False)
        a.poke(0, 40)
        check(toys, by_oracle=False)
        a.kill_child()
        check(toys, by_oracle=False)


@case()
def stale_item_and_forked_mapping_on_one_frame():
    """As many items as mappings, and yet not the same."""
    with Toys() as toys:
        a, b, _ = merged_three(toys)
        a.fork()
        b.poke(0, 100)
        check(toys, by_oracle=False)


@case()
def forked_child_keeps_frames_of_an_exited_vm():
    with Toys() as toys:
        merged_three(toys)
        other = toys.start("30@1000", options=["--no-kvm"])
        host.ksm_pass()
        toys.merge()
        other.fork()
        other.poke(0, 30)
        check(toys, by_oracle=False)


@case()
def sharer_exited_before_ksmd_passed():
    with Toys() as toys:
        vms = merged_three(toys)
        toys.end(vms[1])
        tree = check(toys)[0]
        true(tree.host["stale_items"] >= 161, "its items are stale")


@case()
def all_sharers_exited():
    """Nodes whose pages are gone are no frames."""
    with Toys() as toys:
        vms = merged_three(toys)
        last = toys.start("4@1")
        for vm in vms:
            toys.end(vm)
        tree = check(toys)[0]
        equal(tree.host["merged_frames"], 0, "merged frames")
        equal(tree.sets, {}, "sets")
        equal(list(tree.vms), [last.pid], "VMs")


def tree_snapshot():
    """None where the walk was refused: it lasts too long on a slow kernel to find a node that is alive."""
    try:
        return Snapshot("tree")
    except Failure as failure:
        if "EXFULL" not in str(failure):
            raise
        return None


@case()
def a_walk_goes_on_among_dead_nodes():
    """KSM's lock is let go many times, and half the tree's pages are gone: the place to go
    on from must be found by those that are left."""
    with Toys() as toys:
        toys.start("6000@100000", "6000@100000")
        goes = toys.start("6000@200000", "6000@200000")
        host.ksm_pass()
        toys.merge()
        toys.end(goes)
        seen = [snap for snap in (tree_snapshot() for _ in range(50)) if snap]
        for snap in seen:
            equal(snap.sets, toys.sets(), "sets")
            snap.check_sums()
        true(seen or DEADLINE_FACTOR > 1, "no walk came to its end")
        return f"{len(seen)} walks over {seen[-1].host['walk_nodes'] if seen else 0} nodes"


@case()
def process_that_is_no_vm_shares_frames():
    with Toys() as toys:
        start_three(toys)
        toys.start("30@1000", "5@2000", "9@70000+0", options=["--no-kvm"])
        host.ksm_pass()
        toys.merge()
        tree = check(toys)[0]
        true(any(outside for _, outside in tree.sets), "some sets reach outside")


@case()
def process_that_is_no_vm_forked():
    with Toys() as toys:
        start_three(toys)
        other = toys.start("30@1000", options=["--no-kvm"])
        host.ksm_pass()
        toys.merge()
        other.fork()
        check(toys, by_oracle=False)


@case()
def one_content_on_more_mappings_than_a_node_takes():
    with Toys() as toys:
        toys.start("1800@42+0", "10@1000")
        toys.start("700@42+0", "10@1000")
        host.ksm_pass(6)
        tree = check(toys, by_model=False)[0]
        frames = sum(tree.sets.values())
        true(frames - 10 >= 2500 / 256, f"{frames} frames, in chains")
        shared = sum(sum(tree.shares(toy.pid)[::2]) for toy in toys.vms())
        equal(shared, 2520, "merged mappings")


@case()
def chains_with_broken_mappings():
    with Toys() as toys:
        a = toys.start("1800@42+0")
        toys.start("700@42+0")
        host.ksm_pass(6)
        a.poke(0, 900)
        check(toys, by_model=False)


def needs_speed():
    """For each page ksmd goes through all frames that it might be merged with."""
    return "merging takes too long on a kernel that checks itself" if checkers.slows_down() else None


@case(needs=needs_speed)
def a_chain_longer_than_a_list():
    """More frames of one content than there is room for when a walk begins."""
    host.set_ksm("max_page_sharing", 2)
    with Toys() as toys:
        toys.start("5000@42+0", "20@1000")
        toys.start("5000@42+0", "20@1000")
        host.ksm_pass(3)
        tree = check(toys, by_model=False)[0]
        true(sum(tree.sets.values()) > 4096 + 20, f"sets: {tree.sets}")


SHARERS = 9


@case()
def answers_larger_than_a_message():
    """Each subset of some VMs has a page of its own: sets and VCPUs by the hundred."""
    contents = [[] for _ in range(SHARERS)]
    for subset in range(1, 1 << SHARERS):
        for vm in range(SHARERS):
            if subset >> vm & 1:
                contents[vm].append(f"1@{1000 + subset}")
    with Toys() as toys:
        for segments in contents:
            toys.start(*segments, options=["--vcpus", "40", "--pause", "1000000"])
        host.ksm_pass()
        toys.merge()
        for snap in check(toys):
            equal(len(snap.sets), (1 << SHARERS) - 1 - SHARERS, "sets")
            equal(len({(vcpu["pid"], vcpu["vcpu_id"]) for vcpu in snap.vcpus}), 40 * SHARERS, "VCPUs")
            equal(len(snap.vcpus), 40 * SHARERS, "VCPUs that were told")


@case()
def zero_pages_merged_like_others():
    with Toys() as toys:
        toys.start("150@0+0", "20@1000")
        toys.start("100@0+0", "20@1000")
        host.ksm_pass()
        toys.merge()
        check(toys)


@case()
def zero_pages_merged_with_the_zero_page():
    host.set_ksm("use_zero_pages", 1)
    with Toys() as toys:
        toys.start("150@0+0", "20@1000")
        toys.start("100@0+0", "20@1000")
        host.ksm_pass()
        toys.merge(zero_pages=True)
        check(toys)


@case()
def mappings_split_by_other_advice():
    with Toys() as toys:
        a = merged_three(toys)[0]
        a.tell("split 20 50")
        tree = check(toys)[0]
        equal(tree.host["checked_nodes"], 0, "splitting is no reason to check")


@case()
def unmerged_again_by_advice():
    with Toys() as toys:
        a = merged_three(toys)[0]
        a.tell("unmergeable 0 50")
        for i in range(50):
            a.frames[i] = ("own", a.pid, i)
        check(toys)


@case()
def huge_pages_are_unique():
    with Toys() as toys:
        toys.start("2048@100000", options=["--thp"])
        merged_three(toys)
        check(toys)


@contextlib.contextmanager
def pool_of_huge_pages(pages):
    pool = "/proc/sys/vm/nr_hugepages"
    host.write(pool, pages)
    try:
        equal(int(host.read(pool)), pages, "huge pages in the pool")
        yield
    finally:
        host.write(pool, 0)


@case()
def guest_memory_in_the_hugetlb_pool():
    """It is counted apart: KSM never merges it, and its pages go back to the pool."""
    with pool_of_huge_pages(3), Toys() as toys:
        vm = toys.start("1536@1000", options=["--hugetlb"])
        merged_three(toys)
        for engine in ENGINES:
            snap = Snapshot(engine)
            snap.check_sums()
            equal(snap.sets, toys.sets(), f"{engine}: sets")
            equal({pid: seen["hugetlb_bytes"] for pid, seen in snap.vms.items()},
                  {toy.pid: 1536 * 4096 if toy is vm else 0 for toy in toys.vms()}, f"{engine}: hugetlb pages")
            true(snap.anon(vm.pid) < 1536, f"{engine}: they are not anonymous memory")
            equal(snap.vms[vm.pid]["inter_shared_bytes"], 0, f"{engine}: nor are they shared")


@case()
def guest_memory_in_a_memfd():
    with Toys() as toys:
        vm = toys.start("700@100000", options=["--memfd"])
        merged_three(toys)
        for snap in check(toys):
            seen = snap.vms[vm.pid]
            true(seen["shmem_bytes"] >= 700 * 4096, "it is resident")
            equal(seen["private_shmem_bytes"], 700 * 4096, "it goes with the VM")


@case()
def guest_memory_in_a_memfd_that_stays_open():
    """As with QEMU: the descriptor is the VM's own, and goes with it."""
    with Toys() as toys:
        vm = toys.start("700@100000", options=["--open-memfd"])
        true(any("memfd:" in os.readlink(f"/proc/{vm.pid}/fd/{fd}") for fd in os.listdir(f"/proc/{vm.pid}/fd")),
             "it is open")
        for snap in check(toys):
            equal(snap.vms[vm.pid]["private_shmem_bytes"], 700 * 4096, "it goes with the VM")


@case()
def guest_memory_in_a_memfd_mapped_piece_by_piece():
    """More mappings than are looked at in one hold of the lock."""
    with Toys() as toys:
        vm = toys.start("700@100000", options=["--memfd"])
        for page in range(0, 700, 2):
            vm.tell(f"split {page} 1")
        with open(f"/proc/{vm.pid}/maps") as maps:
            true(sum("memfd:" in line for line in maps) >= 700, "pieces")
        equal(Snapshot("tree").vms[vm.pid]["private_shmem_bytes"], 700 * 4096, "it goes with the VM")


@case()
def guest_memory_copied_from_a_memfd():
    """The copies are anonymous, and merge like any; the file's pages are there besides."""
    with Toys() as toys:
        vm = toys.start("700@100000", "61@2000", options=["--private-memfd"])
        merged_three(toys)
        for snap in check(toys):
            seen = snap.vms[vm.pid]
            equal(seen["private_shmem_bytes"], 761 * 4096, "it goes with the VM")
            equal(seen["inter_shared_bytes"], 61 * 4096, "and the copies are merged")


@case()
def memfd_that_another_process_keeps_open():
    with Toys() as toys:
        vm = toys.start("700@100000", options=["--memfd"])
        files = f"/proc/{vm.pid}/map_files"
        held = [f"{files}/{name}" for name in os.listdir(files)
                if "memfd:" in os.readlink(f"{files}/{name}")]
        with open(held[0], "rb"):
            for engine in ("tree", "pages"):
                equal(Snapshot(engine).vms[vm.pid]["private_shmem_bytes"], 0,
                      "private while it is open elsewhere")
        equal(Snapshot("tree").vms[vm.pid]["private_shmem_bytes"], 700 * 4096,
              "private after that")


SYS_PIDFD_GETFD = 438


@contextlib.contextmanager
def handed_over(vm):
    """The VM's own opening of its memfd, as a device in a process of its own gets it."""
    libc = ctypes.CDLL(None, use_errno=True)
    fds = f"/proc/{vm.pid}/fd"
    number = next(int(fd) for fd in os.listdir(fds) if "memfd:" in os.readlink(f"{fds}/{fd}"))
    pidfd = os.pidfd_open(vm.pid)
    got = libc.syscall(SYS_PIDFD_GETFD, pidfd, number, 0)
    os.close(pidfd)
    true(got >= 0, f"it is handed over ({os.strerror(ctypes.get_errno())})")
    try:
        yield
    finally:
        os.close(got)


@case()
def memfd_that_is_handed_over():
    with Toys() as toys:
        vm = toys.start("700@100000", options=["--open-memfd"])
        with handed_over(vm):
            for engine in ENGINES:
                equal(Snapshot(engine).vms[vm.pid]["private_shmem_bytes"], 0, "private while others have it")
        equal(Snapshot("tree").vms[vm.pid]["private_shmem_bytes"], 700 * 4096, "private after that")


@case()
def memfd_that_is_handed_over_and_mapped_and_unmapped_all_the_time():
    """A mapping that is counted, and goes, is not taken for what somebody else has. There are
    more than are looked at in one hold of the lock."""
    with Toys() as toys:
        vm = toys.start("700@100000", options=["--remaps"])
        for page in range(0, 700, 2):
            vm.tell(f"split {page} 1")
        with handed_over(vm):
            seen = {Snapshot("tree").vms[vm.pid]["private_shmem_bytes"] for _ in range(50)}
            equal(seen, {0}, "private while others have it")


@case()
def guest_memory_in_a_file_that_had_two_names():
    """Who has opened it by the other one keeps it."""
    one, other = "/dev/shm/vmshare-one", "/dev/shm/vmshare-other"
    with Toys() as toys:
        with open(one, "w"):
            os.link(one, other)
            vm = toys.start("700@100000", options=["--file", other])
            os.unlink(one)
            os.unlink(other)
            for engine in ENGINES:
                equal(Snapshot(engine).vms[vm.pid]["private_shmem_bytes"], 0, "private while it is open")
        equal(Snapshot("tree").vms[vm.pid]["private_shmem_bytes"], 700 * 4096, "private after that")


@contextlib.contextmanager
def swappable():
    """What is started inside can be pushed out: memory belongs to a cgroup."""
    path = "/sys/fs/cgroup/vmshare-test"
    own = "/sys/fs/cgroup/cgroup.procs"
    host.write("/sys/fs/cgroup/cgroup.subtree_control", "+memory")
    os.makedirs(path, exist_ok=True)
    host.write(f"{path}/cgroup.procs", os.getpid())
    with Toys() as toys:
        try:
            merged_three(toys)
            host.write(own, os.getpid())
            yield toys, lambda: swap_out(path)
        finally:
            host.write(own, os.getpid())


def swap_out(path):
    """Push out as much as goes. Return: how many pages went."""
    for _ in range(3):
        try:
            host.write(f"{path}/memory.reclaim", "64M")
        except OSError:
            pass  # EAGAIN: not all of it; what went out is seen in the VMs
    swapped = sum(vm["swap_bytes"] for vm in Snapshot("tree").vms.values()) // 4096
    true(swapped > 50, f"only {swapped} pages were swapped out")
    return swapped


@case(needs=host.needs_swap)
def pages_swapped_out_and_in_again():
    with swappable() as (toys, swap_out_now):
        a, b, c = toys.vms()
        swapped = swap_out_now()
        check(toys, by_model=False, swapped=True)
        a.tell("read 0 100")
        check(toys, by_model=False, swapped=True)
        b.tell("read 0 161")
        c.tell("read 0 61")
        check(toys, by_model=False, swapped=True)
        return f"{swapped} pages swapped"


@case(needs=host.needs_swap)
def ksmd_passes_while_pages_are_swapped_out():
    """Then mappings come back that have no item."""
    with swappable() as (toys, swap_out_now):
        a, b, _ = toys.vms()
        swap_out_now()
        host.ksm_pass(2)
        a.tell("read 0 231")
        b.tell("read 0 211")
        check(toys, by_model=False, swapped=True)
        a.poke(0, 30)
        check(toys, by_model=False, swapped=True)


def start_on_nodes(toys):
    """Each VM's memory on the NUMA node of one CPU."""
    cpus = sorted(os.sched_getaffinity(0))
    for i, segments in enumerate(THREE + THREE):
        os.sched_setaffinity(0, {cpus[i % 2]})
        toys.start(*segments)
    os.sched_setaffinity(0, cpus)


@case(needs=host.needs_numa)
def numa_nodes_merged_apart():
    host.set_ksm("merge_across_nodes", 0)
    with Toys() as toys:
        start_on_nodes(toys)
        host.ksm_pass()
        tree = check(toys, by_model=False)[0]
        pids = [toy.pid for toy in toys.vms()]
        halves = {tuple(sorted(pids[::2])), tuple(sorted(pids[1::2]))}
        for vms, _ in tree.sets:
            true(any(set(vms) <= set(half) for half in halves),
                 f"{vms} are on one node")


@case(needs=host.needs_numa)
def numa_nodes_merged_together():
    with Toys() as toys:
        start_on_nodes(toys)
        host.ksm_pass()
        toys.merge()
        check(toys)


def migrate(pid, source, target):
    """migrate_pages(2) of every page, shared ones as well."""
    libc = ctypes.CDLL(None, use_errno=True)
    masks = [ctypes.c_ulong(1 << node) for node in (source, target)]
    if libc.syscall(256, pid, 64, *map(ctypes.byref, masks)) < 0:
        raise OSError(ctypes.get_errno(), "migrate_pages")


@case(needs=host.needs_numa)
def frames_moved_to_another_numa_node():
    host.set_ksm("merge_across_nodes", 0)
    with Toys() as toys:
        start_on_nodes(toys)
        host.ksm_pass()
        for toy in toys.vms()[::2]:
            migrate(toy.pid, 0, 1)
        check(toys, by_model=False)
        host.set_ksm("pages_to_scan", 60)
        scans = host.ksm("full_scans")
        host.set_ksm("run", 1)
        wait_for(lambda: host.ksm("full_scans") > scans, "ksmd to pass")
        host.set_ksm("run", 0)
        check(toys, by_model=False)


def block_of(address):
    """The block of memory that an address of this process is in."""
    with open("/proc/self/pagemap", "rb") as pagemap:
        pagemap.seek(address // mmap.PAGESIZE * 8)
        frame = int.from_bytes(pagemap.read(8), sys.byteorder) & ((1 << 55) - 1)
    return f"{host.MEMORY}/memory{frame * mmap.PAGESIZE // int(host.read(f'{host.MEMORY}/block_size_bytes'), 16)}"


def movable_page(memory):
    """The address of a page of that mapping in a block of memory that can be off-lined. Memory
    comes from the node of the CPU that touches it, and not every node has such blocks."""
    begin = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    movable = host.movable_blocks()
    cpus = sorted(os.sched_getaffinity(0))
    part = len(memory) // mmap.PAGESIZE // len(cpus)
    for number, cpu in enumerate(cpus):
        with on_cpu(cpu):
            for page in range(number * part, (number + 1) * part):
                memory[page * mmap.PAGESIZE] = 1
                if block_of(begin + page * mmap.PAGESIZE) in movable:
                    return begin + page * mmap.PAGESIZE
    raise Failure("no page is in memory that can be moved")


@contextlib.contextmanager
def pinned_page():
    """The block of memory of a page that cannot be moved, as a pipe holds it, among pages that can."""
    memory = mmap.mmap(-1, 4096 * mmap.PAGESIZE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    page = movable_page(memory)
    ends = os.pipe()
    vector = (ctypes.c_size_t * 2)(page, mmap.PAGESIZE)
    try:
        equal(ctypes.CDLL(None).vmsplice(ends[1], vector, ctypes.c_size_t(1), 0), mmap.PAGESIZE, "bytes in the pipe")
        yield block_of(page)
    finally:
        for end in ends:
            os.close(end)


PAGES_ENGINE = 2  # VMSHARE_ENGINE_PAGES
KSM_OFFLINE = 4  # of ksm/run, while memory is being off-lined


@contextlib.contextmanager
def off_lining(block):
    asker = subprocess.Popen(["sh", "-c", f"echo offline > {block}/state"], stderr=subprocess.DEVNULL)
    try:
        yield asker
    finally:
        asker.kill()
        asker.wait()


def has_begun(asker):
    """KSM is told when all in the block could be moved a moment ago; else off-lining has ended."""
    wait_for(lambda: host.ksm("run") & KSM_OFFLINE or asker.poll() is not None, "KSM to be told")
    return asker.poll() is None


@contextlib.contextmanager
def memory_being_off_lined():
    """Without end, as a page in it cannot be moved. Some other page may be in use when it
    begins, and end it at once: then another block is tried, or the same once more."""
    for _ in range(20):
        with pinned_page() as block, off_lining(block) as asker:
            if not has_begun(asker):
                continue
            yield
            equal(asker.poll(), None, "how off-lining ended")
        equal(host.read(f"{block}/state"), "online", "the block in the end")
        return
    raise Failure("off-lining has ended at once each time")


def consistent_snapshot(engine):
    """Pages that are just being moved are in none, and it says so."""
    def look():
        snap = Snapshot(engine)
        return snap if snap.host["consistent"] else None
    return wait_for(look, f"a consistent snapshot by {engine}")


@case(needs=host.needs_movable_memory)
def a_walk_while_memory_is_off_lined():
    """KSM's trees change without its lock then: the tree engine waits, and says why it gives
    up; who leaves the choice of the engine to the module gets the other one's answer."""
    with Toys() as toys:
        merged_three(toys)
        with memory_being_off_lined():
            _, end = nlclient("host", "--engine", "tree")
            equal(end["error"], "EBUSY", "the tree engine")
            true("memory is being off-lined" in end["extack"], end["extack"])
            for engine in ("pages", "auto"):
                snap = consistent_snapshot(engine)
                equal(snap.host["engine"], PAGES_ENGINE, "engine")
                equal(snap.sets, toys.sets(), "sets")
        check(toys)


def look_for_who_is_no_vm(look):
    """There are VMs alone. Return: whether the snapshot is called consistent."""
    snap = Snapshot("pages")
    if snap.host["consistent"]:
        equal([members for members, outside in snap.sets if outside], [],
              f"sets with somebody who is no VM, look {look}")
    return snap.host["consistent"]


@case()
def nobody_is_made_up_while_ksmd_merges():
    """A page merged behind the pages engine's back, with one of a VM that it has yet to look
    at, would seem to be shared with a process that is no VM."""
    with Toys() as toys:
        for _ in range(3):
            toys.start("4000@1")
        host.set_ksm("pages_to_scan", 40)
        host.set_ksm("sleep_millisecs", 20)
        host.set_ksm("run", 1)
        looks = consistent = 0
        deadline = time.monotonic() + 120 * DEADLINE_FACTOR
        while host.ksm("pages_sharing") < 7900:
            true(time.monotonic() < deadline, "ksmd merges them in time")
            looks += 1
            consistent += look_for_who_is_no_vm(looks)
        return f"{looks} looks, {consistent} at what did not change"


@contextlib.contextmanager
def written_page_by_page(vm, pages):
    """Each page gets a content of its own, by a thread of ours, until all have."""
    def write():
        for page in range(pages):
            vm.poke(page, 1)
    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield thread
    finally:
        thread.join()


@case()
def nobody_is_made_up_while_guests_write():
    """A page that a VM writes to after another VM with it was looked at is mapped by that one
    alone: not by it and a process that is no VM. ksmd stands still, so its counters do, too."""
    with Toys() as toys:
        vms = [toys.start("3000@1") for _ in range(2)]
        host.ksm_pass()
        toys.merge()
        host.set_ksm("run", 0)
        looks = consistent = 0
        with written_page_by_page(vms[1], 3000) as thread:
            while thread.is_alive():
                looks += 1
                consistent += look_for_who_is_no_vm(looks)
        snap = Snapshot("pages")
        true(snap.host["consistent"], "when all are written, nothing changes")
        equal(snap.sets, {((vms[0].pid,), False): 3000}, "and the frames are one VM's own")
        return f"{looks} looks, {consistent} called consistent"


# A VM of no memory to speak of, with a lot of address space.
STRANGE = """
import ctypes, fcntl, mmap, os, sys, time
libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
vm = fcntl.ioctl(os.open("/dev/kvm", os.O_RDWR), 0xae01, 0)  # KVM_CREATE_VM
MAP_NORESERVE = 0x4000
def reserve(size):
    at = libc.mmap(None, size, mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
    assert at not in (None, 2 ** 64 - 1), os.strerror(ctypes.get_errno())
    return at
{space}
print("ready", flush=True)
time.sleep(100000)
"""

# Merged with those of others that have the same; and memory that takes its time to be given
# back, below it, so that it is given back first.
SHARED_PAGES = 3000
SHARED = f"""
at = reserve({SHARED_PAGES} * 4096)
assert not libc.madvise(ctypes.c_void_p(at), ctypes.c_size_t({SHARED_PAGES} * 4096), 12)  # MADV_MERGEABLE
for page in range({SHARED_PAGES}):
    ctypes.c_uint64.from_address(at + page * 4096).value = page + 1
"""
BALLAST = """
at = reserve(500 << 20)
assert not libc.madvise(ctypes.c_void_p(at), ctypes.c_size_t(500 << 20), 15)  # MADV_NOHUGEPAGE
ctypes.memset(at, 1, 500 << 20)
"""

# 64 TiB that it does not use, but for one page.
HOLE = "ctypes.memset(reserve(64 << 40) + (32 << 40), 1, 1)"

# As many mappings as a process may have, hardly any of them used.
MAPPINGS = """
at = reserve(60000 * 4096)
for page in range(0, 60000, 2):
    assert not libc.mprotect(at + page * 4096, 4096, mmap.PROT_READ)
"""


@contextlib.contextmanager
def strange(space):
    with subprocess.Popen([sys.executable, "-c", STRANGE.format(space=space)],
                          stdout=subprocess.PIPE, text=True) as process:
        try:
            equal(process.stdout.readline().strip(), "ready", "a VM with much address space")
            yield process
        finally:
            process.kill()


@case()
def a_hole_of_terabytes_costs_nothing():
    """A mapping that is nearly all hole is walked by its tables, not by its size."""
    with Toys() as toys, strange(HOLE):
        toys.start("100@1")
        began = time.monotonic()
        snap = Snapshot("pages")
        true(time.monotonic() - began < 5 * DEADLINE_FACTOR, "it does not take as long as 2^25 steps")
        true(snap.host["consistent"], "and is of one instant")


def not_by_instructions():
    return (None if os.environ.get("VMSHARE_CLOCK") == "instructions" and os.cpu_count() == 1
            else "a hold is as long as it takes only on one CPU by a clock of instructions")


@case(needs=not_by_instructions)
def locks_are_let_go_after_milliseconds():
    """KSM's, among thousands of merged pages and the items of who is gone; a VM's, among tens
    of thousands of its mappings. A walk that is preempted holds them for longer: of a few the
    best counts."""
    with Toys() as toys, strange(MAPPINGS):
        toys.start("6000@100000", "6000@100000", "3000@7+0")
        goes = toys.start("6000@100000", "3000@200000", "3000@200000")
        host.ksm_pass()
        toys.merge()
        toys.end(goes)
        longest = {engine: min(Snapshot(engine).host["longest_hold_ns"] for _ in range(5))
                   for engine in ("tree", "pages")}
        for engine, ns in longest.items():
            true(ns < 3e6, f"{engine} holds a lock for {ns / 1e6:.2f} ms")
        return ", ".join(f"{engine} {ns / 1e6:.2f} ms" for engine, ns in longest.items())


def looks_while_torn_down():
    """Of two VMs with the same pages one is killed. Return: looks at the other meanwhile, and how
    many of them were called consistent."""
    looks = consistent = 0
    with strange(SHARED) as stays, strange(SHARED + BALLAST) as goes:
        host.ksm_pass()
        equal(Snapshot("tree").sets, {(tuple(sorted([stays.pid, goes.pid])), False): SHARED_PAGES}, "merged")
        goes.kill()
        while goes.poll() is None:
            snap = Snapshot("tree")
            looks += 1
            if snap.host["consistent"]:
                consistent += 1
                true(not any(outside for _, outside in snap.sets), f"look {looks}: {snap.sets}")
        snap = Snapshot("tree")
        equal((snap.host["consistent"], snap.sets), (True, {((stays.pid,), False): SHARED_PAGES}), "when it is gone")
    return looks, consistent


@case()
def who_is_being_torn_down_is_nobody():
    """The memory of a VM that was killed is mapped until it is all given back, when no process
    has it any more: it is not shared with one that is no VM."""
    for _ in range(5):
        looks, consistent = looks_while_torn_down()
        if consistent < looks:
            return f"{looks} looks, {consistent} called consistent"
    raise Failure("nobody has looked while it was torn down")


FORKED_LOOKS = 50


def fork_again_and_again(vm, until):
    forks = 0
    while not until.is_set():
        vm.fork()
        vm.kill_child()
        forks += 1
    return forks


@case()
def forks_while_it_is_walked_hide_no_stale_items():
    """Of two VMs that had the same pages one has written all. A child of the other has as many
    mappings of each page as there are items that are stale, but it is no VM."""
    with Toys() as toys, concurrent.futures.ThreadPoolExecutor() as pool:
        stays = toys.start("3000@100000")
        writes = toys.start("3000@100000")
        host.ksm_pass()
        writes.poke(0, 3000)
        done = threading.Event()
        forks = pool.submit(fork_again_and_again, stays, done)
        consistent = 0
        try:
            for look in range(FORKED_LOOKS):
                snap = Snapshot("tree")
                if snap.host["consistent"]:
                    consistent += 1
                    equal([vms for vms, _ in snap.sets if writes.pid in vms], [], f"sets of who has nothing, look {look}")
        finally:
            done.set()
        return f"{FORKED_LOOKS} looks, {consistent} called consistent, {forks.result()} forks"


@case(needs=needs_refusals)
def a_vm_that_is_stuck_with_its_mappings_holds_nobody_up():
    """Its mmap lock cannot be had; what of its shared memory goes with it is not known then, and
    the snapshot says that it is not of one instant."""
    with Toys() as toys:
        vm = toys.start("700@100000", options=["--memfd"])
        other = toys.start("100@1")
        with Refusal("down_read_trylock") as refusal:
            snap = Snapshot("tree")
            true(refusal.refused() > 20, f"the lock was refused {refusal.refused()} times")
        equal((snap.host["consistent"], snap.vms[vm.pid]["private_shmem_bytes"]), (0, 0), "what is told of it")
        equal(snap.anon(other.pid), Snapshot("tree").anon(other.pid), "what is told of another")
        snap = Snapshot("tree")
        equal((snap.host["consistent"], snap.vms[vm.pid]["private_shmem_bytes"]), (1, 700 * 4096), "and after that")


@case(needs=needs_refusals)
def nobody_is_waited_for_where_all_is_told_by_items():
    """Nor for frames that are left over, which have mappings without items."""
    with Toys() as toys:
        vms = merged_three(toys)
        vms[0].fork()
        vms[1].poke(0, 10)
        with Refusal("down_read_killable", "EINTR") as refusal:
            Snapshot("tree").check_sums()
            equal(refusal.refused(), 0, "mmap locks that were waited for")
        for snap in check(toys, by_oracle=False):
            true(snap.host["consistent"], "it is of one instant")


# Reads 2 MiB of a process again and again, in one call that takes seconds. Newer kernels take
# what is read so out of KSM.
READER = """
import ctypes, os, sys
pid, at = int(sys.argv[1]), int(sys.argv[2])
class iovec(ctypes.Structure):
    _fields_ = ("base", ctypes.c_void_p), ("len", ctypes.c_size_t)
size, times = 2 << 20, 1023
buffer = ctypes.create_string_buffer(size)
into = (iovec * times)(*[(ctypes.addressof(buffer), size)] * times)
of = (iovec * times)(*[(at, size)] * times)
print("reads", flush=True)
ctypes.CDLL(None).process_vm_readv(pid, into, times, of, times, 0)
"""


def system_ticks(pid):
    return int(host.read(f"/proc/{pid}/stat").rpartition(")")[2].split()[12])


@contextlib.contextmanager
def reader(vm, page):
    """Who uses a VM's address space, also when the VM has ended."""
    with subprocess.Popen([sys.executable, "-c", READER, str(vm.pid), str(vm.vm.address + page * 4096)],
                          stdout=subprocess.PIPE, text=True) as process:
        try:
            equal(process.stdout.readline().strip(), "reads", "the reader")
            began = system_ticks(process.pid)
            wait_for(lambda: system_ticks(process.pid) > began + 10, "it to be in its call")
            yield process
        finally:
            process.kill()


@case(needs=host.needs_swap)
def who_is_read_while_it_dies_is_nobody():
    """With a page in swap, so that no item of it is believed without its page table."""
    with Toys() as toys:
        stays = toys.start("600@100000")
        goes = toys.start("600@100000", "1@5", "512@200000")
        host.ksm_pass()
        goes.tell("pageout 600 1")
        equal(Snapshot("tree").vms[goes.pid]["swap_bytes"], 4096, "what is in swap")
        with reader(goes, 601) as process:
            toys.end(goes)
            snap = Snapshot("tree")
            equal(process.poll(), None, "it is still read")
            true(not snap.host["consistent"], f"what is said while its memory is mapped by nobody: {snap.sets}")
            true(snap.host["checked_nodes"] >= 600, "items are believed")
        wait_for(lambda: Snapshot("tree").host["consistent"], "the memory to be given back")
        equal(Snapshot("tree").sets, {((stays.pid,), False): 600}, "when it is gone")


@case()
def sums_hold_while_ksmd_runs_and_guests_write():
    with Toys() as toys:
        vms = start_three(toys, ["--vcpus", "2"])
        host.set_ksm("pages_to_scan", 200)
        host.set_ksm("run", 1)
        for i in range(6):
            vms[i % 3].tell(f"write {i} 20 {3000 + i}")
            for engine in ("tree", "pages"):
                Snapshot(engine).check_sums()
        host.set_ksm("run", 0)
        seen = oracle([vm.pid for vm in vms])
        snap = Snapshot("tree")
        for vm in seen["vms"]:
            equal(snap.anon(vm["pid"]), vm["anon_pages"], "anon at the end")
