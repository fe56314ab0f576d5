# SPDX-License-Identifier: GPL-2.0
"""This machine's files for a test machine whose kernel has no 9p: virtiofs, read-only."""

import os
import socket
import subprocess

DAEMON = "/usr/lib/qemu/virtiofsd"

# In a mount namespace of its own, in which nothing can be written whoever asks.
READ_ONLY = """
while read -r _ at _; do
	mount -o remount,bind,ro "$at" 2>/dev/null
done </proc/self/mounts
exec "$@"
"""


def missing():
    """Why it cannot be had, or None."""
    if not os.access(DAEMON, os.X_OK):
        return f"{DAEMON} is missing: run tests/setup (package qemu-system-common)"
    if os.geteuid():
        return "files by virtiofs, for a kernel without 9p, need root"
    return None


def start(directory, log):
    """A daemon that serves / at directory/root.sock to one machine and ends with it.
    It ends, too, should this program die."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(socket_path(directory))
        listener.listen(1)
        return subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "--", "unshare", "--mount", "sh", "-c", READ_ONLY, "sh",
             DAEMON, f"--fd={listener.fileno()}", "-o", "source=/,sandbox=chroot,cache=always,log_level=warn"],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=[listener.fileno()], start_new_session=True)


def socket_path(directory):
    return os.path.join(directory, "root.sock")


def qemu_arguments(directory):
    return ["-chardev", f"socket,id=root,path={socket_path(directory)}",
            "-device", "vhost-user-fs-pci,chardev=root,tag=root"]
