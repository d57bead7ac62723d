# SPDX-License-Identifier: PostgreSQL
"""Cleans up after a process, however that ends.

Started beside it in a session of its own, reads one JSON object a line from
standard input, which only that process holds open:

    {"process": PID, "signal": NAME}   stop this one in the end
    {"forget": PID}                    it has ended
    {"directory": PATH}                remove this one in the end
    {"keep": true}                     not at the end of input, but on SIGTERM

At the end of input (the process is done, or dead) it sends each process its
signal, kills what does not end, and removes the directories.
"""

import json
import os
import select
import shutil
import signal
import sys
import time

PATIENCE_SECONDS = 10


def has_ended(pidfd, seconds):
    """A pidfd becomes readable when the process ends, reaped or not."""
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    return bool(poll.poll(seconds * 1000))


def send(pidfd, number):
    try:
        signal.pidfd_send_signal(pidfd, number)
    except ProcessLookupError:
        pass


def processes_below(directory):
    """Processes working in the directory: backends of a dead postmaster."""
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                cwd = os.readlink(f"/proc/{entry}/cwd")
            except OSError:
                continue
            if cwd == directory or cwd.startswith(directory + "/"):
                yield int(entry)


def clean_up(processes, directories):
    for pidfd, number in processes.values():
        send(pidfd, number)
    deadline = time.monotonic() + PATIENCE_SECONDS
    for pidfd, _ in processes.values():
        if not has_ended(pidfd, max(0, deadline - time.monotonic())):
            send(pidfd, signal.SIGKILL)
    for directory in directories:
        for pid in processes_below(directory):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        # A dying process may still write: what is left, a second pass takes.
        for _ in range(50):
            shutil.rmtree(directory, ignore_errors=True)
            if not os.path.lexists(directory):
                break
            time.sleep(0.1)


def main():
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    processes, directories, keep = {}, [], False
    for line in sys.stdin:
        message = json.loads(line)
        if "process" in message:
            try:
                pidfd = os.pidfd_open(message["process"])
            except ProcessLookupError:
                continue
            processes[message["process"]] = (pidfd, signal.Signals[message["signal"]])
        elif "forget" in message:
            pidfd, _ = processes.pop(message["forget"], (None, None))
            if pidfd is not None:
                os.close(pidfd)
        elif "directory" in message:
            directories.append(message["directory"])
        elif "keep" in message:
            keep = message["keep"]
    if keep:
        signal.sigwait({signal.SIGTERM})
    clean_up(processes, directories)


main()
