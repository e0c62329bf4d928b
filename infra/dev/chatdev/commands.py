"""What the everyday words do. The long stories (demo, test, bench) have modules of their own."""

import os
import shlex
import signal

from chatdev import addresses, build, components, fleet, gin_indexes, ports, processes, services
from chatdev import stack as stacks
from chatdev.complaint import Complaint
from chatdev.fleet import Fleet
from chatdev.progress import say
from chatdev.stack import Stack

PRESET = "release"
LOG_LINES = 100


def up(options):
    stack = Stack(options.stack)
    bring_up(stack, options.preset, services.parse_replicas(options.replicas))
    _say_where(stack)


def bring_up(stack, preset, replicas, *targets):
    """Everything from packages to ready daemons. What runs and is up to date is left alone. Builds all, or `targets`."""
    with stack.locked():
        stacks.install()
        if build.has_code():
            _build_presets(preset, targets)
        before = Fleet.remembered(stack)
        chosen = {**services.default_replicas(), **(before.asked if before else {}), **replicas}
        wanted = Fleet(stack, preset, chosen)
        wanted.require_ports()
        started = stacks.start_servers(stack)
        try:
            fleet.migrate(wanted)
            fleet.start(wanted)
        except BaseException:
            stacks.stop_processes(stack, [server.name for server in started])
            raise
    return wanted


def start_anew(stack, preset, replicas, *targets):
    """The same on empty stores."""
    with stack.locked():
        killed = fleet.stop(stack)
        stacks.stop_servers(stack)
        stacks.wipe(stack)
    if killed:
        raise Complaint(f"{', '.join(killed)} had to be killed")
    return bring_up(stack, preset, replicas, *targets)


def _build_presets(preset, targets):
    most, others = services.parse_presets(preset)
    build.build(most, *targets)
    for other in sorted(set(others.values())):
        build.build(other, *(name for name, chosen in others.items() if chosen == other))


def down(options):
    stack = Stack(options.stack)
    with stack.locked():
        fleet.stop(stack)
        stacks.stop_servers(stack)
        if options.wipe:
            stacks.wipe(stack)


def status(options):
    stack = Stack(options.stack)
    say(f"{'':<24} {'pid':>7} {'port':>6}")
    for server in components.ALL:
        if server in stack.servers:
            _say_status(stack, server.name, server.port(stack), server.why_not_ready(stack))
        else:
            say(f"{server.name:<24} {'':>7} {'':>6}  external: {server.replaced_by}")
    wanted = Fleet.remembered(stack)
    for daemon in wanted.daemons if wanted else []:
        _say_status(stack, daemon.name, daemon.port(stack), fleet.why_not_ready(stack, daemon))
    if not wanted:
        say(f"no daemons: infra/dev/chat up{_stack_option(stack)}")


def logs(options):
    stack = Stack(options.stack)
    paths = [stack.paths.log(name) for name in _names(stack, options.name)]
    there = [str(path) for path in paths if path.exists()]
    if not there:
        raise Complaint(f"no log of {options.name} yet in {stack.paths.logs}")
    os.execvp("tail", ["tail", "-n", str(LOG_LINES), *(["-F"] if options.follow else []), *there])


def restart(options):
    stack = Stack(options.stack)
    with stack.locked():
        names = _names(stack, options.name)
        stacks.stop_processes(stack, names)
        for server in (components.BY_NAME[name] for name in names if name in components.BY_NAME):
            for port_name in server.port_names:
                ports.require_free(stack.port(port_name), server.title)
            stacks.start_server(stack, server)
        _restart_daemons(stack, names)


def kill(options):
    stack = Stack(options.stack)
    running = [name for name in _names(stack, options.name) if processes.find(name, stack.paths)]
    if not running:
        raise Complaint(f"{options.name} does not run")
    for name in running:
        processes.send(processes.find(name, stack.paths), signal.SIGKILL)
        say(f"killed {name}")


def stack_up(options):
    stack = Stack(options.stack)
    with stack.locked():
        stacks.install()
        if not stacks.start_servers(stack):
            say("all servers run already")


def stack_env(options):
    for key, value in addresses.for_tests(Stack(options.stack)).items():
        say(f"export {key}={shlex.quote(value)}")


def stack_indexes(options):
    if options.service not in services.BY_NAME:
        raise Complaint(f"no service '{options.service}'; there are {', '.join(services.BY_NAME)}")
    database = options.database or services.BY_NAME[options.service].database
    count = gin_indexes.create(Stack(options.stack), options.service, database)
    say(f"{count} indexes in {database}")


def _names(stack, word):
    """The processes that a person means by 'redis', 'message-service' or 'message-service-2'."""
    if word in components.BY_NAME:
        return [word]
    wanted = Fleet.remembered(stack)
    known = wanted.daemons if wanted else []
    found = [daemon.name for daemon in known if word in (daemon.name, daemon.service.name)]
    if not found:
        there = [*components.BY_NAME, *(daemon.name for daemon in known)]
        raise Complaint(f"nothing is called '{word}' here; there are {', '.join(there)}")
    return found


def _restart_daemons(stack, names):
    wanted = Fleet.remembered(stack)
    chosen = [daemon for daemon in wanted.daemons if daemon.name in names] if wanted else []
    for daemon in chosen:
        fleet.start_daemon(wanted, daemon)
    fleet.wait_ready(wanted, chosen, announce=chosen)


def _say_status(stack, name, port, why_not_ready):
    identity = processes.find(name, stack.paths)
    state = (why_not_ready or "ready") if identity else "not running"
    say(f"{name:<24} {identity.pid if identity else '-':>7} {port:>6}  {state}")


def _say_where(stack):
    wanted = Fleet.remembered(stack)
    if wanted.missing:
        say(f"\nnot built yet, so not started: {', '.join(wanted.missing)}")
    say(f"\n  public API     http://{ports.HOST}:{services.BY_NAME['api-gateway'].first_port + stack.offset}")
    say(f"  mails          {addresses.mailpit_url(stack)}/api/v1/messages")
    say(f"  logs           {stack.paths.logs}")
    say(f"\nTry: infra/dev/chat demo{_stack_option(stack)}")


def _stack_option(stack):
    return "" if stack.name == "dev" else f" --stack {stack.name}"
