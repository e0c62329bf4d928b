"""PostgreSQL from Debian, with a data folder and port of its own: the system's service is not touched.

Durability is what production has: fsync, full_page_writes and synchronous_commit stay on, so that kill -9 tests mean
something and measured latencies are honest. Connections are trusted, and only from this machine.
"""

import contextlib
import hashlib
import os
import pwd
import signal
import subprocess
import time
from pathlib import Path

from chatdev.complaint import Complaint
from chatdev.components.server import Server
from chatdev.paths import REPOSITORY
from chatdev.ports import HOST, accepts

ROLE = "chat"
DATABASES = ("chat", "ferretdb")
OLDEST_VERSION = 15
ORPHANS_SECONDS = 10
SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",  # TCP only: no socket files to collide or to leave behind
    "max_connections": "400",  # five services in several replicas, and FerretDB's own pool
    "shared_buffers": "128MB",
    "log_min_duration_statement": "100ms",
    # A log holds no address, hash or message: neither parameters of a slow statement nor the row of a violated key.
    "log_parameter_max_length": "0",
    "log_error_verbosity": "terse",
}


class Postgres(Server):
    name = "postgres"
    title = "PostgreSQL 15"
    replaced_by = "CHAT_POSTGRES_URI"
    port_names = ("postgres",)
    stop_signal = signal.SIGINT  # "fast": ends sessions instead of waiting for them
    user = "postgres" if os.geteuid() == 0 else None  # it refuses to run as root

    def prepare(self, stack):
        folder = self.data_folder(stack)
        if (folder / "PG_VERSION").exists():
            _end_orphans(folder)
            return
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        if self.user:
            owner = pwd.getpwnam(self.user)
            os.chown(folder, owner.pw_uid, owner.pw_gid)
        self._run(_program("initdb"), "-D", folder, "-U", ROLE, "--auth=trust", "-E", "UTF8", "--locale=C.UTF-8")

    def command(self, stack):
        words = [_program("postgres"), "-D", self.data_folder(stack), "-p", self.port(stack)]
        for key, value in SETTINGS.items():
            words += ["-c", f"{key}={value}"]
        return words

    def why_not_ready(self, stack):
        if not accepts(self.port(stack)):  # a hundred times cheaper than starting psql
            return "does not answer yet"
        answer = sql(stack, "postgres", "SELECT 1", check=False)
        return None if answer.returncode == 0 else answer.stderr.strip()

    def after_start(self, stack):
        present = sql(stack, "postgres", "SELECT datname FROM pg_database").stdout.split()
        for database in DATABASES:
            if database not in present:
                sql(stack, "postgres", f"CREATE DATABASE {database}")

    def data_folder(self, stack):
        """In the stack's folder, unless the user that must run the server cannot get there (say, under /root)."""
        folder = stack.paths.data / "postgres"
        if not self.user or self._can_enter(stack.paths.data):
            return folder
        digest = hashlib.sha256(str(REPOSITORY).encode()).hexdigest()[:8]
        return Path(pwd.getpwnam(self.user).pw_dir) / f"chat-{digest}-{stack.name}"

    def _can_enter(self, folder):
        probe = subprocess.run(["test", "-x", folder], user=self.user, group=self.user, extra_groups=[], cwd="/")
        return probe.returncode == 0

    def _run(self, *command):
        as_user = {"user": self.user, "group": self.user, "extra_groups": []} if self.user else {}
        words = [str(word) for word in command]
        result = subprocess.run(words, capture_output=True, text=True, cwd="/", timeout=120, **as_user)
        if result.returncode != 0:
            raise Complaint(f"{Path(words[0]).name} failed: {result.stderr.strip()}")


def sql(stack, database, statement, check=True):
    """Runs one statement in the stack's own PostgreSQL; rows come as lines, columns split by '|'."""
    command = [_program("psql"), "-XAtq", "-h", HOST, "-p", str(stack.port("postgres")), "-U", ROLE]
    command += ["-v", "ON_ERROR_STOP=1", "-c", statement, database]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60)
    if check and result.returncode != 0:
        raise Complaint(f"PostgreSQL refused '{statement[:60]}': {result.stderr.strip()}")
    return result


def _end_orphans(folder):
    """Ends what is left of a server that was killed: a backend that computes does not notice, and with its hold on the
    shared memory no new server starts."""
    deadline = time.monotonic() + ORPHANS_SECONDS
    while orphans := [process for process in Path("/proc").glob("[0-9]*") if _works_in(process, folder)]:
        if time.monotonic() > deadline:
            raise Complaint(f"processes of an earlier PostgreSQL in {folder} do not end")
        for process in orphans:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(process.name), signal.SIGKILL)
        time.sleep(0.02)
    # Nobody is left whom it could protect; a dead parent that was not waited for yet would count as alive.
    (folder / "postmaster.pid").unlink(missing_ok=True)


def _works_in(process, folder):
    try:
        return os.readlink(process / "cwd") == str(folder) and (process / "cmdline").read_bytes() != b""
    except OSError:  # it has ended, or it is somebody else's
        return False


def _program(name):
    """Debian keeps the server's programs out of PATH, one folder per major version."""
    found = [path for path in Path("/usr/lib/postgresql").glob(f"*/bin/{name}") if _major(path) >= OLDEST_VERSION]
    if not found:
        raise Complaint(f"PostgreSQL's {name} is missing: apt-get install postgresql-{OLDEST_VERSION}")
    return str(max(found, key=_major))


def _major(path):
    return int(path.parents[1].name)
