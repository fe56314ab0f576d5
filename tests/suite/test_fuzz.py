# SPDX-License-Identifier: GPL-2.0
"""Forged netlink messages by the thousand, while there are VMs to tell of."""

import json
import os
import random
import subprocess

import facts
from case import Failure, case, equal, true
from facts import ENGINES, Snapshot
from test_memory import merged_three
from toy import Toys
from tracked import attached

# What a strict family refuses most of; all come in a few thousand messages.
WANTED = ("EINVAL", "ERANGE", "EOPNOTSUPP", "ESRCH", "ESTALE")


def fuzz(seed, messages):
    done = subprocess.run([facts.NLCLIENT, "--seed", str(seed), "--messages", str(messages), "fuzz"],
                          capture_output=True, text=True)
    if done.returncode:
        raise Failure(f"seed {seed}: {done.stdout}{done.stderr}")
    return json.loads(done.stdout)


@case()
def forged_messages_by_the_thousand():
    """VMSHARE_FUZZ_MESSAGES and VMSHARE_FUZZ_SEED: how many, and the same again."""
    messages = int(os.environ.get("VMSHARE_FUZZ_MESSAGES", 10000))
    seed = int(os.environ.get("VMSHARE_FUZZ_SEED", random.randrange(1 << 32)))
    with Toys() as toys:
        merged_three(toys, ["--vcpus", "2"])
        said = fuzz(seed, messages)
        equal(said["datagrams"], messages, "datagrams sent")
        true(said["acks"] and said["answers"] and said["done"], f"some are right: {said}")
        true(all(said["errors"].get(name) for name in WANTED), f"each refusal was met: {said}")
        equal(attached(), 0, "hooks that a forged message asked for")
        for engine in ENGINES:
            snap = Snapshot(engine)
            snap.check_sums()
            equal(len(snap.vms), 3, f"VMs by {engine}")
        answers = ", ".join(f"{count} {name}" for name, count in sorted(said["errors"].items()))
        return (f"seed {seed}: {said['messages']} messages, {said['acks']} acks, "
                f"{said['done']} dumps, {answers}")
