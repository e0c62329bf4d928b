"""One line per step, with the seconds it took."""

import sys
import threading
import time
from contextlib import contextmanager

# A step that takes longer than this says so while it runs, so nobody wonders whether it hangs.
PATIENCE_SECONDS = 5

_print_lock = threading.Lock()


def say(line="", stream=None):
    with _print_lock:
        print(line, file=stream or sys.stdout, flush=True)


def say_step(name, outcome, seconds):
    say(f"  {name:<24} {outcome:<34} {seconds:6.1f} s")


@contextmanager
def step(name, outcome="done", expect=None):
    """Prints `name outcome seconds` when the block ends; `expect` tells how long the first time takes."""
    began = time.monotonic()
    hint = f" ({expect})" if expect else ""
    patience = threading.Timer(PATIENCE_SECONDS, say, [f"  {name:<24} working ...{hint}"])
    patience.daemon = True
    patience.start()
    try:
        yield
    except BaseException:
        say_step(name, "FAILED", time.monotonic() - began)
        raise
    finally:
        patience.cancel()
    say_step(name, outcome, time.monotonic() - began)
