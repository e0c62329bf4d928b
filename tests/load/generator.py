"""Runs chat-load and reads what it prints."""

import json
import subprocess

from chatdev import paths
from chatdev.complaint import Complaint

BEGIN, END, HOLDING = "MEASURE BEGIN", "MEASURE END", "HOLDING"  # lines of its own


def run(mode, on=None, preset="release", **arguments):
    """Its report; on: {line: what is called with its pid when it prints that}; arguments: with _ for -."""
    command = [paths.build_folder(preset) / "tests" / "load" / "chat-load", mode]
    command += [word for name, value in arguments.items() for word in (f"--{name.replace('_', '-')}", str(value))]
    report = None
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            if on and line.strip() in on:
                on[line.strip()](process.pid)
            elif line.startswith("{"):
                report = json.loads(line)
    if report is None:
        raise Complaint(f"chat-load {mode} ended with {process.returncode} and no report")
    return report
