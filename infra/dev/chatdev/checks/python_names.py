"""pyflakes over every Python file: syntax, names that nobody defines, imports that nobody uses."""

import shutil
import subprocess

from chatdev.checks import source
from chatdev.complaint import Complaint
from chatdev.paths import REPOSITORY

TOOL = "pyflakes3"
SECONDS = 120


def check():
    if not shutil.which(TOOL):
        raise Complaint(f"{TOOL} is missing: apt-get install {TOOL}")
    names = source.files(".py")
    result = subprocess.run([TOOL, *names], cwd=REPOSITORY, capture_output=True, text=True, timeout=SECONDS)
    findings = (result.stdout + result.stderr).splitlines()
    if result.returncode and not findings:
        findings = [f"{TOOL} ended with {result.returncode}"]
    return findings, f"{len(names)} files"
