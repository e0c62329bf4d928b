"""clang-format 14, over every C file."""

import re
import shutil
import subprocess

from chatdev.checks import source
from chatdev.complaint import Complaint
from chatdev.paths import REPOSITORY

TOOL = "clang-format-14"  # another version formats otherwise
FINDING = re.compile(r"^(\S+?:\d+):\d+: error: code should be clang-formatted", re.MULTILINE)


def check():
    names = source.c_files()
    if not names:
        return [], "no C files"
    result = _run("--dry-run", "-Werror", *names)
    places = FINDING.findall(result.stderr)
    findings = [f"{place}: run infra/dev/check format --fix" for place in _first_of_each_file(places)]
    if result.returncode and not findings:
        findings = [result.stderr.strip()]
    return findings, f"{len(names)} files"


def fix():
    if names := source.c_files():
        _run("-i", *names)


def _run(*arguments):
    if not shutil.which(TOOL):
        raise Complaint(f"{TOOL} is missing: apt-get install {TOOL}")
    if not (REPOSITORY / ".clang-format").exists():
        raise Complaint("there is no .clang-format in the repository's root")
    return subprocess.run([TOOL, *arguments], cwd=REPOSITORY, capture_output=True, text=True)


def _first_of_each_file(places):
    first = {}
    for place in places:
        first.setdefault(place.rpartition(":")[0], place)
    return first.values()
