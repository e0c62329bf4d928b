"""Background processes: start, recognise, stop. A pid file is exact, so that only our own are ever stopped."""

import contextlib
import json
import os
import signal
import subprocess
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from chatdev.paths import REPOSITORY

LOG_BYTES_MAX = 20 * 1024 * 1024  # a larger log becomes NAME.log.1 at the next start
STOP_SECONDS = 30  # longer than a daemon takes to drain its connections
START_LINE = "--- started "  # in front of what one run writes


@dataclass(frozen=True)
class Identity:
    """pid, start time and boot: a pid that was used again, or survived a reboot on paper, does not match."""

    pid: int
    started_ticks: int
    boot_id: str
    fingerprint: str = ""  # what was started: a change means that a restart is due


def start(name, paths, command, environment, fingerprint="", user=None):
    """Starts `command` in a session of its own and writes its pid file. Returns its Identity."""
    with _open_log(paths.log(name)) as log:
        process = subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=environment,
            cwd="/" if user else REPOSITORY,  # another user may not enter the repository's folder
            start_new_session=True,
            **_as_user(user),
        )
    identity = Identity(process.pid, _started_ticks(process.pid) or 0, _boot_id(), fingerprint)
    _write_whole(_pid_file(paths, name), json.dumps(asdict(identity)))
    return identity


def find(name, paths):
    """Identity of the running process of that name, or None."""
    try:
        identity = Identity(**json.loads(_pid_file(paths, name).read_text()))
    except (OSError, ValueError, TypeError):
        return None
    return identity if is_alive(identity) else None


def names(paths):
    """Names of all processes that this stack has started and that still run."""
    return [file.stem for file in sorted(paths.run.glob("*.pid")) if find(file.stem, paths)]


def is_alive(identity):
    return identity.boot_id == _boot_id() and _started_ticks(identity.pid) == identity.started_ticks


def stop(name, paths, stop_signal=signal.SIGTERM, seconds=STOP_SECONDS):
    """Asks, waits, insists. Returns 'stopped', 'killed' or 'not running'."""
    identity = find(name, paths)
    outcome = "not running"
    if identity:
        send(identity, stop_signal)
        outcome = "stopped" if _wait_gone(identity, seconds) else "killed"
    if outcome == "killed":
        send(identity, signal.SIGKILL)
        _wait_gone(identity, 5)
    _pid_file(paths, name).unlink(missing_ok=True)
    return outcome


def send(identity, which):
    """Signals the process, unless it is no longer the one that we started."""
    if is_alive(identity):
        with contextlib.suppress(ProcessLookupError):
            os.kill(identity.pid, which)


def run_limited(command, seconds, **options):
    """Runs a foreground command; past the limit it ends, with its children. Returns its exit code (124: too slow)."""
    process = subprocess.Popen([str(word) for word in command], start_new_session=True, **options)
    try:
        return process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        return 124
    finally:
        _end_group(process)


def _end_group(process):
    if process.poll() is not None:
        return
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _as_user(user):
    return {"user": user, "group": user, "extra_groups": []} if user else {}


def _open_log(path):
    if path.exists() and path.stat().st_size > LOG_BYTES_MAX:
        path.replace(path.with_suffix(".log.1"))
    log = path.open("ab")
    log.write(time.strftime(f"{START_LINE}%Y-%m-%d %H:%M:%S\n").encode())
    log.flush()
    return log


def _pid_file(paths, name):
    return paths.run / f"{name}.pid"


def _write_whole(path, text):
    """Never leaves half a file behind: readers see the old one or the new one."""
    draft = path.with_suffix(".draft")
    draft.write_text(text)
    draft.replace(path)


def _started_ticks(pid):
    """Start time in clock ticks since boot; None when the process is gone or a zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()  # the name before it may contain spaces
    state, thread_count, started = fields[0], int(fields[17]), int(fields[19])
    if state in "ZX" and thread_count <= 1:  # a dead main thread alone does not close the process's ports
        return None
    return started


def _boot_id():
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def _wait_gone(identity, seconds):
    deadline = time.monotonic() + seconds
    while is_alive(identity):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
