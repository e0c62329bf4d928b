"""Runs the checks and prints what they find, in the form file:line: message."""

import argparse
import sys
import time

from chatdev.checks import asyncapi, banned, documents, formatting, functions, layers, lint, openapi, python_names
from chatdev.complaint import Complaint

# name: function that returns (findings, one line of summary)
CHECKS = {
    "format": formatting.check,
    "layers": layers.check,
    "banned": banned.check,
    "functions": functions.check,
    "lint": lint.check,
    "openapi": openapi.check,
    "asyncapi": asyncapi.check,
    "python": python_names.check,
    "documents": documents.check,
}

SLOW = ("lint",)  # a minute the first time, seconds later


def main(arguments):
    options = _parser().parse_args(arguments)
    if options.fix:
        formatting.fix()
    chosen = options.names or [name for name in CHECKS if not options.fast or name not in SLOW]
    failed = [name for name in chosen if not _run(name)]
    print(f"check: {'failed: ' + ', '.join(failed) if failed else 'all good'}")
    return 1 if failed else 0


def _parser():
    parser = argparse.ArgumentParser(prog="infra/dev/check", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="CHECK", help=f"default: all of {', '.join(CHECKS)}")
    parser.add_argument("--fix", action="store_true", help="let clang-format rewrite the files first")
    parser.add_argument("--fast", action="store_true", help=f"for hooks: without {', '.join(SLOW)}")
    return parser


def _run(name):
    if name not in CHECKS:
        raise SystemExit(f"check: no '{name}'; there are {', '.join(CHECKS)}")
    began = time.monotonic()
    try:
        findings, summary = CHECKS[name]()
    except Complaint as complaint:
        findings, summary = [str(complaint)], "could not run"
    for finding in findings:
        print(finding)
    verdict = "failed" if findings else "ok"
    print(f"  {name:<10} {verdict:<7} {summary}, {time.monotonic() - began:.1f} s", flush=True)
    return not findings


sys.exit(main(sys.argv[1:]))
