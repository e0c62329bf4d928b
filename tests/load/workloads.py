"""What `chat bench` puts the fleet under, one function each, in the order of ALL. Each adds its rows to the report."""

import re
import subprocess
import sys
import time
from pathlib import Path

import crowds
import generator
import hotspots
import logins
import measure
import pages
import rules
import setup
from chatdev import addresses, components, fleet, gin_indexes, services, stack
from chatdev.api_client import Person
from chatdev.complaint import Complaint
from chatdev.wire import http_get

HERE = Path(__file__).resolve().parent
WARMUP_S = 10
BROKER_WARMUP_S = 60  # on top of an unwarmed run
GRACE_S = 15
CPU_GOAL_RATE = 2000
PEOPLE = 100
HOP_S, HOP_WARMUP_S = 15, 5
DRAIN_MESSAGES, DRAIN_RATE = 15000, 1500
DRAIN_PATIENCE_S = 120
SETTLE_S, SETTLED_S = 180, 2
NOTIFIER = "notification-service-1"
DRAIN_BATCH = 200  # message-service's batch_max
PERSISTED = re.compile(r'^message_operations_total\{[^}]*outcome="persisted"[^}]*\} (\d+)', re.M)


class Run:
    """One run of the benchmark: where everything is, and where figures go."""

    def __init__(self, stack_, fleet_, report, busy, folder, options):
        self.stack, self.fleet, self.report, self.busy = stack_, fleet_, report, busy
        self.folder, self.options = Path(folder), options
        self._profiler = hotspots.Profiler(stack_, report, self.folder) if options.profile else None
        self._daemons = {daemon.name: daemon for daemon in fleet_.daemons}

    def address(self, name):
        """HOST:PORT of a daemon by its name, "api-gateway-1"."""
        return self._daemons[name].url(self.stack).removeprefix("http://")

    def daemon(self, name):
        return self._daemons[name]

    def gateways(self):
        return f"{self.address('websocket-gateway-1')},{self.address('websocket-gateway-2')}"

    def people(self, name):
        if not (self.folder / f"{name}.json").exists():
            self._make_people()
        return self.folder / f"{name}.json"

    def _make_people(self):
        command = [sys.executable, HERE / "setup.py", "--api", f"http://{self.address('api-gateway-1')}"]
        command += ["--mailpit", addresses.mailpit_url(self.stack), "--people", str(PEOPLE)]
        command += ["--chats", str(crowds.CHATS_EACH), "--into", self.folder]
        if subprocess.run(command, timeout=1800).returncode != 0:
            raise Complaint("the people of this run could not be made")

    def pid(self, name):
        return measure.daemon_pids(self.stack)[name]

    def restart(self, name, more_settings=None):
        """That daemon, started anew; more_settings: on top of its own."""
        self.stop(name)
        self.start(name, more_settings)
        fleet.wait_ready(self.fleet, [self._daemons[name]], announce=())

    def stop(self, name):
        stack.stop_processes(self.stack, [name])

    def start(self, name, more_settings=None):
        """It need not be ready yet."""
        fleet.start_daemon(self.fleet, self._daemons[name], more_settings)

    def begin(self, watch, pid=None):
        """What is between this and `end` is measured; pid: of the generator, None = of this process."""
        watch.take(pid)
        if self._profiler:
            self._profiler.start()

    def end(self, watch, title, pid=None):
        watch.take(pid)
        if self._profiler:
            self._profiler.stop(title)

    def measured_load(self, mode, beside=None, on=None, **arguments):
        """chat-load's report, and what the processes used meanwhile; beside: {name: pid} of what belongs to it too."""
        watch = measure.Watch(self.stack, beside)
        title = f"{mode}, {arguments['rate']} a second" if "rate" in arguments else mode
        around = {generator.BEGIN: lambda pid: self.begin(watch, pid), generator.END: lambda pid: self.end(watch, title, pid)}
        result = generator.run(mode, {**(on or {}), **around}, **arguments)
        return result, watch.interval()


def run(bench, names):
    for name in ALL:
        if name in names:
            ALL[name](bench)


def idle_daemons(bench):
    pss = {name: measure.pss_bytes(pid) for name, pid in measure.daemon_pids(bench.stack).items()}
    bench.report.keep("idle_daemons_pss_bytes", pss)
    bench.report.add(f"memory of {len(pss)} idle daemons, PSS", f"{sum(pss.values()) / 1e6:.1f} MB", "seven in 100 MB", bench.busy)
    for name, size in pss.items():
        bench.report.add(f"  {name}", f"{size / 1e6:.1f} MB")


def login(bench):
    person = setup.join(Person("Bench", f"http://{bench.address('api-gateway-1')}", addresses.mailpit_url(bench.stack)))
    logins.run(bench.pid("auth-service-1"), f"http://{bench.address('auth-service-1')}", person, bench.report, bench.busy)


def delivery(bench):
    """Pairs at each rate. The first one twice, on a broker that has just started and on a warm one: its JVM compiles for
    some two minutes, which takes a fifth of this machine. Then the bare hops at that rate, on the same warm broker."""
    first, *others = [int(word) for word in bench.options.rates.split(",")]
    seconds = bench.options.seconds
    talk(bench, "pairs", f"{first} messages/s for {seconds} s, broker just started", first)
    result, void = talk(bench, "pairs", f"{first} messages/s for {seconds} s, broker warm", first, warmup_s=BROKER_WARMUP_S)
    bare_hops(bench, "pairs", first, result, void)
    for rate in others:
        talk(bench, "pairs", f"{rate} messages/s for {seconds} s", rate)


def settle(bench):
    """What an earlier run left behind must not stand in front of the next one."""
    daemon = bench.daemon("message-service-1")
    deadline, before = time.monotonic() + SETTLE_S, -1
    while (stored := persisted_by(bench, daemon)) != before:
        if time.monotonic() > deadline:
            raise Complaint(f"message-service still had messages waiting after {SETTLE_S} s")
        before = stored
        time.sleep(SETTLED_S)


def groups(bench):
    rate = 200
    title = f"{rate} messages/s in groups of 10 for {bench.options.seconds} s"
    result, void = talk(bench, "tens", title, rate, warmup_s=BROKER_WARMUP_S)
    bare_hops(bench, "tens", rate, result, void)


def talk(bench, people, title, rate, warmup_s=WARMUP_S):
    settle(bench)
    numbers = {"rate": rate, "warmup": warmup_s, "seconds": bench.options.seconds, "grace": GRACE_S}
    result, between = bench.measured_load("delivery", people=bench.people(people), gateways=bench.gateways(), **numbers)
    void = bench.busy or rules.why_void(result, between, bench.options.seconds)
    bench.report.keep(f"delivery_{people}_{rate}_warmup_{warmup_s}", {"result": result, "cpu": vars(between)})
    goals = {"delivery": "p50 5, p99 50" if rate <= 200 else "p99 200"}
    bench.report.add(f"{title}, ms", "p50 / p99 / p99.9 / max")
    for name, what in (("delivery", "durable delivery"), ("accepted_after", "accepted"), ("generator_lateness", "generator late by")):
        bench.report.add_series(f"  {what}", result[name], goals.get(name, ""), void)
    add_counts(bench.report, result, void)
    add_cpu(bench.report, between, result["measured_persisted"], rate, void)
    return result, void


def add_counts(report, result, void):
    counts = ("planned", "sent", "accepted", "persisted", "expected", "delivered")
    report.add_counts(result, counts, "all", void)
    report.add_counts(result, ("lost", "refused", "rejected", "duplicated", "out_of_order", "closed"), "none", void)
    whole = result["delivered"] >= result["expected"]
    lag = f"{result['lag_after_ms']:.0f} ms" if whole else f"not within {GRACE_S} s"
    report.add("  last delivery after the last due time", lag, "5000 ms", void)


def add_cpu(report, between, messages, rate, void):
    """Of the messages that were stored, not of those that were offered: what was not done cost nothing."""
    each = 1000 / max(1, messages)
    total = sum(between.daemons.values()) * each
    goal = "0.25 ms" if rate == CPU_GOAL_RATE else f"0.25 ms at {CPU_GOAL_RATE}/s"
    report.add("  CPU of the daemons per message", f"{total:.3f} ms", goal, void)
    for name, used in sorted(between.daemons.items()):
        report.add(f"    {name}", f"{used * each:.3f} ms, {used:.1f} s in {between.seconds:.0f} s", "", void)
    report.add("  CPU of the servers per message", f"{sum(between.servers.values()) * each:.3f} ms", "reported", void)
    for name, used in sorted(between.servers.items()):
        report.add(f"    {name}", f"{used * each:.3f} ms, {used:.1f} s in {between.seconds:.0f} s", "reported", void)
    report.add("    generator, and everybody else", f"{between.generator_cores:.2f} and {between.foreign_cores:.2f} cores")


def bare_hops(bench, people, rate, fleet_result, void):
    """The way of a message without anything of ours: two Kafka hops, two inserts, one PUBLISH."""
    servers = servers_for(bench, f"bench_hops_{people}")
    result, between = bench.measured_load("hops", rate=rate, warmup=HOP_WARMUP_S, seconds=HOP_S, **servers)
    void = void or rules.why_noisy(between) or rules.why_behind(result)
    bench.report.keep(f"bare_hops_{people}", {"result": result, "cpu": vars(between)})
    for name, series in result.items():
        if not name.endswith("_late"):
            bench.report.add_series(f"  bare hop {name}", series, "", void)
    for quantile in ("p50_ms", "p99_ms"):
        bare = rules.bare_sum(result, quantile)
        ratio = fleet_result["delivery"][quantile] / bare
        bench.report.add(f"  durable delivery / bare hops ({bare:.2f} ms), {quantile[:3]}", f"{ratio:.2f}", "1.5", void)


def servers_for(bench, database):
    """Arguments for the bare hops; `database` gets the collections and indexes of message-service's."""
    migrate_scratch(bench, database)
    return {
        "kafka": addresses.kafka_brokers(bench.stack),
        "redis": f"127.0.0.1:{bench.stack.port('redis')}",
        "mongo": addresses.mongo_uri(bench.stack),
        "documents": services.BY_NAME["message-service"].database,
        "scratch": database,
    }


def migrate_scratch(bench, database):
    daemon = bench.daemon("message-service-1")
    environment = {**bench.fleet.environment(daemon), "CHAT_MONGO_DATABASE": database}
    subprocess.run([daemon.service.binary("release"), "--migrate"], env=environment, check=True, timeout=120, capture_output=True)
    if components.BY_NAME["ferretdb"] in bench.stack.servers:
        gin_indexes.create(bench.stack, "message-service", database)


def drain(bench):
    """message-service begins with a full topic; the reference inserts the same documents, in the same batches, and no more.
    In turns: neither always comes second. Then once more without who writes a notification for each of these messages, since
    nobody is connected, into the same store: what message-service can do by itself."""
    talk_a_little(bench)
    title = f"message-service through {DRAIN_MESSAGES} waiting messages, a second"
    drain_in_turns(bench, "drain", title, "0.6")
    bench.stop(NOTIFIER)
    drain_in_turns(bench, "drain_alone", f"  the same while {NOTIFIER} is stopped", "reported")
    bench.start(NOTIFIER)


def drain_in_turns(bench, key, title, goal):
    rounds = [drain_round(bench, number, f"bench_{key}_{number}") for number in range(bench.options.pairs)]
    rates = [(ours, bare) for (ours, _), (bare, _) in rounds]
    ratios = [ours / bare for ours, bare in rates]
    noisy = rules.first(why for both in rounds for _, why in both)
    void = bench.busy or noisy or rules.why_too_few(ratios)
    bench.report.keep(key, [{"messages_per_s": ours, "bare_messages_per_s": bare} for ours, bare in rates])
    ours, bare = (rules.spread(found, digits=0) for found in zip(*rates, strict=True))
    bench.report.add(title, ours, "", void)
    bench.report.add(f"  bare ordered inserts of the same documents, by {DRAIN_BATCH}, a second", bare, "", void)
    bench.report.add("  ratio", rules.spread(ratios), goal, void)


def talk_a_little(bench):
    """Whoever signs in while message-service is away is let in by the heads that Redis has: of chats where something was said."""
    numbers = {"rate": PEOPLE, "warmup": 0, "seconds": 2, "grace": 1}
    generator.run("delivery", people=bench.people("pairs"), gateways=bench.gateways(), **numbers)


def drain_round(bench, number, scratch):
    """(messages a second, why void) of message-service, and of bare inserts, into a database that is not there yet."""
    daemon = bench.daemon("message-service-1")
    settle(bench)
    bench.stop(daemon.name)
    fill(bench)
    bare = bare_rate(bench, scratch) if number % 2 else None
    bench.start(daemon.name)
    watch = measure.Watch(bench.stack)
    bench.begin(watch)
    ours = drain_rate(bench, daemon)
    bench.end(watch, "drain")
    return (ours, rules.why_noisy(watch.interval())), bare or bare_rate(bench, scratch)


def bare_rate(bench, scratch):
    servers = servers_for(bench, scratch)
    result, between = bench.measured_load("batches", batch=DRAIN_BATCH, wanted=DRAIN_MESSAGES, **servers)
    return result["messages"] / max(result["seconds"], 0.001), rules.why_noisy(between)


def fill(bench):
    seconds = DRAIN_MESSAGES // DRAIN_RATE
    numbers = {"rate": DRAIN_RATE, "warmup": 0, "seconds": seconds, "grace": 1}
    result = generator.run("delivery", people=bench.people("pairs"), gateways=bench.gateways(), **numbers)
    if result["accepted"] != DRAIN_MESSAGES:
        raise Complaint(f"{result['accepted']} of {DRAIN_MESSAGES} messages were accepted while message-service was away")


def drain_rate(bench, daemon):
    """From the first one stored to the last."""
    deadline = time.monotonic() + DRAIN_PATIENCE_S
    first = None
    while time.monotonic() < deadline:
        stored, now = persisted_by(bench, daemon), time.monotonic()
        if stored and not first:
            first = (stored, now)
        if stored >= DRAIN_MESSAGES:
            return (stored - first[0]) / (now - first[1])
        time.sleep(0.05)
    raise Complaint(f"message-service stored {stored} of {DRAIN_MESSAGES} in {DRAIN_PATIENCE_S} s")


def persisted_by(bench, daemon):
    """0 while it is still starting."""
    _, text = http_get(f"{daemon.ops_url(bench.stack)}/metrics")
    return sum(int(value) for value in PERSISTED.findall(text))


ALL = {
    "daemons": idle_daemons,
    "login": login,
    "delivery": delivery,
    "groups": groups,
    "pages": pages.run,
    "drain": drain,
    "fanout": crowds.fanout,
    "deaf": crowds.deaf,
    "storm": crowds.storm,
    "idle": crowds.idle,
}
