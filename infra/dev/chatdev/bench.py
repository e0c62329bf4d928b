"""`infra/dev/chat bench [ARGUMENTS]`: hands over to tests/load, which measures the running fleet."""

import os
import subprocess

from chatdev import addresses, services
from chatdev.complaint import Complaint
from chatdev.fleet import Fleet
from chatdev.paths import REPOSITORY
from chatdev.stack import Stack

ENTRY = REPOSITORY / "tests" / "load" / "bench"


def main(options):
    stack = Stack(options.stack)
    if not os.access(ENTRY, os.X_OK):
        raise Complaint(f"there is no benchmark yet: {ENTRY.relative_to(REPOSITORY)} is missing")
    if Fleet.remembered(stack) is None:
        raise Complaint("the fleet does not run: infra/dev/chat up")
    environment = {**os.environ, **addresses.for_tests(stack), **services.addresses_for_clients(stack)}
    return subprocess.run([ENTRY, *options.rest], env=environment, cwd=REPOSITORY).returncode
