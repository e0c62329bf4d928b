"""Counts over all sets of tests, and readers of the reports that the test tools write."""

import json
import time
import xml.etree.ElementTree as xml
from dataclasses import dataclass, field

from chatdev.progress import say


@dataclass
class Tally:
    passed: int = 0
    failed: int = 0
    lines: list = field(default_factory=list)

    def add(self, name, passed, failed, began):
        self.passed += passed
        self.failed += failed
        self.lines.append(f"  {name:<24} {passed:>5} passed {failed:>5} failed {time.monotonic() - began:>8.1f} s")
        say(self.lines[-1])

    @property
    def good(self):
        return self.failed == 0 and self.passed > 0

    def say_summary(self):
        """The very last line is read by CI: nothing may follow it."""
        say("\n" + "\n".join(self.lines))
        say(f"{self.passed} passed, {self.failed} failed")


def read_junit(path, skipped_fails):
    """(passed, failed) of a JUnit file. `skipped_fails`: a test that did not run is one that failed."""
    passed = failed = 0
    for case in xml.parse(path).getroot().iter("testcase"):
        bad = case.find("failure") is not None or case.find("error") is not None
        skipped = case.find("skipped") is not None or case.get("status") in ("notrun", "disabled")
        if bad or (skipped and skipped_fails):
            failed += 1
        elif not skipped:
            passed += 1
    return passed, failed


def read_newman(path):
    """(passed, failed) assertions; a request or script that broke is a failed one."""
    run = json.loads(path.read_text())["run"]
    failed = len(run["failures"])
    assertions = run["stats"]["assertions"]
    return assertions["total"] - assertions["failed"], failed
