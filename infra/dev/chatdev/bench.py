"""`infra/dev/chat bench [ARGUMENTS]`: hands over to tests/load/bench, which measures on a stack of its own."""

import os
import sys

from chatdev.complaint import Complaint
from chatdev.paths import REPOSITORY

ENTRY = REPOSITORY / "tests" / "load" / "bench"


def main(options):
    if not os.access(ENTRY, os.X_OK):
        raise Complaint(f"there is no benchmark: {ENTRY.relative_to(REPOSITORY)} is missing")
    os.chdir(REPOSITORY)
    sys.stdout.flush()
    os.execv(ENTRY, [ENTRY, *options.rest])  # takes this process's place: a signal to end reaches who has to clean up
