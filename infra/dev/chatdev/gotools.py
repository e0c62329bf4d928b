"""Servers that are Go programs: built once into the cache, one folder per version."""

import hashlib
import os
import shutil
import subprocess

from chatdev.complaint import Complaint
from chatdev.paths import BINARIES

BUILD_SECONDS = 1800


def binary(name, version):
    return BINARIES / f"{name}-{version}" / name


def install(name, version, package):
    """`go install package@version`, unless it is in the cache."""
    target = binary(name, version)
    if not target.exists():
        _go(["install", f"{package}@{version}"], target, {"GOBIN": str(target.parent)})


def build(name, version, folder):
    """`go build` of a main package of ours, unless it is in the cache."""
    target = binary(name, version)
    if not target.exists():
        _go(["build", "-o", str(target), "."], target, {}, folder)


def digest(folder):
    """A short name for what its files hold: as part of a version it makes changed sources a new build."""
    contents = b"".join(file.read_bytes() for file in sorted(folder.iterdir()))
    return hashlib.sha256(contents).hexdigest()[:8]


def _go(arguments, target, extra_environment, folder=None):
    if not shutil.which("go"):
        raise Complaint("Go 1.24 or later is missing (Debian 12's is too old): it builds FerretDB, versitygw, Mailpit")
    target.parent.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "CGO_ENABLED": "0", **extra_environment}
    result = subprocess.run(
        ["go", *arguments], cwd=folder or "/", env=environment, capture_output=True, text=True, timeout=BUILD_SECONDS
    )
    if result.returncode != 0:
        raise Complaint(f"go {' '.join(arguments)} failed:\n{result.stderr[-2000:]}")
