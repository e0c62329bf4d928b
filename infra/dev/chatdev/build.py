"""CMake, by preset, into `.chat/build/<preset>`."""

import fcntl
import shutil
import subprocess

from chatdev import packages
from chatdev.complaint import Complaint
from chatdev.paths import MADE, REPOSITORY, build_folder
from chatdev.processes import run_limited
from chatdev.progress import step

CONFIGURE_SECONDS = 300
BUILD_SECONDS = 2400
ERRORS_SHOWN = 30


def has_code():
    return (REPOSITORY / "CMakeLists.txt").exists()


def build(preset, *targets):
    """Configures when needed and builds all, or what is named; the whole output is in `.chat/build/<preset>.log`."""
    packages.require(packages.BUILD_PACKAGES)
    folder = build_folder(preset)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with open(folder.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two builds in one folder would spoil each other
        with step(f"build ({preset})", "done", "a minute or two the first time"):
            if _must_configure(folder):
                _run(preset, ["cmake", "--preset", preset], CONFIGURE_SECONDS)
            _run(preset, ["cmake", "--build", folder, *(["--target", *targets] if targets else [])], BUILD_SECONDS)


def _must_configure(folder):
    """Ninja notices changed CMakeLists by itself, but not changed presets."""
    presets, cache = REPOSITORY / "CMakePresets.json", folder / "CMakeCache.txt"
    if not (folder / "build.ninja").exists() or not cache.exists():
        return True
    return presets.exists() and presets.stat().st_mtime > cache.stat().st_mtime


def _run(preset, command, seconds):
    if not shutil.which(command[0]):
        raise Complaint(f"{command[0]} is missing")
    log_path = MADE / "build" / f"{preset}.log"
    with log_path.open("w") as log:
        code = run_limited(command, seconds, cwd=REPOSITORY, stdout=log, stderr=subprocess.STDOUT)
    if code != 0:
        why = f"took more than {seconds} s" if code == 124 else "failed"
        tail = "\n".join(log_path.read_text(errors="replace").splitlines()[-ERRORS_SHOWN:])
        raise Complaint(f"the {preset} build {why} ({log_path}):\n{tail}")
