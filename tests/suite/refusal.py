# SPDX-License-Identifier: GPL-2.0
"""Functions of the kernel's that fail when the module calls them (tests/kmod/refuse)."""

import errno
import functools
import os
import platform
import subprocess

import host

PARAMETERS = "/sys/module/refuse/parameters"
MODULE = f"{host.TOP}/build/{platform.release()}/refuse.ko"


def needs_refusals():
    return None if os.path.exists(MODULE) else f"{MODULE} is not built"


@functools.cache
def kvmalloc():
    """Its name: what it does inside, and how often it tries, does not matter."""
    names = {line.split()[2] for line in host.read("/proc/kallsyms").splitlines()}
    return next(name for name in ("__kvmalloc_node_noprof", "kvmalloc_node_noprof", "kvmalloc_node")
                if name in names)


def is_function(name):
    """Of the module's own; else the compiler has made it a part of who calls it."""
    symbols = (line.split() for line in host.read("/proc/kallsyms").splitlines())
    return any(symbol[2:] == [name, "[vmshare]"] for symbol in symbols)


class Refusal:
    """Those calls fail, but for so many at first; to be used with `with`."""

    def __init__(self, function, error="", after=0, caller="[vmshare]"):
        self.arguments = [f"function={function}", f"error={getattr(errno, error) if error else 0}",
                          f"after={after}", f"caller={caller}"]

    def __enter__(self):
        subprocess.run(["insmod", MODULE, *self.arguments], check=True)
        return self

    def __exit__(self, *unused):
        subprocess.run(["rmmod", "refuse"], check=True)

    def begin(self, after):
        """Anew, when nobody calls it."""
        host.write(f"{PARAMETERS}/refused", 0)
        host.write(f"{PARAMETERS}/after", after)

    def refused(self):
        return int(host.read(f"{PARAMETERS}/refused"))

    def site(self):
        """Where the first one came from: FUNCTION+0xOFFSET."""
        return host.read(f"{PARAMETERS}/first").partition("/")[0]
