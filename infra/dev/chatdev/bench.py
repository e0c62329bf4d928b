"""`infra/dev/chat bench [ARGUMENTS]`: hands over to tests/load/bench, which measures on a stack of its own."""

import os
import subprocess

from chatdev.complaint import Complaint
from chatdev.paths import REPOSITORY

ENTRY = REPOSITORY / "tests" / "load" / "bench"


def main(options):
    if not os.access(ENTRY, os.X_OK):
        raise Complaint(f"there is no benchmark: {ENTRY.relative_to(REPOSITORY)} is missing")
    return subprocess.run([ENTRY, *options.rest], cwd=REPOSITORY).returncode
