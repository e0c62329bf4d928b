"""The command line of `infra/dev/chat`: which words there are, and which function does each."""

import argparse
import signal
import sys

from chatdev import bench, commands, demo
from chatdev.complaint import Complaint
from chatdev.progress import say
from chatdev.testing import runner

EPILOG = "First time here? infra/dev/chat up, then infra/dev/chat demo. More: infra/dev/README.md"


def main(arguments):
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # being ended is like Ctrl-C: clean up, then go
    signal.signal(signal.SIGHUP, signal.default_int_handler)
    options = _options(["--help"] if arguments in ([], ["help"]) else arguments)
    try:
        return options.run(options) or 0
    except Complaint as complaint:
        say(f"chat: {complaint}", stream=sys.stderr)
        return 1
    except KeyboardInterrupt:
        say("chat: interrupted", stream=sys.stderr)
        return 130


def _options(arguments):
    """Words that only `bench` knows are handed on to it."""
    parser = _parser()
    options, options.rest = parser.parse_known_args(arguments)
    if options.rest and options.run is not bench.main:
        parser.error(f"unrecognized arguments: {' '.join(options.rest)}")
    return options


def _parser():
    parser = argparse.ArgumentParser(prog="infra/dev/chat", description="Chat-App on this machine.", epilog=EPILOG)
    words = parser.add_subparsers(metavar="COMMAND", required=True)
    _add_running(words)
    _add_looking(words)
    _add_trying(words)
    _add_stack(words)
    return parser


def _add_running(words):
    up = _add(words, "up", commands.up, "build, start the servers, migrate, start the fleet")
    up.add_argument("--replicas", metavar="SERVICE=N", nargs="+", default=[], action="extend")
    up.add_argument(
        "--preset",
        metavar="NAME[,SERVICE=NAME]",
        default=commands.PRESET,
        help=f"which build, of all and of single daemons (default: {commands.PRESET})",
    )
    down = _add(words, "down", commands.down, "stop everything of the stack")
    down.add_argument("--wipe", action="store_true", help="forget the data too")
    for name, run, text in (
        ("restart", commands.restart, "stop and start a daemon (all its replicas, or one) or a server"),
        ("kill", commands.kill, "end it like a crash would (SIGKILL), and leave it so"),
    ):
        _add(words, name, run, text).add_argument("name", metavar="SERVICE[-N]")


def _add_looking(words):
    _add(words, "status", commands.status, "each server and daemon: pid, port, ready or why not")
    logs = _add(words, "logs", commands.logs, "the end of its log")
    logs.add_argument("name", metavar="SERVICE[-N]")
    logs.add_argument("-f", "--follow", action="store_true", help="keep printing")


def _add_trying(words):
    _add(words, "demo", demo.main, "a story told by the running fleet")
    test = _add(words, "test", runner.main, "all tests, on a stack of their own", default_stack="test")
    extent = test.add_mutually_exclusive_group()
    extent.add_argument("--full", action="store_true", help="the long sets too")
    extent.add_argument("--long", action="store_true", help="the long sets alone, after an ordinary run")
    _add(words, "bench", bench.main, "measure, on a stack of its own; arguments: tests/load/bench --help")


def _add_stack(words):
    stack = words.add_parser("stack", help="only the servers, without the fleet: up, down, env, indexes")
    stack_words = stack.add_subparsers(metavar="COMMAND", required=True)
    _add(stack_words, "up", commands.stack_up, "start the servers")
    _add(stack_words, "down", commands.down, "stop them").add_argument("--wipe", action="store_true")
    _add(stack_words, "env", commands.stack_env, "export lines for tests")
    indexes = _add(stack_words, "indexes", commands.stack_indexes, "make a service's FerretDB indexes in a database")
    indexes.add_argument("service")
    indexes.add_argument("database", nargs="?", help="another database than the service's own")


def _add(words, name, run, text, default_stack="dev"):
    word = words.add_parser(name, help=text, description=text)
    word.add_argument("--stack", default=default_stack, metavar="NAME", help=f"default: {default_stack}")
    word.set_defaults(run=run)
    return word
