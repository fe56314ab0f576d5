# SPDX-License-Identifier: GPL-2.0
"""How much of the time the emulator really ran. The host may let it stand still for minutes
(others use its CPUs, or its memory is short), and then the guest's kernel, whose clock goes
on, takes a CPU for stuck that only had no time."""

import os
import time

import console

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
SAMPLE_SECONDS = 1


class Pace:
    """Samples of a process's CPU time in user mode, which is where a guest runs: what it
    waits for the host's memory counts as the host's."""

    def __init__(self, pid):
        self.path = f"/proc/{pid}/stat"
        self.begin = time.monotonic()
        self.samples = [(0.0, 0.0)]

    def sample(self):
        """Takes one unless the last is too young; the process may be gone."""
        now = time.monotonic() - self.begin
        if now - self.samples[-1][0] < SAMPLE_SECONDS:
            return
        try:
            with open(self.path) as file:
                fields = file.read().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            return
        self.samples.append((now, int(fields[11]) / TICKS_PER_SECOND))

    def user_time(self, moment):
        """Seconds of CPU time used up to a moment, in seconds since the start; between two
        samples as if it had been used evenly."""
        before = self.samples[0]
        for after in self.samples[1:]:
            if after[0] >= moment:
                share = max(moment - before[0], 0) / (after[0] - before[0])
                return before[1] + share * (after[1] - before[1])
            before = after
        return before[1]

    def ran(self, stuck):
        """Seconds of that in which a CPU was stuck."""
        return self.user_time(stuck.end) - self.user_time(stuck.end - stuck.seconds)

    def excuses(self, stuck):
        """A CPU is not stuck if for most of that time there was none."""
        return self.ran(stuck) < stuck.seconds / 2


def judge(lines, pace):
    """Return: numbers of the console's lines in which the kernel complains; and what it
    complained of that is the host's doing, in sentences. Without a pace nothing is."""
    excused = [stuck for stuck in console.find_stuck(lines) if pace and pace.excuses(stuck)]
    return console.find_splats(lines, excused), [
        f"the host let the machine run for {pace.ran(stuck):.0f} s of that, so it is not counted: {stuck.line}"
        for stuck in excused]
