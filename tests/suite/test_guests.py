# SPDX-License-Identifier: GPL-2.0
"""Real guests: QEMU, KVM and Linux, with KSM on."""

import contextlib
import os
import signal
import subprocess

import host
from case import Failure, case, true, wait_for
from facts import Snapshot, check_oracle, cli, oracle
from test_freed import MIB, Freed, check_freed, freed_of_set, rollup

LINUXVM = f"{host.TOP}/tests/guest/linuxvm"


class Guest:
    def __init__(self, name, own, shared=16):
        self.name = name
        self.words = [LINUXVM, "--name", name, "--shared", str(shared), "--own", str(own)]
        self.start()

    def start(self):
        self.process = subprocess.Popen(self.words, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)

    def wait_ready(self):
        """Emulated twice over, a guest's own kernel does not always come up."""
        for _ in range(3):
            answer = self.process.stdout.readline().split()
            if answer and answer[0] == "ready":
                self.pid = int(answer[1])
                return
            self.end()
            self.start()
        raise Failure(f"guest {self.name} did not come up: {answer}")

    def end_qemu(self):
        """End QEMU alone; what started it, and its files, stay until end()."""
        os.kill(self.pid, signal.SIGKILL)
        wait_for(lambda: " Z " in host.read(f"/proc/{self.pid}/stat")
                 and len(os.listdir(f"/proc/{self.pid}/task")) == 1,
                 "QEMU to end, with all its threads")

    def end(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


@contextlib.contextmanager
def three_guests():
    guests = [Guest(name, own) for name, own in
              (("web1", 6), ("web2", 9), ("db", 13))]
    try:
        for guest in guests:
            guest.wait_ready()
        yield guests
    finally:
        for guest in guests:
            if guest.process.poll() is None:
                guest.end()


def merge_guests():
    """Until ksmd finds nothing more, then stop it."""
    last = [0]

    def settled():
        scans = host.ksm("full_scans")
        wait_for(lambda: host.ksm("full_scans") > scans, "ksmd to pass", 400)
        seen = host.ksm("pages_sharing")
        same = seen > 1000 and abs(seen - last[0]) < seen // 50
        last[0] = seen
        return same
    host.set_ksm("run", 1)
    wait_for(settled, "ksmd to merge", 900)
    host.set_ksm("run", 0)


def stop(guests):
    """Guests that stand still can be compared page for page."""
    for guest in guests:
        os.kill(guest.pid, signal.SIGSTOP)
    for guest in guests:
        wait_for(lambda: all(
            " T " in host.read(f"/proc/{guest.pid}/task/{task}/stat")
            for task in os.listdir(f"/proc/{guest.pid}/task")), "it to stop")


def needs_speed():
    return None if os.environ.get("VMSHARE_GUESTS") else \
        "real guests have a test machine of their own"


@case(needs=needs_speed)
def three_real_guests_page_for_page():
    with three_guests() as guests:
        merge_guests()
        names = cli("list")
        for guest in guests:
            true(guest.name in names, f"{guest.name} is listed: {names}")
        stop(guests)
        pids = [guest.pid for guest in guests]
        truth = oracle(pids)
        for engine in ("tree", "pages"):
            snap = Snapshot(engine)
            snap.check_sums()
            check_oracle(snap, truth, engine)
        true(cli("doctor", "--verify"), "both engines agree")
        shared = sum(snap.sets.values()) * 4096 / MIB
        texts = [f"{len(snap.sets)} sets over {shared:.1f} MiB of frames",
                 end_guests(guests[:1], snap), end_guests(guests[1:], Snapshot("tree"))]
        return "; ".join(texts)


def end_guests(guests, snap):
    """Promised against really freed, for real guests."""
    pids = [guest.pid for guest in guests]
    promised = freed_of_set(snap, pids)
    others = [sum(column) for column in zip(*(rollup(pid) for pid in pids))]
    freed = Freed()
    for guest in guests:
        guest.end_qemu()
    really = freed.really()
    text = (f"{'+'.join(g.name for g in guests)}: promised {promised / MIB:.2f} MiB,"
            f" freed {really / MIB:.2f} MiB; RSS said {others[0] / MIB:.2f}, "
            f"PSS {others[1] / MIB:.2f}, USS {others[2] / MIB:.2f}")
    check_freed(really, promised, text, freed)
    return text
