# SPDX-License-Identifier: GPL-2.0
"""The kernel's own record of a window: trace events, event by event.

They are read as the ring buffer's pages, whose format the kernel describes in
events/header_page, events/header_event and each event's format file.
"""

import glob
import os
import re
import struct

import host
from case import Failure, equal

INSTANCE = "/sys/kernel/tracing/instances/vmshare"
BUFFER_KIB = 65536  # for each CPU
PAGE = 4096
MISSED_EVENTS = 1 << 31
PADDING, TIME_EXTEND, TIME_STAMP = 29, 30, 31
MAX_SMALL = 28  # larger type_len are not lengths

CODES = {"b": {1: "b", 2: "h", 4: "i", 8: "q"}, "u": {1: "B", 2: "H", 4: "I", 8: "Q"}}


class Event:
    """How to read one kind of event: its name, and some of its fields."""

    def __init__(self, name, *fields):
        self.name = name
        self.directory = f"{INSTANCE}/events/{name.replace(':', '/')}"
        text = host.read(f"{self.directory}/format")
        self.number = int(re.search(r"^ID: (\d+)", text, re.MULTILINE).group(1))
        self.readers = [self.reader(text, field) for field in fields]

    def reader(self, text, field):
        found = re.search(rf"\b{field};\s+offset:(\d+);\s+size:(\d+);\s+signed:(\d);", text)
        if not found:
            raise Failure(f"{self.name} has no field {field}")
        offset, size, signed = map(int, found.groups())
        code = CODES["b" if signed else "u"][size]
        return struct.Struct(f"<{code}").unpack_from, offset

    def read(self, page, at):
        return [unpack(page, at + offset)[0] for unpack, offset in self.readers]


class Recorder:
    """Records events, to be used with `with`; `events()` afterwards."""

    def __init__(self, *kinds):
        self.kinds = kinds

    def set(self, name, value):
        host.write(f"{INSTANCE}/{name}", value)

    def __enter__(self):
        os.makedirs(INSTANCE, exist_ok=True)
        self.set("tracing_on", 0)
        self.set("trace", "")
        self.set("trace_clock", "local")
        self.set("options/overwrite", 0)
        self.set("buffer_size_kb", BUFFER_KIB)
        self.known = {event.number: event for event in
                      (Event(name, "common_pid", *fields) for name, *fields in self.kinds)}
        for event in self.known.values():
            host.write(f"{event.directory}/enable", 1)
        self.set("tracing_on", 1)
        return self

    def __exit__(self, *unused):
        self.stop()
        self.set("buffer_size_kb", 4)
        os.rmdir(INSTANCE)

    def stop(self):
        self.set("tracing_on", 0)
        for event in self.known.values():
            host.write(f"{event.directory}/enable", 0)

    def check_complete(self):
        for path in glob.glob(f"{INSTANCE}/per_cpu/cpu*/stats"):
            stats = dict(line.split(": ") for line in host.read(path).splitlines())
            for name in ("overrun", "commit overrun", "dropped events"):
                equal(int(stats[name]), 0, f"{path}: {name}")

    def events(self):
        """(time, CPU, name, values) of all CPUs by time."""
        self.stop()
        self.check_complete()
        found = []
        for path in glob.glob(f"{INSTANCE}/per_cpu/cpu*/trace_pipe_raw"):
            cpu = int(re.search(r"cpu(\d+)", path).group(1))
            found += self.events_of_cpu(path, cpu)
        found.sort(key=lambda event: event[0])
        return found

    def events_of_cpu(self, path, cpu):
        file = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        try:
            while True:
                try:
                    page = os.read(file, PAGE)
                except BlockingIOError:
                    return
                if not page:
                    return
                yield from self.events_of_page(page, cpu)
        finally:
            os.close(file)

    def events_of_page(self, page, cpu):
        time, commit = struct.unpack_from("<QQ", page)
        if commit & MISSED_EVENTS:
            raise Failure(f"events of CPU {cpu} are lost")
        at, end = 16, 16 + (commit & 0xfffff)
        known = self.known
        while at < end:
            head, first = struct.unpack_from("<II", page, at) if at + 8 <= end \
                else (struct.unpack_from("<I", page, at)[0], 0)
            kind, delta = head & 31, head >> 5
            if kind == PADDING:
                time += delta
                if not delta:  # the rest of the page
                    return
                at += 4 + first
            elif kind == TIME_EXTEND:
                time += (first << 27) + delta
                at += 8
            elif kind == TIME_STAMP:
                time = (time >> 59 << 59) | (first << 27) + delta
                at += 8
            else:
                time += delta
                data, size = (at + 4, 4 * kind) if kind else (at + 8, first - 4)
                event = known.get(page[data] | page[data + 1] << 8)
                if event:
                    yield time, cpu, event.name, event.read(page, data)
                at = data + size
