# SPDX-License-Identifier: GPL-2.0
"""The test machine: its initramfs, and the QEMU that runs it."""

import glob
import gzip
import lzma
import os
import shlex
import shutil
import subprocess

import console
import virtiofs

HERE = os.path.dirname(os.path.abspath(__file__))
PROJECT = os.path.dirname(os.path.dirname(HERE))
CACHE = os.environ.get("VMSHARE_CACHE") or os.path.join(
    os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "vmshare")

# What must be there before the root file system is, and what brings its files.
BOOT_MODULES = ["virtio_pci", "overlay"]
FILES_BY = {"9p": ["9pnet_virtio", "9p"], "virtiofs": ["virtiofs"]}

KERNEL_OPTIONS = (
    "console=ttyS0 oops=panic panic=-1 panic_on_warn=1 tsc=reliable "
    # An emulated machine on a busy host stalls longer than a real one (see pace.py, too).
    f"watchdog_thresh=60 rcupdate.rcu_cpu_stall_timeout={console.RCU_SECONDS}")


class StartError(Exception):
    """The machine cannot be started; says what is missing."""


class Kernel:
    """A kernel: a release and the directory with its boot/ and lib/modules/."""

    def __init__(self, name):
        if os.path.isdir(name):
            self.directory = os.path.abspath(name)
        else:
            self.directory = cached_kernel(name)
        images = glob.glob(os.path.join(self.directory, "boot", "vmlinuz-*"))
        if len(images) != 1:
            raise StartError(f"{self.directory}/boot holds {len(images)} kernels, not one")
        self.image = images[0]
        self.release = os.path.basename(self.image).removeprefix("vmlinuz-")
        self.modules = os.path.join(self.directory, "lib", "modules", self.release)
        # Debian's cloud kernels have no 9p, and others, or our debug kernels, no virtiofs.
        self.files_by = "9p" if self.has("9p") else "virtiofs"

    def show_depends(self, name):
        return subprocess.run(["/sbin/modprobe", "-d", self.directory, "-S", self.release, "--show-depends", name],
                              capture_output=True, text=True)

    def has(self, name):
        return self.show_depends(name).returncode == 0

    def insert_order(self, names):
        """The files of these modules and of what they depend on, dependencies first."""
        files = []
        for name in names:
            listing = self.show_depends(name)
            listing.check_returncode()
            for line in listing.stdout.splitlines():
                action, _, path = line.partition(" ")
                if action == "insmod" and path.strip() not in files:
                    files.append(path.strip())
        return files


def cached_kernel(name):
    unpacked = os.path.join(CACHE, "kernels", name)
    if os.path.isdir(unpacked):
        return unpacked
    found = subprocess.run([os.path.join(HERE, "kernels"), name], stdout=subprocess.PIPE, text=True)
    if found.returncode != 0:
        raise StartError(f"no kernel '{name}': give 6.1, 6.12, a release in the cache, or a directory")
    return found.stdout.split(maxsplit=2)[2].strip()


def uncompressed(path):
    """Contents of a module file and its name without the compression's suffix."""
    name = os.path.basename(path)
    with open(path, "rb") as file:
        content = file.read()
    if name.endswith(".xz"):
        return name[:-3], lzma.decompress(content)
    if name.endswith(".gz"):
        return name[:-3], gzip.decompress(content)
    return name, content


def write_file(path, content):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb" if isinstance(content, bytes) else "w") as file:
        file.write(content)


def add_busybox(tree):
    busybox = shutil.which("busybox")
    if not busybox:
        raise StartError("busybox is missing: run tests/setup (package busybox-static)")
    os.makedirs(os.path.join(tree, "bin"))
    shutil.copy(busybox, os.path.join(tree, "bin", "busybox"))
    for applet in ["sh", "mount", "insmod", "mkdir", "cp", "switch_root"]:
        os.symlink("busybox", os.path.join(tree, "bin", applet))


def add_modules(tree, kernel):
    order = []
    for path in kernel.insert_order(BOOT_MODULES + FILES_BY[kernel.files_by]):
        name, content = uncompressed(path)
        write_file(os.path.join(tree, "modules", name), content)
        order.append(name)
    write_file(os.path.join(tree, "modules", "order"), "".join(f"{name}\n" for name in order))


def shell_assignments(values):
    return "".join(f"{name}={shlex.quote(str(value))}\n" for name, value in values.items())


def module_before_kvm(kernel):
    """What a PREEMPT_RT kernel needs before it lets KVM run on an emulated CPU."""
    if "-rt-" not in kernel.release:
        return ""
    module = os.path.join(PROJECT, "build", kernel.release, "constant_tsc.ko")
    if not os.path.exists(module):
        raise StartError(f"{module} is missing: run tests/build-kmod {kernel.release}")
    return module


def add_job(tree, kernel, job):
    beneath_tmp = any((path + "/").startswith("/tmp/") for path in [PROJECT, CACHE, os.getcwd(), *job.writable])
    write_file(os.path.join(tree, "job", "settings"), shell_assignments({
        "FILES_BY": kernel.files_by,
        "RELEASE": kernel.release,
        "MODULES": kernel.modules,
        "CPUS": job.smp,
        "BEFORE_KVM": module_before_kvm(kernel),
        "INTERACTIVE": "yes" if job.interactive else "",
        "INIT": job.init,
        "TMP_HOLDS_PROJECT": "yes" if beneath_tmp else "",
    }))
    write_file(os.path.join(tree, "job", "writable"), "".join(f"{path}\n" for path in job.writable))
    exports = "".join(f"export {line}\n" for line in shell_assignments(job.environment).splitlines())
    command = " ".join(shlex.quote(word) for word in job.command)
    write_file(os.path.join(tree, "job", "command"),
               f"{exports}cd {shlex.quote(os.getcwd())} || exit\nexec {command}\n")
    for name in ["stage2", "vmshare-command.target", "vmshare-command.service"]:
        shutil.copy(os.path.join(HERE, name), os.path.join(tree, "job", name))


def make_initramfs(directory, kernel, job):
    tree = os.path.join(directory, "initramfs")
    for mount_point in ["proc", "sys", "dev", "lower", "upper", "newroot"]:
        os.makedirs(os.path.join(tree, mount_point))
    add_busybox(tree)
    add_modules(tree, kernel)
    add_job(tree, kernel, job)
    shutil.copy(os.path.join(HERE, "stage1"), os.path.join(tree, "init"))
    archive = os.path.join(directory, "initramfs.cpio")
    with open(archive, "wb") as out:
        subprocess.run("find . | cpio --quiet -o -H newc", shell=True, cwd=tree, stdout=out, check=True)
    shutil.rmtree(tree)
    return archive


def shared_directory(path, tag, options):
    return ["-virtfs", f"local,path={path.replace(',', ',,')},mount_tag={tag},"
                       f"security_model=none,multidevs=remap{options}"]


def backend(kernel):
    """Of memory; who serves virtiofs writes what is read there itself."""
    return "memory-backend-memfd,share=on" if kernel.files_by == "virtiofs" else "memory-backend-ram"


def memory_arguments(kernel, job):
    """Memory and CPUs: each NUMA node has a socket and an equal share of both."""
    if job.numa < 2:
        return ["-m", job.mem, "-smp", str(job.smp), "-machine", "memory-backend=memory",
                "-object", f"{backend(kernel)},id=memory,size={job.mem}"]
    cores = job.smp // job.numa
    share = int(job.mem[:-1]) * {"M": 1, "G": 1024}[job.mem[-1]] // job.numa
    arguments = ["-m", f"{share * job.numa}M", "-smp", f"{job.smp},sockets={job.numa},cores={cores}"]
    for node in range(job.numa):
        arguments += ["-object", f"{backend(kernel)},id=memory{node},size={share}M",
                      "-numa", f"node,nodeid={node},memdev=memory{node}",
                      "-numa", f"cpu,node-id={node},socket-id={node}"]
    return arguments


def file_arguments(directory, kernel, job):
    if kernel.files_by == "virtiofs":
        if job.writable:
            raise StartError(f"--writable: {kernel.release} has no 9p; give another kernel")
        return virtiofs.qemu_arguments(directory)
    arguments = shared_directory("/", "root", ",readonly=on")
    for number, path in enumerate(job.writable):
        arguments += shared_directory(path, f"writable{number}", "")
    return arguments


def disk_arguments(directory, job):
    if not job.disk:
        return []
    image = os.path.join(directory, "disk")
    subprocess.run(["truncate", "-s", job.disk, image], check=True)
    return ["-drive", f"file={image},if=none,id=disk,format=raw,cache=unsafe",
            "-device", "virtio-blk-pci,drive=disk"]


def port_arguments(ports):
    """One virtio-serial port per name, each connected to a descriptor that QEMU inherits."""
    arguments = ["-device", "virtio-serial-pci"]
    for name, descriptor in ports.items():
        device = "virtconsole" if name == "terminal" else "virtserialport"
        arguments += ["-chardev", f"socket,id={name},fd={descriptor}",
                      "-device", f"{device},chardev={name},name=vmshare.{name}"]
    return arguments


THREADS = {"one": "single", "each": "multi"}


def clock_words(job):
    """How fast the time-stamp counter is: a kernel that tries it out while others use the
    host may be wrong by many times, and all of its times with it."""
    program = os.path.join(PROJECT, "build", "tests", "tsckhz")
    if job.clock == "instructions" or not os.path.exists(program):
        return ""
    return "tsc_early_khz=" + subprocess.run([program], stdout=subprocess.PIPE, text=True,
                                             check=True).stdout.strip()


def qemu_arguments(directory, kernel, job, ports):
    # One thread for all CPUs unless told otherwise: with a thread each, QEMU 7.2 now and
    # then executes an old copy of code that the kernel has patched (a kprobe of tracefs
    # switched on and off under running KVM guests is enough), and the machine dies of it.
    # The kernel sends SIGKILL to QEMU should this program die without ending it.
    arguments = [
        "setpriv", "--pdeathsig", "KILL", "--",
        "qemu-system-x86_64", "-M", "q35", "-accel", f"tcg,thread={THREADS[job.threads]}", "-cpu", "max,+svm",
        "-nodefaults", "-no-reboot", "-display", "none",
        "-kernel", kernel.image, "-initrd", make_initramfs(directory, kernel, job),
        "-append", f"{KERNEL_OPTIONS} {clock_words(job)} {job.append}",
        "-chardev", f"file,id=console,path={os.path.join(job.logs, 'console.log')}",
        "-serial", "chardev:console"]
    arguments += ["-icount", "shift=0,sleep=off"] if job.clock == "instructions" else []
    arguments += memory_arguments(kernel, job)
    arguments += disk_arguments(directory, job)
    arguments += file_arguments(directory, kernel, job)
    return arguments + port_arguments(ports)
