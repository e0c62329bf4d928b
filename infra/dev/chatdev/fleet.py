"""The daemons of a stack: migrate, start, wait until ready, stop."""

import hashlib
import json
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

from chatdev import components, gin_indexes, ports, processes, services, settings
from chatdev.complaint import Complaint
from chatdev.progress import say_step, step
from chatdev.stack import log_tail, stop_processes
from chatdev.wire import http_get

READY_SECONDS = 60
MIGRATE_SECONDS = 120
POLL_SECONDS = 0.1


class Fleet:
    """Which daemons a stack should have, from which build."""

    def __init__(self, stack, preset, replicas):
        """preset: as services.parse_presets takes it."""
        self.stack = stack
        self.preset = preset
        self.asked = replicas
        built = {service.name for service in services.SERVICES if self.binary(service).exists()}
        self.missing = [name for name, count in replicas.items() if count and name not in built]
        self.replicas = {name: count if name in built else 0 for name, count in replicas.items()}
        self.daemons = services.daemons(self.replicas)

    @staticmethod
    def remembered(stack):
        """The fleet as it was last started, or None."""
        file = _memory(stack)
        return Fleet(stack, **json.loads(file.read_text())) if file.exists() else None

    def remember(self):
        text = json.dumps({"preset": self.preset, "replicas": self.asked})
        _memory(self.stack).write_text(text)

    def binary(self, service):
        return service.binary(services.preset_of(service, self.preset))

    def environment(self, daemon):
        return settings.environment_for(self.stack, daemon, self.replicas, self.binary(daemon.service))

    def fingerprint(self, daemon):
        """Changes when the binary or a setting does: then a running daemon is out of date."""
        binary = self.binary(daemon.service)
        chat_settings = {name: value for name, value in self.environment(daemon).items() if name.startswith("CHAT_")}
        made = binary.stat()
        described = json.dumps([str(binary), made.st_mtime_ns, made.st_size, chat_settings], sort_keys=True)
        return hashlib.sha256(described.encode()).hexdigest()[:16]

    def require_ports(self):
        for daemon in self.daemons:
            if not processes.find(daemon.name, self.stack.paths):
                ports.require_free(daemon.port(self.stack), daemon.name)
                ports.require_free(daemon.ops_port(self.stack), f"{daemon.name} (ops)")


def migrate(fleet):
    """Each service's own `--migrate`, then the indexes that only FerretDB needs."""
    migrating = [daemon for daemon in fleet.daemons if daemon.service.migrates and daemon.index == 0]
    if not migrating:
        return
    with step("migrations", f"{len(migrating)} services"), ThreadPoolExecutor(max_workers=len(migrating)) as pool:
        list(pool.map(lambda daemon: _migrate_one(fleet, daemon), migrating))
    if components.BY_NAME["ferretdb"] in fleet.stack.servers:
        with step("FerretDB indexes"):
            gin_indexes.create_all(fleet.stack)


def _migrate_one(fleet, daemon):
    command = [*_command(fleet, daemon), "--migrate"]
    environment = fleet.environment(daemon)
    result = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=MIGRATE_SECONDS)
    if result.returncode != 0:
        told = (result.stderr or result.stdout).strip()[-1500:]
        raise Complaint(f"{daemon.service.name} --migrate failed (exit {result.returncode}):\n{told}")


def start(fleet):
    """Starts what does not run, restarts what is out of date, stops what is no longer wanted; waits for all."""
    _stop_unwanted(fleet)
    outdated = [daemon for daemon in fleet.daemons if not _is_current(fleet, daemon)]
    stop_processes(fleet.stack, [daemon.name for daemon in outdated])
    fleet.require_ports()
    try:
        for daemon in outdated:
            start_daemon(fleet, daemon)
        wait_ready(fleet, fleet.daemons, announce=outdated)
    except BaseException:
        stop_processes(fleet.stack, [daemon.name for daemon in outdated])
        raise
    fleet.remember()


def start_daemon(fleet, daemon, more=None):
    """more: settings in its environment on top, or in place of its own."""
    command, environment = _command(fleet, daemon), fleet.environment(daemon) | (more or {})
    processes.start(daemon.name, fleet.stack.paths, command, environment, fleet.fingerprint(daemon))


def wait_ready(fleet, daemons, announce):
    """Until every /readyz says 200 and lacks nothing; otherwise tells which daemon lacks what."""
    began = time.monotonic()
    pending = list(daemons)
    while pending:
        for daemon in list(pending):
            if not why_not_ready(fleet.stack, daemon):
                pending.remove(daemon)
                if daemon in announce:
                    say_step(daemon.name, f"ready on port {daemon.port(fleet.stack)}", time.monotonic() - began)
            elif not processes.find(daemon.name, fleet.stack.paths):
                raise Complaint(f"{daemon.name} ended during its start. {log_tail(fleet.stack, daemon.name)}")
        if pending and time.monotonic() - began > READY_SECONDS:
            reasons = [f"{daemon.name}: {why_not_ready(fleet.stack, daemon)}" for daemon in pending]
            raise Complaint(f"not ready after {READY_SECONDS} s:\n    " + "\n    ".join(reasons))
        time.sleep(POLL_SECONDS if pending else 0)


def why_not_ready(stack, daemon):
    """None when ready and not degraded, else what /readyz says."""
    status, body = http_get(f"{daemon.ops_url(stack)}/readyz")
    if status == 200 and '"status":"degraded"' not in body:
        return None
    return f"{status} {_failing_checks(body)}".strip() if status else "does not answer yet"


def stop(stack):
    """Stops all daemons and forgets how many there were. Returns the names of those that had to be killed."""
    _memory(stack).unlink(missing_ok=True)
    names = [name for name in processes.names(stack.paths) if _service_of(name)]
    outcomes = stop_processes(stack, names)
    return [name for name, outcome in outcomes.items() if outcome == "killed"]


def _memory(stack):
    return stack.paths.run / "fleet.json"


def _stop_unwanted(fleet):
    wanted = {daemon.name for daemon in fleet.daemons}
    running = [name for name in processes.names(fleet.stack.paths) if _service_of(name)]
    stop_processes(fleet.stack, [name for name in running if name not in wanted])


def _is_current(fleet, daemon):
    identity = processes.find(daemon.name, fleet.stack.paths)
    return identity is not None and identity.fingerprint == fleet.fingerprint(daemon)


def _command(fleet, daemon):
    return [fleet.binary(daemon.service), "--config", daemon.service.config_file]


def _service_of(process_name):
    return services.BY_NAME.get(process_name.rpartition("-")[0])


def _failing_checks(body):
    """One line, whatever shape the answer has."""
    return " ".join(body.split())[:160]
