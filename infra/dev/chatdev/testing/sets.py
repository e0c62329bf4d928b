"""The sets of tests. Each returns (passed, failed); one that can't run at all raises Complaint: one failure."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile

from chatdev import addresses, build, commands, packages, services
from chatdev.complaint import Complaint
from chatdev.components.mongojava import MongoJava
from chatdev.paths import CACHE, INFRA_DEV, REPOSITORY, build_folder
from chatdev.processes import run_limited
from chatdev.progress import say, step
from chatdev.stack import start_server, stop_processes
from chatdev.testing.tally import read_junit, read_newman

CHECK_SECONDS = 600
CTEST_SECONDS = 1800
ONE_TEST_SECONDS = 300
PYTEST_SECONDS = 1800
LONG_SECONDS = 3600  # ten minutes of them are many faults in a row (R14)
TSAN_SECONDS = 2400
# Where several threads work on the same chats and sockets. The others' threads are watched by ctest.
TSAN_PRESET = "release,websocket-gateway=tsan,message-service=tsan"
SOAK_EXTRA_SECONDS = 900  # joining, reading everything back
NEWMAN_SECONDS = 600
# Each run makes its own people: what a first one leaves must not be in the way of the next.
NEWMAN_TWICE = ("auth", "users", "edge")
CONTRACTS_SECONDS = 120
CONFORMANCE_SECONDS = 1200
INSTALL_SECONDS = 600

# Two of each that consumes: what breaks only with several replicas shall break here.
REPLICAS = {"websocket-gateway": 2, "message-service": 2, "notification-service": 2}
CTEST_LABELS = "^(unit|contract|integration)$"
NEWMAN_VERSION = "6.2.2"
ASYNCAPI_SPECS_VERSION = "6.11.1"
END_TO_END = REPOSITORY / "tests" / "e2e"
POSTMAN = REPOSITORY / "postman"
CONTRACTS = REPOSITORY / "tests" / "contracts"
CONFORMANCE = REPOSITORY / "tests" / "conformance"
SANITIZER_REPORT = re.compile(r"(ERROR: (Address|Leak)Sanitizer|WARNING: ThreadSanitizer|: runtime error: ).*")

THREAD_SUPPRESSIONS = INFRA_DEV / "lint" / "tsan.txt"

SANITIZER_OPTIONS = {
    "ASAN_OPTIONS": "detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
    "TSAN_OPTIONS": f"second_deadlock_stack=1:halt_on_error=0:suppressions={THREAD_SUPPRESSIONS}",
}


def check(stack, reports):
    code = run_limited([INFRA_DEV / "check"], CHECK_SECONDS, cwd=REPOSITORY)
    return (1, 0) if code == 0 else (0, 1)


def ctest(stack, reports, preset="asan", labels=CTEST_LABELS, name="ctest", only=".", **servers):
    """Unit, contract and integration tests: one executable each. servers: addresses that replace the stack's."""
    report = reports / f"{name}-{preset}.xml"
    command = ["ctest", "--test-dir", build_folder(preset), "-L", labels, "--output-on-failure", "--no-tests=error"]
    command += ["-R", only]
    command += ["-j", "2", "--timeout", ONE_TEST_SECONDS, "--output-junit", report]
    environment = {**os.environ, **SANITIZER_OPTIONS, **addresses.for_tests(stack), **servers}
    environment.pop("CHAT_LOG_LEVEL", None)  # is meant for the fleet
    with tempfile.TemporaryDirectory(prefix="chat-ctest-") as folder:  # a test that is killed can't tidy up
        run_limited(command, CTEST_SECONDS, cwd=REPOSITORY, env={**environment, "TMPDIR": folder})
    return _counts(report, lambda path: read_junit(path, skipped_fails=True))


def release_build(stack, reports):
    """What `chat up` builds: the optimiser sees, and warns of, what the other builds do not."""
    build.build("release", *services.BY_NAME)
    return 1, 0


def second_opinion(stack, reports):
    """The storage contracts once more, against another implementation of MongoDB's protocol."""
    server = MongoJava()
    server.install()
    start_server(stack, server)
    try:
        uri = server.uri(stack)
        return ctest(stack, reports, labels="^contract$", name="second-opinion", only="mongo", CHAT_TEST_MONGO_URI=uri)
    finally:
        stop_processes(stack, [server.name])


def end_to_end(stack, reports, name="end-to-end", marked="not long and not soak", seconds=PYTEST_SECONDS):
    """pytest against the running fleet: the tests whose marker fits."""
    report = reports / f"{name}.xml"
    command = [_venv() / "bin" / "python", "-m", "pytest", END_TO_END, "-m", marked, f"--junitxml={report}"]
    command += ["-o", f"cache_dir={CACHE / 'pytest'}"]
    environment = {**os.environ, **addresses.for_tests(stack), **services.addresses_for_clients(stack)}
    run_limited(command, seconds, cwd=REPOSITORY, env=environment)
    return _counts(report, lambda path: read_junit(path, skipped_fails=False))


def postman(stack, reports):
    """Every collection, by newman, with the addresses of this stack; those of NEWMAN_TWICE twice in a row."""
    passed = failed = 0
    for collection in sorted(POSTMAN.glob("*postman_collection.json")):
        name = collection.name.split(".")[0]
        for run in range(2 if name in NEWMAN_TWICE else 1):
            report = reports / f"newman-{name}-{run + 1}.json"
            run_limited(_newman_command(stack, collection, report), NEWMAN_SECONDS, cwd=REPOSITORY)
            one_passed, one_failed = _counts(report, read_newman)
            passed, failed = passed + one_passed, failed + one_failed
    return passed, failed


def end_to_end_long(stack, reports):
    """The fleet of the ordinary sets still runs."""
    return end_to_end(stack, reports, "end-to-end-long", "long and not soak", LONG_SECONDS)


def contracts(stack, reports):
    """The documents in docs/, by their own specifications."""
    report = reports / "contracts.xml"
    command = [_venv("venv-contracts", CONTRACTS) / "bin" / "python", "-m", "pytest", CONTRACTS]
    command += [f"--junitxml={report}", "-o", f"cache_dir={CACHE / 'pytest'}"]
    schema = _npm("@asyncapi/specs", ASYNCAPI_SPECS_VERSION) / "schemas" / "3.0.0-without-$id.json"
    run_limited(command, CONTRACTS_SECONDS, cwd=REPOSITORY, env={**os.environ, "CHAT_ASYNCAPI_SCHEMA": str(schema)})
    return _counts(report, lambda path: read_junit(path, skipped_fails=True))


def conformance(stack, reports, name="conformance", marked="not long"):
    """The Autobahn cases against the echo endpoint of the fleet's first websocket-gateway."""
    report = reports / f"{name}.xml"
    command = [_venv("venv-conformance", CONFORMANCE) / "bin" / "python", "-m", "pytest", CONFORMANCE, "-m", marked]
    command += [f"--junitxml={report}", "-o", f"cache_dir={CACHE / 'pytest'}"]
    environment = {**os.environ, **services.addresses_for_clients(stack)}
    run_limited(command, CONFORMANCE_SECONDS, cwd=REPOSITORY, env=environment)
    return _counts(report, lambda path: read_junit(path, skipped_fails=True))


def conformance_long(stack, reports):
    return conformance(stack, reports, "conformance-long", "long")


def soak(stack, reports):
    """The fleet as it is delivered: AddressSanitizer's allocator grows by itself. On empty stores: the autovacuum of the
    tables that the large chat has left takes PostgreSQL's time for minutes, and what waits for it then is no growth."""
    commands.start_anew(stack, "release", REPLICAS, *services.BY_NAME)
    seconds = int(os.environ.get("CHAT_SOAK_SECONDS", "600")) + SOAK_EXTRA_SECONDS
    return end_to_end(stack, reports, "soak", "soak", seconds)


def end_to_end_tsan(stack, reports):
    """All of it against daemons that watch for data races; the last look at their logs counts what they saw."""
    commands.bring_up(stack, TSAN_PRESET, REPLICAS, *services.BY_NAME)
    return end_to_end(stack, reports, "end-to-end-tsan", seconds=TSAN_SECONDS)


def fuzzing(stack, reports):
    """Each harness looks for a minute, from its corpus on."""
    packages.require(packages.FUZZ_PACKAGES)
    build.build("fuzz", "fuzzers")
    return ctest(stack, reports, preset="fuzz", labels="^fuzz$")


def clang_tidy(stack, reports):
    """While compiling: what it says is an error of the build."""
    packages.require(packages.TIDY_PACKAGES)
    build.build("tidy")
    return 1, 0


def thread_sanitizer(stack, reports):
    build.build("tsan")
    return ctest(stack, reports, preset="tsan")


def sanitizer_findings(stack):
    """Reports in the daemons' logs, one line each. A daemon that misbehaved quietly has failed too."""
    found = []
    for log in sorted(stack.paths.logs.glob("*.log")):
        for match in SANITIZER_REPORT.finditer(log.read_text(errors="replace")):
            found.append(f"{log.name}: {match.group(0)[:150]}")
    return found


# What `--full` adds: name and function. The first kind wants the running fleet, the second none: integration tests use
# the platform's own topics.
LONG_SETS = (
    ("end to end, long", end_to_end_long),
    ("websocket conformance, long", conformance_long),
    ("soak", soak),
    ("end to end, thread sanitizer", end_to_end_tsan),
)
LONG_SETS_WITHOUT_FLEET = (("thread sanitizer", thread_sanitizer), ("fuzzing", fuzzing), ("clang-tidy", clang_tidy))


def _counts(report, read):
    if not report.exists():
        say(f"  no {report.name} was written: the whole set counts as one failure")
        return 0, 1
    return read(report)


def _newman_command(stack, collection, report):
    gateway = services.addresses_for_clients(stack)["CHAT_E2E_URL"]
    command = [_newman(), "run", collection, "-r", "cli,json", "--reporter-json-export", report]
    for environment in sorted(POSTMAN.glob("*local*.postman_environment.json"))[:1]:
        command += ["-e", environment]
    command += ["--env-var", f"base_url={gateway}", "--env-var", f"mailpit_url={addresses.mailpit_url(stack)}"]
    return [*command, "--timeout-request", "20000"]


def _venv(name="venv", tests=END_TO_END):
    """Python packages for a folder of tests, installed again when its list changes."""
    packages.require(packages.TEST_PACKAGES)
    folder, requirements = CACHE / name, tests / "requirements.txt"
    wanted = requirements.read_text() if requirements.exists() else "pytest\n"
    stamp, digest = folder / "installed", hashlib.sha256(wanted.encode()).hexdigest()
    if not stamp.exists() or stamp.read_text() != digest:
        with step("Python packages"):
            shutil.rmtree(folder, ignore_errors=True)
            _install([sys.executable, "-m", "venv", folder])
            source = ["-r", requirements] if requirements.exists() else ["pytest"]
            _install([folder / "bin" / "python", "-m", "pip", "install", "-q", *source])
            stamp.write_text(digest)
    return folder


def _npm(package, version):
    """The folder of a package from npm, in the cache."""
    packages.require(packages.TEST_PACKAGES)
    name = package.rpartition("/")[2]
    folder = CACHE / f"{name}-{version}"
    installed = folder / "node_modules" / package
    if not installed.exists():
        with step(name):
            folder.mkdir(parents=True, exist_ok=True)
            _install(["npm", "install", "--silent", "--no-audit", "--prefix", folder, f"{package}@{version}"])
    return installed


def _newman():
    return _npm("newman", NEWMAN_VERSION).parent / ".bin" / "newman"


def _install(command):
    words = [str(word) for word in command]
    result = subprocess.run(words, capture_output=True, text=True, timeout=INSTALL_SECONDS, cwd=REPOSITORY)
    if result.returncode != 0:
        raise Complaint(f"{' '.join(words[:4])} ... failed:\n{(result.stderr or result.stdout)[-1500:]}")
