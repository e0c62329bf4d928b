"""Brings a stack up, runs every set of tests, takes the stack down in every case, and counts."""

import fcntl
import os
import shutil
import sys
import time
import traceback

from chatdev import build, commands, fleet, packages
from chatdev import stack as stacks
from chatdev.complaint import Complaint
from chatdev.progress import say
from chatdev.stack import Stack
from chatdev.testing import sets
from chatdev.testing.tally import Tally

PRESET = "asan"
# Name, folder without which there is nothing to run, function.
FLEET_SETS = (
    ("end to end", sets.END_TO_END, sets.end_to_end),
    ("websocket conformance", sets.CONFORMANCE, sets.conformance),
    ("postman", sets.POSTMAN, sets.postman),
)
PREPARED = (0, 0)  # a preparation that worked is no test that passed; one that failed counts


def main(options):
    stack = Stack(options.stack)
    tally = Tally()
    stack.paths.root.mkdir(parents=True, exist_ok=True)
    with open(stack.paths.root / "test.lock", "w") as lock:
        _only_one(stack, lock)
        try:
            _run(stack, options, tally)
        except KeyboardInterrupt:
            tally.add("interrupted", 0, 1, time.monotonic())
        finally:
            _stop(stack, tally)
    tally.say_summary()
    return 0 if tally.good else 1


def _run(stack, options, tally):
    os.environ.update(sets.SANITIZER_OPTIONS)
    reports = _fresh_start(stack)
    if not options.long:
        _count(tally, "check", sets.check, stack, reports)
        _count(tally, "contracts", sets.contracts, stack, reports)
    _count(tally, "servers", _servers, stack)
    if build.has_code() and _count(tally, "build", _build):
        if not options.long:
            _run_ordinary(stack, reports, tally)
        elif not _count(tally, "fleet", _fleet, stack):
            return
        if options.long or options.full:
            _run_long(stack, reports, tally)


def _run_ordinary(stack, reports, tally):
    _count(tally, "release build", sets.release_build, stack, reports)
    _count(tally, "ctest", sets.ctest, stack, reports)
    _count(tally, "second opinion", sets.second_opinion, stack, reports)
    wanted = [one for one in FLEET_SETS if one[1].is_dir()]
    if wanted and _count(tally, "fleet", _fleet, stack):
        for name, _, run in wanted:
            _count(tally, name, run, stack, reports)


def _run_long(stack, reports, tally):
    for name, run in sets.LONG_SETS:
        _count(tally, name, run, stack, reports)
    _stop_fleet(stack, tally)
    for name, run in sets.LONG_SETS_WITHOUT_FLEET:
        _count(tally, name, run, stack, reports)


def _count(tally, name, run, *arguments):
    """Runs one set and adds its counts. Returns whether it had no failure."""
    began = time.monotonic()
    say(f"\n== {name}")
    try:
        passed, failed = run(*arguments)
    except Complaint as complaint:
        say(f"chat: {complaint}", stream=sys.stderr)
        passed, failed = 0, 1
    except Exception:  # a broken set must not hide the others' results, nor leave the stack running
        traceback.print_exc()
        passed, failed = 0, 1
    tally.add(name, passed, failed, began)
    return failed == 0


def _fresh_start(stack):
    """No data, logs or reports of an earlier run."""
    stacks.install()
    packages.require(packages.CHECK_PACKAGES)
    with stack.locked():
        fleet.stop(stack)
        stacks.stop_servers(stack)
        stacks.wipe(stack)
    reports = stack.paths.root / "reports"
    for folder in (stack.paths.logs, reports):
        shutil.rmtree(folder, ignore_errors=True)
    reports.mkdir()
    return reports


def _servers(stack):
    with stack.locked():
        stacks.start_servers(stack)
    return PREPARED


def _build():
    build.build(PRESET)
    return PREPARED


def _fleet(stack):
    os.environ.setdefault("CHAT_LOG_LEVEL", "debug")  # that no secret is logged shall be true at any level
    running = commands.bring_up(stack, PRESET, sets.REPLICAS)
    if running.missing:
        raise Complaint(f"the build made no binary of {', '.join(running.missing)}")
    return PREPARED


def _stop(stack, tally):
    _stop_fleet(stack, tally)
    with stack.locked():
        stacks.stop_servers(stack)


def _stop_fleet(stack, tally):
    """Also the last test: daemons end when they are asked to, and no sanitizer has complained."""
    with stack.locked():
        had_fleet = fleet.Fleet.remembered(stack) is not None
        killed = fleet.stop(stack)
    if had_fleet:
        _count(tally, "clean stop", _verdict, [f"{name} had to be killed" for name in killed])
        _count(tally, "sanitizers", _verdict, sets.sanitizer_findings(stack))


def _verdict(findings):
    for finding in findings:
        say(f"  {finding}")
    return (0, len(findings)) if findings else (1, 0)


def _only_one(stack, lock):
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise Complaint(
            f"another test run uses stack '{stack.name}'; "
            "wait for it, or: CHAT_PORT_OFFSET=2000 infra/dev/chat test --stack test2"
        ) from None
