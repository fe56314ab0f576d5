# SPDX-License-Identifier: GPL-2.0
"""The test machine's kernel: KSM's settings, the module, memory, the log."""

import glob
import os
import platform
import subprocess

from case import Failure, wait_for

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
KSM = "/sys/kernel/mm/ksm/"
MEMORY = "/sys/devices/system/memory"
MODULE = f"{TOP}/build/{os.environ.get('VMSHARE_BUILD', platform.release())}/vmshare.ko"


def read(path):
    with open(path) as file:
        return file.read().strip()


def write(path, value):
    with open(path, "w") as file:
        file.write(str(value))


def ksm(name):
    return int(read(KSM + name))


def set_ksm(name, value):
    write(KSM + name, value)


def rest_huge_pages():
    """What would move memory by 2 MiB while VMs stand still: khugepaged fills the holes
    of what it makes huge pages of, any program's first touch may take a huge page, and
    newer kernels take zero-filled parts of huge pages back when caches are dropped.
    VMs that ask for huge pages still get them."""
    huge_pages = "/sys/kernel/mm/transparent_hugepage/"
    for name, value in (("enabled", "madvise"), ("shrink_underused", 0),
                        ("khugepaged/pages_to_scan", 1),
                        ("khugepaged/scan_sleep_millisecs", 3_600_000)):
        if os.path.exists(huge_pages + name):
            write(huge_pages + name, value)


def ksm_defaults():
    """Unmerge everything, then scan fast, when told to."""
    set_ksm("run", 2)
    set_ksm("run", 0)
    for name, value in (("pages_to_scan", 20000), ("sleep_millisecs", 5),
                        ("use_zero_pages", 0), ("smart_scan", 0),
                        ("merge_across_nodes", 1), ("max_page_sharing", 256)):
        if os.path.exists(KSM + name):
            set_ksm(name, value)


def ksm_pass(passes=4):
    """Let ksmd pass over everything so many times, then stop it.

    A page is merged when it was the same in two passes; a pass that was under
    way at the start does not count, and one more drops what went stale.
    """
    wanted = ksm("full_scans") + passes
    set_ksm("run", 1)
    wait_for(lambda: ksm("full_scans") >= wanted, "ksmd to pass", 300)
    set_ksm("run", 0)


def loaded():
    return os.path.exists("/sys/module/vmshare")


def load():
    if not loaded():
        subprocess.run(["insmod", MODULE], check=True)


def unload():
    if loaded():
        subprocess.run(["rmmod", "vmshare"], check=True)


def log():
    return subprocess.run(["dmesg"], capture_output=True, text=True,
                          check=True).stdout


def meminfo():
    """Each line's number: most are KiB."""
    return {key: int(value.split()[0]) for key, value in
            (line.split(":") for line in read("/proc/meminfo").splitlines())}


def free_memory():
    """Bytes nobody uses: on the buddy lists, and on each CPU's own lists.

    MemFree leaves the second out, which on newer kernels may be tens of MiB.
    """
    pages = 0
    for line in read("/proc/zoneinfo").splitlines():
        words = line.split()
        if words[0] in ("nr_free_pages", "count:"):
            pages += int(words[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def swap_disk():
    return "/dev/vda" if os.path.exists("/dev/vda") else None


def numa_nodes():
    return len(glob.glob("/sys/devices/system/node/node[0-9]*"))


def movable_blocks():
    """Directories of the blocks of memory that can be off-lined, as all in them can be moved."""
    return [os.path.dirname(zones) for zones in glob.glob(f"{MEMORY}/memory*/valid_zones")
            if "Movable" in read(zones).split()[:1]]


def needs_swap():
    return None if swap_disk() else "the machine has no disk for swap"


def needs_movable_memory():
    return None if movable_blocks() else "no memory can be off-lined (movablecore=)"


def needs_numa():
    return None if numa_nodes() > 1 else "the machine has one NUMA node"
