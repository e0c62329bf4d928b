"""What comes from Debian, and apt called carefully: only when something is missing, and without starting services."""

import os
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path

from chatdev.complaint import Complaint
from chatdev.progress import step

APT_SECONDS = 1200
LOCK_SECONDS = 300  # another apt may be at work: wait for it

# package: a program that makes it unnecessary (a JDK or node from elsewhere is as good), or None
SERVER_PACKAGES = {
    "postgresql-15": None,
    "redis-server": "redis-server",
    "openjdk-17-jre-headless": "java",
    "maven": "mvn",
    "openssl": "openssl",
    "curl": "curl",
}
BUILD_PACKAGES = {
    "gcc": "gcc",
    "cmake": "cmake",
    "ninja-build": "ninja",
    "pkg-config": "pkg-config",
    "libargon2-dev": None,
    "libcmocka-dev": None,
    "libcurl4-openssl-dev": None,
    "libhiredis-dev": None,
    "libjansson-dev": None,
    "libmicrohttpd-dev": None,
    "libmongoc-dev": None,
    "libpq-dev": None,
    "librdkafka-dev": None,
    "libssl-dev": None,
    "libunistring-dev": None,
    "libuv1-dev": None,
    "libwebsockets-dev": None,
    "libwebsockets-evlib-uv": None,
}
FUZZ_PACKAGES = {"clang-14": "clang-14", "libclang-rt-14-dev": None, "llvm-14": "llvm-symbolizer-14"}
CHECK_PACKAGES = {"clang-format-14": "clang-format-14", "cppcheck": "cppcheck", "pyflakes3": "pyflakes3"}
TIDY_PACKAGES = {"clang-tidy-14": "clang-tidy-14"}
TEST_PACKAGES = {"nodejs": "node", "npm": "npm", "python3-venv": None}

NO_CLUSTER = Path("/etc/postgresql-common/createcluster.d/chat-app-development.conf")
POLICY = Path("/usr/sbin/policy-rc.d")
REFUSE_SERVICES = "#!/bin/sh\n# Written by chat-app's development scripts while they call apt.\nexit 101\n"


def require(*tables):
    missing = [name for table in tables for name, program in table.items() if not _is_there(name, program)]
    if missing:
        with step("packages", f"installed {len(missing)}", "apt: " + " ".join(missing)[:60]):
            _install(missing)


def _is_there(package, program):
    if program and shutil.which(program):
        return True
    query = ["dpkg-query", "-W", "-f", "${db:Status-Status}", package]
    return subprocess.run(query, capture_output=True, text=True).stdout == "installed"


def _install(packages):
    if os.geteuid() != 0:
        raise Complaint(f"packages are missing; as root: apt-get install {' '.join(packages)}")
    with _no_services(), _no_postgres_cluster():
        _apt("update")
        _apt("install", "-y", "--no-install-recommends", *packages)


def _apt(*arguments):
    command = ["apt-get", "-qq", "-o", f"DPkg::Lock::Timeout={LOCK_SECONDS}", *arguments]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    result = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=APT_SECONDS)
    if result.returncode != 0:
        raise Complaint(f"apt-get {arguments[0]} failed:\n{result.stderr.strip()[-2000:]}")


@contextmanager
def _no_services():
    """Debian's packages start their services unless policy-rc.d forbids it."""
    with _temporary_file(POLICY, REFUSE_SERVICES, mode=0o755):
        yield


@contextmanager
def _no_postgres_cluster():
    """Debian's PostgreSQL makes a database of its own at installation unless it is told not to."""
    NO_CLUSTER.parent.mkdir(parents=True, exist_ok=True)
    with _temporary_file(NO_CLUSTER, "create_main_cluster = false\n", mode=0o644):
        yield


@contextmanager
def _temporary_file(path, text, mode):
    """A file for the duration of the block; one that is already there is left alone."""
    if path.exists():
        yield
        return
    path.write_text(text)
    path.chmod(mode)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
