"""`infra/dev/chat bench --self-test`: does the bench measure what there is? A hop of 20 ms is put into the way of every message;
p50 must rise by 20 ms, to one, on a quiet machine. First in front of an endpoint with nothing behind it, where nothing else
varies; then in front of the fleet's gateways, by the very workload that the figures come from. With and without take turns.
"""

import json
import pathlib
import statistics
from contextlib import ExitStack

import bare
import generator
import measure
import rules

DELAY_MS, TOLERANCE_MS = 20, 1.0
SOCKETS, RATE = 20, 50
FLEET_RATE = 100
SECONDS, WARMUP_S, GRACE_S = 10, 2, 5
SOMEBODY, SOMEWHERE = "0190c6e8-5c2f-7b44-8000-000000000001", "0190c6e8-5c2f-7b44-8000-000000000003"


def chat_load(folder, preset, mode, on=None, **arguments):
    """Among people whom only a bare-server lets in."""
    people = pathlib.Path(folder) / "anybody.json"
    person = {"user_id": SOMEBODY, "device_id": "bench", "token": "none"}
    people.write_text(json.dumps({"people": [person], "chats": [{"chat_id": SOMEWHERE, "members": [SOMEBODY]}]}))
    return generator.run(mode, on, preset, people=people, **arguments)


def fanout(folder, address, preset="release", on=None, **arguments):
    return chat_load(folder, preset, "fanout", on, gateways=address, connects=100, **arguments)


def rise(delayed, straight):
    return delayed["delivery"]["p50_ms"] - straight["delivery"]["p50_ms"]


def run(folder, stack, report, options, busy):
    """Of the harness alone; True when it measured the delay."""
    numbers = {"sockets": SOCKETS, "rate": RATE, "seconds": min(SECONDS, options.seconds), "warmup": WARMUP_S, "grace": GRACE_S}
    with bare.server() as (target, server), bare.delay(target, DELAY_MS) as (address, proxy):
        beside = {"bare-server": server.pid, "delay-proxy": proxy.pid}

        def measured(door):
            watch = measure.Watch(stack, beside)
            return fanout(folder, door, on=watch.on, **numbers), watch

        rounds = _rounds(options.pairs, lambda: measured(target), lambda: measured(address))
    return _add(report, "an endpoint with nothing behind it", rounds, busy)


def run_with_fleet(bench):
    """The same in front of both gateways."""
    numbers = {"rate": FLEET_RATE, "warmup": WARMUP_S, "seconds": min(SECONDS, bench.options.seconds), "grace": GRACE_S}
    people = bench.people("pairs")
    with ExitStack() as doors:
        addresses, beside = [], {}
        for gateway in bench.gateways().split(","):
            address, proxy = doors.enter_context(bare.delay(gateway, DELAY_MS))
            addresses.append(address)
            beside[address] = proxy.pid

        def measured(gateways):
            watch = measure.Watch(bench.stack, beside)
            return generator.run("delivery", watch.on, people=people, gateways=gateways, **numbers), watch

        rounds = _rounds(bench.options.pairs, lambda: measured(bench.gateways()), lambda: measured(",".join(addresses)))
    return _add(bench.report, "the fleet's gateways", rounds, bench.busy)


def _rounds(count, straight, delayed):
    """[(straight, delayed)], each with its Watch, in alternating order."""
    found = []
    for number in range(count):
        if number % 2 == 0:
            found.append((straight(), delayed()))
        else:
            found.append((delayed(), straight())[::-1])
    return found


def _add(report, where, rounds, busy):
    """Short rounds do: what is judged is a difference within each."""
    voids = [rules.why_void(result, watch.interval()) for both in rounds for result, watch in both]
    rises = [rise(delayed[0], straight[0]) for straight, delayed in rounds]
    report.keep(f"self-test: {where}", [[straight[0], delayed[0]] for straight, delayed in rounds])
    void = busy or rules.first(voids) or rules.why_too_few(rises)
    report.add(f"p50 rises by, {DELAY_MS} ms in front of {where}", rules.spread(rises), f"{DELAY_MS} +- {TOLERANCE_MS:g} ms", void)
    return abs(statistics.median(rises) - DELAY_MS) <= TOLERANCE_MS
