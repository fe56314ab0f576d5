# SPDX-License-Identifier: GPL-2.0
"""Bad input: the documented code, and a sentence that helps."""

import errno
import json
import os
import subprocess

import facts
import host
from case import case, equal, true
from facts import Snapshot, cli
from toy import Toys

# kind -> errors of which one is right; those by generic netlink itself, before
# the family is asked, have no text.
RAW = {
    "unknown-attr": ("EINVAL",), "attr-zero": ("EINVAL",),
    "answer-attr": ("EINVAL",), "info-with-age": ("EINVAL",),
    "host-with-pid": ("EINVAL",), "set-with-pid": ("EINVAL",),
    "wrong-type": ("EINVAL", "ERANGE"), "short-attr": ("EINVAL", "ERANGE"),
    "empty-attr": ("EINVAL", "ERANGE"), "string-for-number": ("EINVAL", "ERANGE"),
    "truncated": ("EINVAL",), "trailing-bytes": ("EINVAL",),
    "nested-flag": ("EINVAL",), "nested-garbage": ("EINVAL",),
    "bad-engine": ("EINVAL", "ERANGE"), "huge-engine": ("EINVAL", "ERANGE"),
    "dump-bad-engine": ("EINVAL", "ERANGE"), "zero-generation": ("ESTALE",),
    "stale-generation": ("ESTALE",), "dump-stale-generation": ("ESTALE",),
    "generation-and-age": ("EINVAL",), "generation-and-engine": ("EINVAL",),
    "no-pid": ("EINVAL",), "unknown-pid": ("ESRCH",), "not-a-vm": ("ESRCH",),
    "track-nothing-named": ("EINVAL",), "track-unknown-hook": ("EINVAL", "ERANGE"),
    "track-all-bits": ("EINVAL", "ERANGE"), "track-with-pid": ("EINVAL",),
    "track-short": ("EINVAL", "ERANGE"), "track-long": ("EINVAL", "ERANGE"),
    "track-nested": ("EINVAL",), "cpu-with-age": ("EINVAL",),
    "cpu-with-hooks": ("EINVAL",), "cpu-zero-pid": ("EINVAL", "ERANGE"),
    "cpu-brief-with-payload": ("EINVAL", "ERANGE"), "vm-brief": ("EINVAL",),
}
RAW_WITHOUT_TEXT = ("bad-command", "command-zero", "event-command", "do-of-dump",
                    "dump-of-do", "track-dump", "cpu-do", "thread-dump",
                    "preemption-dump")


@case()
def malformed_requests():
    with Toys() as toys:
        toys.start("10@1")
        for kind, wanted in RAW.items():
            _, end = facts.nlclient("raw", kind)
            true(end["error"] in wanted, f"{kind}: {end}")
            true(end["extack"], f"{kind} has a text: {end}")
        for kind in RAW_WITHOUT_TEXT:
            _, end = facts.nlclient("raw", kind)
            equal(end["error"], "EOPNOTSUPP", kind)
        facts.nlclient("raw", "huge-age")
        equal(len(Snapshot("tree").vms), 1, "VMs after all that")


@case()
def callers_without_privilege():
    for when in ("--uid", "--uid-after"):
        for words in (["info"], ["host"], ["vm"], ["set"]):
            lines, end = facts.nlclient(*words, when, "65534")
            equal((lines, end["errno"]), ([], errno.EPERM), f"{words} {when}")
    said = subprocess.run(["setpriv", "--reuid", "65534", "--clear-groups",
                           facts.VMSHARE, "list"], capture_output=True, text=True)
    equal(said.returncode, 5, "exit code of list")
    true("root" in said.stderr or "CAP_NET_ADMIN" in said.stderr, said.stderr)


@case()
def verbs_and_values_that_do_not_exist():
    with Toys() as toys:
        toys.start("10@1", options=["--name", "web1"])
        for words in (["lst"], ["list", "--nonsense"], ["list", "-o", "nonsense"],
                      ["list", "-s", "nonsense"], ["--engine", "magic", "list"],
                      ["victim"], ["victim", "--need", "0"],
                      ["victim", "--need", "-1G"], ["victim", "--need", "lots"],
                      ["victim", "--need", "1e9G"], ["victim", "--need", "nan"],
                      ["victim", "--need", "1Q"], ["show"]):
            out = cli(*words, code=2)
            true(len(out.strip()) > 20, f"{words}: {out}")
        said = cli("show", "web2", code=1)
        true("web1" in said, f"near match: {said}")
        said = cli("victim", "--need", "4000T", code=3)
        true("free" in said, f"what could be freed: {said}")
        error = json.loads(cli("victim", "--need", "4000T", "--json", code=3)
                           .splitlines()[0])
        true(error["version"] == 1 and "code" in error["error"], error)


@case()
def documents_that_are_broken():
    for document in ("", "{", "[]", "{}", '{"version": 2}',
                     '{"version":1,"vms":[{"pid":-1}]}',
                     '{"version":1,"vms":[{"pid":1},{"pid":1}],"sets":[]}',
                     '{"version":1,"vms":[],"sets":[{"vms":[7],"outside":false,'
                     '"frames_bytes":1}]}'):
        said = cli("list", "--from", "-", code=1, stdin=document)
        true(len(said.strip()) > 20, f"{document}: {said}")
    cli("list", "--from", "/nonexistent", code=1)


@case()
def module_absent():
    host.unload()
    for words in (["list"], ["matrix"], ["victim", "--need", "1G"], ["snapshot"]):
        said = cli(*words, code=4)
        true("modprobe vmshare" in said, said)
    cli("version")


@case()
def output_that_cannot_be_written():
    with Toys() as toys:
        toys.start("10@1")
        with open("/dev/full", "w") as full:
            done = subprocess.run([facts.VMSHARE, "snapshot"], stdout=full,
                                  stderr=subprocess.PIPE, text=True)
        equal(done.returncode, 1, "exit code with a full disk")
        true(done.stderr.strip(), "it says so")
        reading, writing = os.pipe()
        os.close(reading)
        done = subprocess.run([facts.VMSHARE, "list"], stdout=writing,
                              stderr=subprocess.PIPE, text=True)
        os.close(writing)
        true(done.returncode != 0, "a closed pipe ends it")


def hide_ksm():
    """A mount namespace whose kernel seems to have no KSM."""
    return ["unshare", "--mount", "sh", "-c",
            "mount -t tmpfs none /sys/kernel/mm && exec \"$@\"", "sh"]


@case()
def kernel_without_ksm():
    done = subprocess.run([*hide_ksm(), facts.VMSHARE, "doctor"],
                          capture_output=True, text=True)
    true("KSM" in done.stdout + done.stderr, f"{done}")
