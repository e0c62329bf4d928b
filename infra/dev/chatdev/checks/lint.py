"""cppcheck over every C file. What it has seen before and nobody has changed, it does not look at again.

What it says wrongly is in infra/dev/lint/cppcheck.txt, each with the reason.
"""

import os
import re
import shutil
import subprocess

from chatdev.checks import source
from chatdev.complaint import Complaint
from chatdev.paths import MADE, REPOSITORY
from chatdev.services import BY_NAME

TOOL = "cppcheck"
SECONDS = 600
SUPPRESSIONS = REPOSITORY / "infra" / "dev" / "lint" / "cppcheck.txt"
FINDING = re.compile(r"^\S+:\d+: .*", re.MULTILINE)


def check():
    if not shutil.which(TOOL):
        raise Complaint(f"{TOOL} is missing: apt-get install {TOOL}")
    names = source.files(".c")
    memory = MADE / "cppcheck"
    memory.mkdir(parents=True, exist_ok=True)
    files = memory / "files.txt"
    files.write_text("\n".join(names))
    result = subprocess.run(
        [TOOL, *_options(memory), f"--file-list={files}"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    findings = FINDING.findall(result.stderr)
    if result.returncode and not findings:
        findings = [(result.stderr or result.stdout).strip()[-500:]]
    return findings, f"{len(names)} files"


def _options(memory):
    includes = ["libcommon/include", "libcommon/testing", "libcommon/fuzz", "libcommon/src"]
    includes += [f"{name}/internal" for name in BY_NAME]
    return [
        "--std=c11", "--library=posix,gnu", "--enable=warning,performance,portability", "--inconclusive",
        "--quiet", "--error-exitcode=1", "--template={file}:{line}: {message} [{id}]",
        "-D_GNU_SOURCE", "-D__GNUC__", f"-j{os.cpu_count()}", f"--cppcheck-build-dir={memory}",
        f"--suppressions-list={SUPPRESSIONS}", *(f"-I{folder}" for folder in includes),
    ]  # fmt: skip
