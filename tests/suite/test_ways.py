# SPDX-License-Identifier: GPL-2.0
"""vmshare manage where VMs are not its own to limit: by a real systemd, by a real
libvirtd, and in a v1 hierarchy."""

import glob
import json
import os
import re
import shutil
import signal
import struct
import subprocess

import facts
import host
from case import Failure, case, equal, true, wait_for
from test_manage import CONFIG, ROOT, Managing, limits, restored, stop
from toy import TOY, Toys

UNITS = "/run/systemd/system"
DROP_INS = ("/run/systemd/system.control", "/run/systemd/transient")
SYSTEMD = ("org.freedesktop.systemd1", "/org/freedesktop/systemd1")
QUOTA, PERIOD, WEIGHT = PROPERTIES = ("CPUQuotaPerSecUSec", "CPUQuotaPeriodUSec", "CPUWeight")
UNSET = (1 << 64) - 1
# What the kernel begins with.
DEFAULTS = {"cpu.max": b"max 100000\n", "cpu.max.burst": b"0\n", "cpu.weight": b"100\n", "cpuset.cpus": b"\n"}
# VMs that spin leave the machine's CPU to whoever has something to do.
SLICE = "machine.slice"
SLICE_SETTINGS = "[Slice]\nCPUWeight=1\n"
SERVICE = """[Service]
Slice={slice}
ExecStart={toy} --spin --name {name} 16@1000
StandardInput=file:{pipe}
"""
# Weights are by guarantees.
LENDING = """[Manage]
CheckInterval=200ms
[VM spin1]
Class=batch
Guarantee=100%
"""


def call(*words):
    """A program's output; it must end well."""
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode:
        raise Failure(f"{' '.join(words)}: exit code {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout.strip()


def no_systemd():
    return None if host.read("/proc/1/comm") == "systemd" else "systemd is not process 1"


def names_of_threads(pid):
    return [host.read(path) for path in glob.glob(f"/proc/{pid}/task/*/comm")]


class Unit:
    """A scope or a service with one spinning VM, which is called as the unit is."""

    def __init__(self, unit):
        self.unit = unit
        self.name, kind = unit.split(".")
        self.path = f"{SYSTEMD[1]}/unit/{self.name}_2e{kind}"
        self.interface = f"{SYSTEMD[0]}.{kind.capitalize()}"

    def show(self, name):
        return call("systemctl", "show", "--value", "-p", name, self.unit)

    def begun(self):
        self.cgroup = ROOT + self.show("ControlGroup")
        return self

    def properties(self):
        """As numbers, which is how vmshare has them."""
        lines = call("busctl", "get-property", SYSTEMD[0], self.path, self.interface, *PROPERTIES).splitlines()
        return {name: int(line.split()[1]) for name, line in zip(PROPERTIES, lines)}

    def is_limited(self):
        """Says the kernel, who is quick to ask."""
        return "cpu.max" in self.chosen_limits()

    def chosen_limits(self):
        """systemd gives the unit a CPU controller with the first of them, and leaves it there."""
        return {name: value for name, value in limits(self.cgroup).items() if value != DEFAULTS[name]}

    def drop_ins(self):
        """What systemd keeps, to set it again. A line without a value says: as if nobody had set it."""
        kept = {path: re.findall(r"^\w+=.+", host.read(path), re.MULTILINE)
                for directory in DROP_INS for path in glob.glob(f"{directory}/{self.unit}.d/*")}
        return {path: lines for path, lines in kept.items() if lines}

    def state(self):
        return self.properties(), self.chosen_limits(), self.drop_ins()

    def has(self, wanted):
        """Do systemd and the kernel have these settings?"""
        wanted = {name: int(value) for name, value in wanted.items()}
        quota = wanted[QUOTA] * wanted[PERIOD] // 1000000
        return self.properties() == wanted and \
            limits(self.cgroup)["cpu.max"] == b"%d %d\n" % (quota, wanted[PERIOD])


def start_scope(name, pid):
    call("busctl", "call", *SYSTEMD, f"{SYSTEMD[0]}.Manager", "StartTransientUnit", "ssa(sv)a(sa(sv))",
         f"{name}.scope", "fail", "2", "PIDs", "au", "1", str(pid), "Slice", "s", SLICE, "0")
    scope = Unit(f"{name}.scope")
    wait_for(lambda: scope.show("ActiveState") == "active", f"{scope.unit} to have begun")
    return scope.begun()


def yield_cpus():
    directory = f"{UNITS}/{SLICE}.d"
    if not os.path.exists(directory):
        os.mkdir(directory)
        host.write(f"{directory}/weight.conf", SLICE_SETTINGS)
        call("systemctl", "daemon-reload")
        call("systemctl", "start", SLICE)


class Units(Managing):
    """A VM in a scope, as systemd-run makes one, and one in a service with a file of its own."""

    def __enter__(self):
        super().__enter__()
        yield_cpus()
        self.toys = self.stack.enter_context(Toys())
        self.scope = start_scope("spin0", self.start_toy("spin0").pid)
        self.service = self.define_service("spin1")
        self.start_service()
        self.units = [self.scope, self.service]
        self.found = [unit.state() for unit in self.units]
        return self

    def start_toy(self, name):
        return self.toys.start("16@1000", options=["--spin", "--name", name])

    def define_service(self, name):
        """toyvm ends with its input: a pipe that we hold."""
        pipe = f"{self.dir}/{name}.in"
        os.mkfifo(pipe)
        self.stack.callback(os.close, os.open(pipe, os.O_RDWR))
        return self.define_unit(f"{name}.service", SERVICE.format(slice=SLICE, toy=TOY, name=name, pipe=pipe))

    def define_unit(self, unit, text):
        host.write(f"{UNITS}/{unit}", text)
        self.stack.callback(self.remove_unit, unit)
        call("systemctl", "daemon-reload")
        return Unit(unit)

    @staticmethod
    def remove_unit(unit):
        call("systemctl", "stop", unit)
        os.remove(f"{UNITS}/{unit}")
        for directory in DROP_INS:
            shutil.rmtree(f"{directory}/{unit}.d", ignore_errors=True)
        call("systemctl", "daemon-reload")

    def start_service(self):
        call("systemctl", "start", self.service.unit)
        pid = self.service.begun().show("MainPID")
        wait_for(lambda: "CPU 0/KVM" in names_of_threads(pid), "the service's VM")

    def await_limits(self):
        for unit in self.units:
            wait_for(unit.is_limited, lambda: f"a limit of {unit.unit}; {self.log()}")

    def in_status(self):
        return {vm["name"]: vm for vm in self.status()["vms"]}

    def await_in_place(self):
        """Until everybody says what the manager says."""
        def agreed():
            named = self.in_status()
            return all(unit.has(named[unit.name]["limits"]["set"]) for unit in self.units)
        wait_for(agreed, lambda: f"the manager, systemd and the kernel to agree; {self.log()}")

    def all_as_found(self, what, but=()):
        for unit, found in zip(self.units, self.found):
            if unit not in but:
                equal(unit.state(), found, f"{unit.unit} {what}")


@case(no_systemd)
def units_are_limited_by_systemd_and_put_back_on_sigterm():
    with Units() as units:
        manager = units.start()
        units.await_limits()
        units.await_in_place()
        named = units.in_status()
        for unit in units.units:
            equal((named[unit.name]["actuator"], named[unit.name]["place"]), ("systemd", unit.unit), "the way")
        call("systemctl", "daemon-reload")
        units.await_checks()
        units.await_in_place()
        true("somebody" not in units.log(), f"after a reload the limits are still its own: {units.log()}")
        equal(stop(manager), 0, f"exit status; {units.log()}")
        units.all_as_found("after SIGTERM")
        call("systemctl", "daemon-reload")
        units.all_as_found("after SIGTERM and a reload")


@case(no_systemd)
def units_left_limited_by_a_manager_that_was_killed_are_put_back():
    with Units() as units:
        for config, name in ((CONFIG, QUOTA), (LENDING, WEIGHT)):
            host.write(f"{units.dir}/conf", config)
            manager = units.start()
            wait_for(lambda n=name: units.service.properties()[n] != UNSET, lambda: f"{name}; {units.log()}")
            stop(manager, signal.SIGKILL)
            true(units.service.properties()[name] != UNSET, "nothing could put it back")
            units.restore()
            units.all_as_found(f"after --restore, {name}")


@case(no_systemd)
def limits_of_units_that_others_set_meanwhile_stay():
    with Units() as units:
        manager = units.start()
        units.await_limits()
        call("systemctl", "set-property", "--runtime", units.scope.unit, "CPUQuota=33%")
        call("systemctl", "set-property", "--runtime", units.service.unit, "CPUWeight=77")
        wait_for(lambda: "let go" in units.log(), lambda: f"it to notice a quota of somebody else; {units.log()}")
        equal(stop(manager), 0, f"exit status; {units.log()}")
        equal(units.scope.properties()[QUOTA], 330000, "the other's quota")
        equal(units.service.properties(), {QUOTA: UNSET, PERIOD: UNSET, WEIGHT: 77}, "the other's weight alone")


@case(no_systemd)
def a_service_that_ends_while_it_is_limited_begins_without():
    """What is set for it stays in systemd's hands when it ends."""
    with Units() as units:
        manager = units.start()
        units.await_limits()
        true(units.service.drop_ins(), "it would be limited again")
        call("systemctl", "stop", units.service.unit)
        wait_for(lambda: not units.service.drop_ins(), lambda: f"its limits to be put back; {units.log()}")
        equal(stop(manager), 0, f"exit status; {units.log()}")
        units.start_service()
        units.all_as_found("after it ended and began anew")


@case(no_systemd)
def systemd_and_its_bus_begin_anew_while_units_are_limited():
    with Units() as units:
        manager = units.start()
        units.await_limits()
        call("systemctl", "daemon-reexec")
        call("systemctl", "restart", "dbus.service")
        units.await_checks()
        units.await_in_place()
        true("somebody" not in units.log(), f"the limits are still its own: {units.log()}")
        equal(stop(manager), 0, f"exit status; {units.log()}")
        units.all_as_found("after all that")


BOX = """[Service]
Slice={slice}
Delegate=yes
ExecStart=/bin/sh -ec 'cd {box}; mkdir own vm; echo $$$$ >own/cgroup.procs; echo +cpu >cgroup.subtree_control; \\
	exec sleep infinity'
"""
# As docs/manage.md has it.
OVERRIDE = """[Service]
ExecStart=
ExecStart=/usr/local/sbin/vmshare manage --apply
"""


class Shipped(Units):
    """The service as "make install" leaves it, told to act, and one more VM in a cgroup
    that systemd has handed over."""

    def __enter__(self):
        super().__enter__()
        self.start_box()
        call("make", "-s", "-C", host.TOP, "install-cli")
        self.configure(CONFIG)
        self.stack.callback(call, "systemctl", "stop", "vmshare.service")
        return self

    def start_box(self):
        box = f"{ROOT}/{SLICE}/box.service"
        self.define_unit("box.service", BOX.format(slice=SLICE, box=box))
        call("systemctl", "start", "box.service")
        wait_for(lambda: "cpu" in host.read(f"{box}/cgroup.subtree_control"), "box.service to begin")
        self.box = f"{box}/vm"
        host.write(f"{self.box}/cgroup.procs", self.start_toy("spin2").pid)
        self.box_found = limits(self.box)

    @staticmethod
    def configure(text):
        os.makedirs("/etc/vmshare", exist_ok=True)
        host.write("/etc/vmshare/manage.conf", text)

    def start(self, more=""):
        os.makedirs("/etc/systemd/system/vmshare.service.d", exist_ok=True)
        host.write("/etc/systemd/system/vmshare.service.d/override.conf", OVERRIDE + more)
        call("systemctl", "daemon-reload")
        call("systemctl", "start", "vmshare.service")
        equal(self.show("ActiveState"), "active", "the service's state")

    @staticmethod
    def show(name):
        return call("systemctl", "show", "--value", "-p", name, "vmshare.service")

    def log(self):
        return call("journalctl", "--no-pager", "-o", "cat", "-u", "vmshare.service")

    def status(self):
        return json.loads(facts.cli("manage", "--status", "--json"))

    def await_limits(self):
        super().await_limits()
        wait_for(lambda: limits(self.box) != self.box_found, "a limit of who is in a handed-over cgroup")

    def all_as_found(self, what, but=()):
        super().all_as_found(what, but)
        equal(limits(self.box), self.box_found, f"box.service {what}")


# Of linux/capability.h: NET_ADMIN, DAC_OVERRIDE, SYS_ADMIN, SYS_NICE
CAPABILITIES = sum(1 << number for number in (12, 1, 21, 23))


def mount_options(pid, path):
    """Of the mount that this path is on, as a process has it; the last of those in one place counts."""
    mounts = [line.split() for line in host.read(f"/proc/{pid}/mountinfo").splitlines()]
    over = [(words[4], words[5].split(",")) for words in mounts
            if path == words[4] or path.startswith(words[4].rstrip("/") + "/")]
    return max(enumerate(over), key=lambda entry: (len(entry[1][0]), entry[0]))[1][1]


def check_confined(pid):
    """As docs/security.md says."""
    lines = (line.partition(":") for line in host.read(f"/proc/{pid}/status").splitlines())
    status = {name: value.strip() for name, _, value in lines}
    equal({name: int(status[name], 16) for name in ("CapEff", "CapPrm", "CapBnd")},
          dict.fromkeys(("CapEff", "CapPrm", "CapBnd"), CAPABILITIES), "capabilities")
    equal((status["NoNewPrivs"], status["Seccomp"]), ("1", "2"), "no new privileges, system calls filtered")
    equal({path: "rw" in mount_options(pid, path) for path in
           ("/", "/proc/sys", "/sys", "/sys/kernel/mm/ksm", "/sys/fs/cgroup", "/run/vmshare")},
          {"/": False, "/proc/sys": False, "/sys": False, "/sys/kernel/mm/ksm": False, "/sys/fs/cgroup": True,
           "/run/vmshare": True}, "what it may write to")


@case(no_systemd)
def the_shipped_service_limits_reloads_and_puts_back():
    with Shipped() as units:
        units.start()
        check_confined(units.show("MainPID"))
        equal((units.show("Type"), units.show("WatchdogUSec")), ("notify", "2min"), "what is shipped")
        units.await_limits()
        equal({name: vm["actuator"] for name, vm in units.in_status().items()},
              {"spin0": "systemd", "spin1": "systemd", "spin2": "cgroup2"}, "ways")
        units.configure(CONFIG + "[VM spin1]\nManaged=no\n")
        call("systemctl", "reload", "vmshare.service")
        wait_for(lambda: not units.service.is_limited(), lambda: f"it to have read that; {units.log()}")
        true("read again" in units.log(), units.log())
        call("systemctl", "stop", "vmshare.service")
        equal((units.show("Result"), units.show("ExecMainStatus")), ("success", "0"), "how it ended")
        units.all_as_found("after systemctl stop")


@case(no_systemd)
def the_shipped_service_puts_back_after_it_was_killed():
    """By ExecStopPost, before it is started again."""
    with Shipped() as units:
        units.start("Restart=no\n")
        units.await_limits()
        os.kill(int(units.show("MainPID")), signal.SIGKILL)
        wait_for(lambda: units.show("ActiveState") == "failed", "systemd to see that")
        units.all_as_found("after kill -9")
        call("systemctl", "reset-failed", "vmshare.service")
        units.start("RestartSec=1\n")
        units.await_limits()
        os.kill(int(units.show("MainPID")), signal.SIGKILL)
        wait_for(lambda: units.show("NRestarts") == "1" and units.show("ActiveState") == "active", "it to begin anew")
        units.await_limits()


@case(no_systemd)
def the_shipped_service_is_killed_when_it_is_stuck():
    """By systemd's watchdog, which it feeds as often as the unit asks it to."""
    with Shipped() as units:
        units.start("WatchdogSec=5\nTimeoutAbortSec=1\nRestart=no\n")
        units.await_limits()
        fed = units.show("WatchdogTimestampMonotonic")
        wait_for(lambda: units.show("WatchdogTimestampMonotonic") != fed, "it to feed the watchdog")
        os.kill(int(units.show("MainPID")), signal.SIGSTOP)
        wait_for(lambda: units.show("ActiveState") == "failed", "the watchdog")
        equal(units.show("Result"), "watchdog", "why it ended")
        units.all_as_found("after the watchdog")


def no_libvirt():
    return no_systemd() or (None if shutil.which("libvirtd") else "libvirtd is not installed")


# Users and security labels of a machine that has no udev and no policy.
QEMU_SETTINGS = """
user = "root"
group = "root"
security_driver = "none"
stdio_handler = "file"
"""
DOMAIN = """<domain type='kvm'>
  <name>spin0</name>
  <memory unit='MiB'>16</memory>
  <vcpu>2</vcpu>
  <os>
    <type arch='x86_64' machine='pc'>hvm</type>
    <loader readonly='yes' type='rom'>{rom}</loader>
  </os>
  <features><apic/></features>
  <cpu mode='host-passthrough' check='none'/>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <controller type='usb' model='none'/>
    <memballoon model='none'/>
  </devices>
</domain>
"""
LIBVIRTD = ("libvirtd.socket", "libvirtd-ro.socket", "libvirtd-admin.socket", "libvirtd.service")
VIRSH_UNLIMITED = 17592186044415


def spinning_firmware():
    """It starts the other CPUs by their x2APICs, and all spin in real mode."""
    boot = bytes.fromhex(
        "66b91b000000"              # mov ecx, APIC_BASE
        "0f32" "660d000c0000"       # rdmsr; or eax, enabled | x2apic
        "0f30"                      # wrmsr
        "66b930080000" "6631d2"     # mov ecx, X2APIC_ICR; xor edx, edx
        "66b800450c00" "0f30"       # to all others: INIT
        "66b8f0460c00" "0f30"       # and start at f000:0
        "ebfe")                     # jmp to itself
    rom = bytearray(1 << 16)
    rom[0:2] = b"\xeb\xfe"
    rom[0xe000:0xe000 + len(boot)] = boot
    rom[0xfff0:0xfff3] = b"\xe9" + struct.pack("<h", 0xe000 - 0xfff3)
    return rom


class Domains(Managing):
    """A domain of two spinning vCPUs, beside a VM that spins in nobody's way but its."""

    def __enter__(self):
        super().__enter__()
        yield_cpus()
        self.start_libvirtd()
        self.start_domain()
        rival = self.stack.enter_context(Toys()).start("16@1000", options=["--spin", "--name", "spin1"])
        start_scope("spin1", rival.pid)
        self.found = self.state()
        return self

    def start_libvirtd(self):
        settings = host.read("/etc/libvirt/qemu.conf")
        if QEMU_SETTINGS not in settings:
            host.write("/etc/libvirt/qemu.conf", settings + QEMU_SETTINGS)
        call("systemctl", "start", *LIBVIRTD)

    @staticmethod
    def stop_libvirtd():
        call("systemctl", "stop", *LIBVIRTD)

    def start_domain(self):
        with open(f"{self.dir}/rom", "wb") as file:
            file.write(spinning_firmware())
        host.write(f"{self.dir}/domain.xml", DOMAIN.format(rom=f"{self.dir}/rom"))
        call("virsh", "define", f"{self.dir}/domain.xml")
        self.stack.callback(call, "virsh", "undefine", "spin0")
        call("virsh", "start", "spin0")
        self.stack.callback(self.destroy)
        self.stack.callback(self.start_libvirtd)
        self.uuid = call("virsh", "domuuid", "spin0")
        pid = host.read("/run/libvirt/qemu/spin0.pid")
        self.cgroup = ROOT + host.read(f"/proc/{pid}/cgroup").rpartition("::")[2].rpartition("/")[0]

    @staticmethod
    def destroy():
        """A daemon that has just begun may refuse that."""
        def is_ended():
            subprocess.run(["virsh", "destroy", "spin0"], capture_output=True)
            return "running" not in call("virsh", "domstate", "spin0")
        wait_for(is_ended, "the domain to end")

    def schedinfo(self):
        """A daemon that has just begun does not know the domain's cgroups yet."""
        def ask():
            done = subprocess.run(["virsh", "schedinfo", "spin0"], capture_output=True, text=True)
            return not done.returncode and done.stdout
        shown = wait_for(ask, "libvirt to know the domain's limits")
        return {name: int(value) for name, value in re.findall(r"(\w+) *: (\d+)", shown)}

    def vcpus(self):
        return [limits(f"{self.cgroup}/vcpu{i}") for i in range(2)]

    def state(self):
        return self.schedinfo(), self.vcpus()

    def quotas(self):
        """Of its vCPUs, from the kernel."""
        return {vcpu["cpu.max"].split()[0].decode() for vcpu in self.vcpus()}

    def await_limit(self):
        wait_for(lambda: "max" not in self.quotas(), lambda: f"a limit of the domain; {self.log()}")

    def vm(self):
        return {vm["name"]: vm for vm in self.status()["vms"]}["spin0"]

    def await_in_place(self):
        """Until libvirt and the kernel say what the manager says."""
        def agreed():
            wanted = self.vm()["limits"]["set"]
            shown = self.schedinfo()
            return self.quotas() == {wanted["vcpu_quota"]} and \
                all(shown[name] == int(value) for name, value in wanted.items())
        wait_for(agreed, lambda: f"the manager, libvirt and the kernel to agree; {self.log()}")

    def is_as_found(self, what):
        equal(self.state(), self.found, f"the domain {what}")


@case(no_libvirt)
def domains_are_limited_by_libvirt_and_put_back_on_sigterm():
    with Domains() as domains:
        manager = domains.start()
        domains.await_limit()
        domains.await_in_place()
        equal((domains.vm()["actuator"], domains.vm()["place"]), ("libvirt", domains.uuid), "the way")
        equal(domains.schedinfo()["emulator_quota"], VIRSH_UNLIMITED, "the VMM's threads are free")
        equal(stop(manager), 0, f"exit status; {domains.log()}")
        domains.is_as_found("after SIGTERM")


@case(no_libvirt)
def domains_left_limited_by_a_manager_that_was_killed_are_put_back():
    with Domains() as domains:
        manager = domains.start()
        domains.await_limit()
        stop(manager, signal.SIGKILL)
        true("max" not in domains.quotas(), "nothing could put it back")
        domains.restore()
        domains.is_as_found("after --restore")


@case(no_libvirt)
def quotas_of_domains_that_others_set_meanwhile_stay():
    with Domains() as domains:
        manager = domains.start()
        domains.await_limit()
        call("virsh", "schedinfo", "spin0", "--live", "vcpu_quota=31000")
        wait_for(lambda: "let go" in domains.log(),
                 lambda: f"it to notice a quota of somebody else; {domains.log()}")
        equal(stop(manager), 0, f"exit status; {domains.log()}")
        equal(domains.schedinfo()["vcpu_quota"], 31000, "the other's quota")


@case(no_libvirt)
def a_domain_is_destroyed_while_it_is_limited():
    with Domains() as domains:
        manager = domains.start()
        domains.await_limit()
        call("virsh", "destroy", "spin0")
        wait_for(lambda: domains.uuid not in host.read(f"{domains.dir}/run/manage.journal"),
                 lambda: f"it to be missed; {domains.log()}")
        equal(stop(manager), 0, f"exit status; {domains.log()}")
        true("NOT" not in domains.log(), domains.log())


@case(no_libvirt)
def libvirtd_is_away_while_a_domain_is_to_be_let_go():
    """What cannot be put back is said once, tried again, and done when it is back."""
    with Domains() as domains:
        manager = domains.start()
        domains.await_limit()
        domains.stop_libvirtd()
        quotas = domains.quotas()
        host.write(f"{domains.dir}/conf", f"{CONFIG}[VM spin0]\nManaged=no\n")
        manager.send_signal(signal.SIGHUP)
        wait_for(lambda: "NOT as they were" in domains.log(), lambda: f"it to be missed; {domains.log()}")
        domains.await_checks()
        equal(domains.log().count("NOT as they were"), 1, f"it is said once; {domains.log()}")
        equal(domains.quotas(), quotas, "the limit is still in place")
        domains.start_libvirtd()
        wait_for(lambda: "max" in domains.quotas(), lambda: f"the limit to go; {domains.log()}")
        equal(stop(manager), 0, f"exit status; {domains.log()}")
        domains.is_as_found("after that")


@case(no_libvirt)
def libvirtd_begins_anew_while_a_domain_is_limited():
    with Domains() as domains:
        manager = domains.start()
        domains.await_limit()
        domains.await_in_place()
        call("systemctl", "restart", "libvirtd.service")
        domains.await_in_place()
        equal(stop(manager), 0, f"exit status; {domains.log()}")
        domains.is_as_found("after SIGTERM")


@case(no_libvirt)
def the_manager_ends_while_libvirtd_is_away():
    """A daemon that has just begun refuses what it would refuse of a domain that has ended."""
    with Domains() as domains:
        manager = domains.start()
        domains.await_limit()
        domains.stop_libvirtd()
        equal(stop(manager), 1, f"exit status; {domains.log()}")
        true("NOT as they were found" in domains.log(), domains.log())
        domains.start_libvirtd()
        wait_for(lambda: restored(domains), "libvirtd to know the domain's cgroups again")
        domains.is_as_found("after --restore")


def no_v1():
    if no_systemd() is None:
        return "systemd has the CPU controller in its v2 hierarchy"
    return None if re.search(r"^cpu\t", host.read("/proc/cgroups"), re.MULTILINE) else "no CPU controller"


V1_FILES = ("cpu.cfs_quota_us", "cpu.cfs_period_us", "cpu.cfs_burst_us", "cpu.shares")


class V1(Managing):
    """A v1 hierarchy of the CPU controller with two spinning VMs, each in its own cgroup."""

    def __enter__(self):
        super().__enter__()
        self.mount()
        toys = self.stack.enter_context(Toys())
        self.cgroups = []
        for i in range(2):
            cgroup = f"{self.dir}/cpu/vm{i}"
            os.mkdir(cgroup)
            toy = toys.start("16@1000", options=["--spin", "--name", f"vm{i}"])
            host.write(f"{cgroup}/cgroup.procs", toy.pid)
            self.cgroups.append(cgroup)
        self.found = self.state()
        return self

    def mount(self):
        """v2 gives a controller away when all of its cgroups are gone, which takes a moment."""
        host.write(f"{ROOT}/cgroup.subtree_control", "-cpu")
        os.mkdir(f"{self.dir}/cpu")
        words = ["mount", "-t", "cgroup", "-o", "cpu", "cpu", f"{self.dir}/cpu"]
        wait_for(lambda: subprocess.run(words, stderr=subprocess.DEVNULL).returncode == 0, "a v1 hierarchy")
        self.stack.callback(self.unmount)

    def unmount(self):
        for cgroup in self.cgroups:
            wait_for(lambda c=cgroup: not host.read(f"{c}/cgroup.procs"), "a VM to be gone")
            os.rmdir(cgroup)
        call("umount", f"{self.dir}/cpu")
        wait_for(lambda: "cpu" in host.read(f"{ROOT}/cgroup.controllers").split(), "v2 to have the controller again")

    def state(self):
        return [{name: host.read(f"{cgroup}/{name}") for name in V1_FILES} for cgroup in self.cgroups]

    def await_limits(self):
        wait_for(lambda: all(files["cpu.cfs_quota_us"] != "-1" for files in self.state()),
                 lambda: f"limits; {self.log()}")


@case(no_v1)
def vms_in_a_v1_hierarchy_are_limited_and_put_back():
    with V1() as vms:
        manager = vms.start()
        vms.await_limits()
        named = {vm["name"]: vm for vm in vms.status()["vms"]}
        equal({vm["actuator"] for vm in named.values()}, {"cgroup1"}, "ways")
        equal(named["vm0"]["limits"]["found"], vms.found[0], "what was found")
        equal(stop(manager), 0, f"exit status; {vms.log()}")
        equal(vms.state(), vms.found, "after SIGTERM")
        manager = vms.start()
        vms.await_limits()
        host.write(f"{vms.cgroups[0]}/cpu.cfs_quota_us", 33000)
        wait_for(lambda: "let go" in vms.log(),
                 lambda: f"it to notice a quota of somebody else; {vms.log()}")
        stop(manager, signal.SIGKILL)
        true(vms.state()[1] != vms.found[1], "nothing could put it back")
        vms.restore()
        equal(vms.state()[0]["cpu.cfs_quota_us"], "33000", "the other's quota")
        equal(vms.state()[1], vms.found[1], "after --restore")
