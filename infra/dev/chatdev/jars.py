"""Programs from Maven: their jars, copied into the cache by the pom.xml that lists them."""

import shutil
import subprocess

from chatdev.complaint import Complaint
from chatdev.paths import INFRA_DEV

INSTALL_SECONDS = 900


def fetch(name, folder, *properties):
    """infra/dev/<name>/pom.xml's jars into the folder, whole or not at all; quick when they are there."""
    if folder.is_dir():
        return
    draft = folder.with_name(folder.name + ".draft")
    shutil.rmtree(draft, ignore_errors=True)
    command = ["mvn", "-q", "-B", "-f", str(INFRA_DEV / name / "pom.xml"), "dependency:copy-dependencies"]
    command += [*properties, f"-DoutputDirectory={draft}"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_SECONDS)
    if result.returncode != 0:
        raise Complaint(f"Maven could not fetch {name}:\n{result.stdout[-2000:]}")
    draft.rename(folder)
