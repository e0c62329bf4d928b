"""Servers that are Go programs: built once into the cache, one folder per version."""

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
    """`go build` of a main package of ours, again when its files are newer than the binary."""
    target = binary(name, version)
    newest = max(file.stat().st_mtime for file in folder.iterdir())
    if not target.exists() or target.stat().st_mtime < newest:
        _go(["build", "-o", str(target), "."], target, {}, folder)


def _go(arguments, target, extra_environment, folder=None):
    if not shutil.which("go"):
        raise Complaint("Go is missing (1.24 or later; Debian 12's own is too old): it builds FerretDB, versitygw, Mailpit")
    target.parent.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "CGO_ENABLED": "0", **extra_environment}
    result = subprocess.run(
        ["go", *arguments], cwd=folder or "/", env=environment, capture_output=True, text=True, timeout=BUILD_SECONDS
    )
    if result.returncode != 0:
        raise Complaint(f"go {' '.join(arguments)} failed:\n{result.stderr[-2000:]}")
