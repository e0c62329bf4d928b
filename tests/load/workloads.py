"""What `chat bench` puts the fleet under, one function each, in the order of ALL. Each adds its rows to the report."""

import json
import re
import resource
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import logins
import measure
import pages
import setup
import tls_door
from chatdev import addresses, components, fleet, gin_indexes, paths, services, stack
from chatdev.api_client import Person
from chatdev.complaint import Complaint
from chatdev.wire import http_get

HERE = Path(__file__).resolve().parent
WARMUP_S = 10
BROKER_WARMUP_S = 60  # on top of an unwarmed run
GRACE_S = 15
CONNECTS_PER_S = 100  # each costs a look at all chats of its person
IDLE_S = 30  # longer than the gateway's ping interval
SPARE_FILES = 1000  # what a daemon has open besides the sockets of the load
PEOPLE = 100
CHATS_EACH = 10
GENERATOR_CORES_MAX = 0.8  # above, the generator measures itself
LATENESS_MAX_MS = 1.0
HOP_S, HOP_WARMUP_S = 15, 5
DRAIN_MESSAGES, DRAIN_RATE = 15000, 1500
DRAIN_PATIENCE_S = 120
SETTLE_S, SETTLED_S = 180, 2
DRAIN_BATCH = 200  # message-service's batch_max
FANOUT_SOCKETS, FANOUT_PER_S, FANOUT_S = 5000, 4, 20
STORM_SOCKETS = 3000
PERSISTED = re.compile(r'^message_operations_total\{[^}]*outcome="persisted"[^}]*\} (\d+)', re.M)


class Run:
    """One run of the benchmark: where everything is, and where figures go."""

    def __init__(self, stack_, fleet_, report, busy, folder, options):
        self.stack, self.fleet, self.report, self.busy = stack_, fleet_, report, busy
        self.folder, self.options = Path(folder), options
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
        command += ["--chats", str(CHATS_EACH), "--into", self.folder]
        if subprocess.run(command, timeout=1800).returncode != 0:
            raise Complaint("the people of this run could not be made")

    def load(self, mode, at_begin=None, at_end=None, **arguments):
        """Runs chat-load and returns its report; `at_begin` and `at_end` are called, with its pid, around what is measured."""
        command = [paths.build_folder("release") / "tests" / "load" / "chat-load", mode]
        command += [word for name, value in arguments.items() for word in (f"--{name}", str(value))]
        result = None
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            for line in process.stdout:
                if line.startswith("MEASURE BEGIN") and at_begin:
                    at_begin(process.pid)
                elif line.startswith("MEASURE END") and at_end:
                    at_end(process.pid)
                elif line.startswith("{"):
                    result = json.loads(line)
        if result is None:
            raise Complaint(f"chat-load {mode} ended with {process.returncode} and no report")
        return result

    def measured_load(self, mode, **arguments):
        """The same with what the processes used meanwhile."""
        samples = []

        def take(pid):
            samples.append(measure.Sample(self.stack, pid))

        result = self.load(mode, take, take, **arguments)
        if len(samples) != 2:
            raise Complaint(f"chat-load {mode} never began to measure")
        between = measure.Interval(*samples)
        return result, between, self.busy or why_void(result, between)


def run(bench, names):
    for name in ALL:
        if name in names:
            ALL[name](bench)


def why_void(result, between):
    if result.get("generator_lateness", {}).get("p99_ms", 0) > LATENESS_MAX_MS:
        return "the generator was late"
    if between.generator_cores > GENERATOR_CORES_MAX:
        return "the generator filled its core"
    if between.foreign_cores > measure.QUIET_CORES:
        return "others used the machine"
    return ""


def quantiles(series):
    if series["count"] == 0:
        return "nothing came"
    return " / ".join(f"{series[key]:.2f}" for key in ("p50_ms", "p99_ms", "p999_ms", "max_ms"))


def idle_daemons(bench):
    pss = {name: measure.pss_bytes(pid) for name, pid in measure.daemon_pids(bench.stack).items()}
    bench.report.keep("idle_daemons_pss_bytes", pss)
    bench.report.add(f"memory of {len(pss)} idle daemons, PSS", f"{sum(pss.values()) / 1e6:.1f} MB", "seven in 100 MB", bench.busy)
    for name, size in pss.items():
        bench.report.add(f"  {name}", f"{size / 1e6:.1f} MB")


def login(bench):
    person = setup.join(Person("Bench", f"http://{bench.address('api-gateway-1')}", addresses.mailpit_url(bench.stack)))
    pid = measure.daemon_pids(bench.stack)["auth-service-1"]
    logins.run(pid, f"http://{bench.address('auth-service-1')}", person, bench.report, bench.busy)


def delivery(bench):
    """Pairs at each rate. The first one twice, on a broker that has just started and on a warm one: its JVM compiles for
    some two minutes, which takes a fifth of this machine. Then the bare hops at that rate, on the same warm broker."""
    first, *others = [int(word) for word in bench.options.rates.split(",")]
    seconds = bench.options.seconds
    talk(bench, "pairs", f"{first} messages/s for {seconds} s, broker just started", first)
    result, void = talk(bench, "pairs", f"{first} messages/s for {seconds} s, broker warm", first, warmup_s=BROKER_WARMUP_S)
    bare_hops(bench, first, result, void)
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
    talk(bench, "tens", f"200 messages/s in groups of 10 for {bench.options.seconds} s", 200)


def talk(bench, people, title, rate, warmup_s=WARMUP_S):
    settle(bench)
    numbers = {"rate": rate, "warmup": warmup_s, "seconds": bench.options.seconds, "grace": GRACE_S}
    result, between, void = bench.measured_load(
        "delivery", people=bench.people(people), gateways=bench.gateways(), **numbers
    )
    bench.report.keep(f"delivery_{people}_{rate}_warmup_{warmup_s}", {"result": result, "cpu": vars(between)})
    goals = {"delivery": "p50 5, p99 50" if rate <= 200 else "p99 200"}
    bench.report.add(f"{title}, ms", "p50 / p99 / p99.9 / max")
    for name, what in (("delivery", "durable delivery"), ("accepted_after", "accepted"), ("generator_lateness", "generator late by")):
        bench.report.add(f"  {what}", quantiles(result[name]), goals.get(name, ""), void)
    add_counts(bench.report, result, void)
    add_cpu(bench.report, between, rate * bench.options.seconds, void)
    return result, void


def add_counts(report, result, void):
    counts = ("sent", "accepted", "persisted", "expected", "delivered")
    report.add("  " + ", ".join(counts), ", ".join(str(result[name]) for name in counts), "all", void)
    faults = ("refused", "rejected", "duplicated", "out_of_order", "closed")
    report.add("  " + ", ".join(faults), ", ".join(str(result[name]) for name in faults), "none", void)
    whole = result["delivered"] >= result["expected"]
    lag = f"{result['lag_after_ms']:.0f} ms" if whole else f"not within {GRACE_S} s"
    report.add("  last delivery after the last due time", lag, "5000 ms", void)


def add_cpu(report, between, messages, void):
    total = sum(between.daemons.values())
    report.add("  CPU of the daemons per message", f"{total * 1000 / messages:.3f} ms", "0.25 ms at 2000/s", void)
    for name, used in sorted(between.daemons.items()) + sorted(between.servers.items()):
        report.add(f"    {name}", f"{used:.1f} s in {between.seconds:.0f} s")
    report.add("    generator, and everybody else", f"{between.generator_cores:.2f} and {between.foreign_cores:.2f} cores")


def bare_hops(bench, rate, fleet_result, void):
    """The way of a message without anything of ours: two Kafka hops, two inserts, one PUBLISH."""
    result = bench.load("hops", rate=rate, warmup=HOP_WARMUP_S, seconds=HOP_S, **servers_for(bench, "bench_hops"))
    bench.report.keep("bare_hops", result)
    for name, series in result.items():
        bench.report.add(f"  bare hop {name}", quantiles(series))
    for quantile in ("p50_ms", "p99_ms"):
        bare = 2 * result["kafka"][quantile] + result["redis"][quantile]
        bare += result["insert_change"][quantile] + result["insert_message"][quantile]
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
    """message-service begins with a full topic; the reference inserts the same documents, in the same batches, and no more."""
    daemon = bench.daemon("message-service-1")
    settle(bench)
    stack.stop_processes(bench.stack, [daemon.name])
    fill(bench)
    fleet.start_daemon(bench.fleet, daemon)
    rate = drain_rate(bench, daemon)
    result = bench.load("batches", batch=DRAIN_BATCH, wanted=DRAIN_MESSAGES, **servers_for(bench, "bench_batches"))
    bare = result["messages"] / max(result["seconds"], 0.001)
    bench.report.keep("drain", {"messages_per_s": rate, "bare": result})
    bench.report.add(f"message-service through {DRAIN_MESSAGES} waiting messages", f"{rate:.0f}/s", "", bench.busy)
    bench.report.add(f"  bare ordered inserts of {result['messages']} of them, by {DRAIN_BATCH}", f"{bare:.0f}/s")
    bench.report.add("  ratio", f"{rate / bare:.2f}", "0.6", bench.busy)


def fill(bench):
    seconds = DRAIN_MESSAGES // DRAIN_RATE
    numbers = {"rate": DRAIN_RATE, "warmup": 0, "seconds": seconds, "grace": 1}
    result = bench.load("delivery", people=bench.people("pairs"), gateways=bench.gateways(), **numbers)
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


def fanout(bench):
    """One message to thousands of sockets on one gateway."""
    numbers = {"sockets": FANOUT_SOCKETS, "connects": CONNECTS_PER_S, "rate": FANOUT_PER_S, "grace": GRACE_S}
    numbers |= {"warmup": 5, "seconds": FANOUT_S}
    holder = "websocket-gateway-1"
    result, between, void = bench.measured_load("fanout", people=bench.people("many"), gateways=bench.address(holder), **numbers)
    bench.report.keep("fanout", {"result": result, "cpu": vars(between)})
    bench.report.add(f"{FANOUT_PER_S} messages/s to {FANOUT_SOCKETS} sockets, ms", "p50 / p99 / p99.9 / max")
    bench.report.add("  delivery", quantiles(result["delivery"]), "p99 1000", void)
    counts = ("sent", "expected", "delivered", "duplicated", "refused", "closed")
    bench.report.add("  " + ", ".join(counts), ", ".join(str(result[name]) for name in counts), "all, none", void)
    per_second = result["delivery"]["count"] / max(between.daemons[holder], 0.01)
    bench.report.add(f"  deliveries per CPU second of {holder}", f"{per_second:.0f}", "80000", void)


def storm(bench):
    """Thousands of sockets cut at once, all back at once, each with all its chats to catch up."""
    numbers = {"sockets": STORM_SOCKETS, "connects": CONNECTS_PER_S}
    result, between, void = bench.measured_load("storm", people=bench.people("many"), gateways=bench.gateways(), **numbers)
    bench.report.keep("storm", {"result": result, "cpu": vars(between)})
    back = result["caught_up"]
    bench.report.add(f"{STORM_SOCKETS} sockets back at once, {CHATS_EACH} chats each", f"{result['settled']} caught up", "all", void)
    bench.report.add("  from the cut to caught up", f"p50 {back['p50_ms']:.0f}, p95 {back['p95_ms']:.0f}, max {back['max_ms']:.0f} ms", "p95 10000", void)
    counts = ("retried", "changes", "reloads", "closed")
    bench.report.add("  " + ", ".join(counts), ", ".join(str(result[name]) for name in counts), "", void)


def idle(bench):
    """Straight to one gateway; through the public port: what the tunnel costs on top; to a gateway that speaks TLS."""
    sockets = bench.options.sockets
    holder = "websocket-gateway-1"
    hold_idle_sockets(bench, sockets, "idle_sockets", "", holder, bench.address(holder), "8 KB")
    tunnels = min(sockets, (resource.getrlimit(resource.RLIMIT_NOFILE)[0] - SPARE_FILES) // 2)
    door = "api-gateway-1"
    hold_idle_sockets(bench, tunnels, "tunnelled_sockets", " through the public port", door, bench.address(door), "reported")
    files = 2 * tunnels + SPARE_FILES
    with speaking_tls(bench, holder), tls_door.opened(bench.folder, bench.address(holder), files) as address:
        hold_idle_sockets(bench, tunnels, "tls_sockets", " with TLS", holder, address, "16 KB")


@contextmanager
def speaking_tls(bench, name):
    """That daemon, started anew with a certificate of this run."""
    restart(bench, name, tls_door.certificate(bench.folder))
    try:
        yield
    finally:
        restart(bench, name)


def restart(bench, name, more_settings=None):
    daemon = bench.daemon(name)
    stack.stop_processes(bench.stack, [name])
    fleet.start_daemon(bench.fleet, daemon, more_settings)
    fleet.wait_ready(bench.fleet, [daemon], announce=())


def hold_idle_sockets(bench, sockets, key, where, holder, address, goal):
    """Holds them open at `address` and reports the PSS of the daemon `holder`. The kernel's memory of a socket is not in PSS."""
    pid = measure.daemon_pids(bench.stack)[holder]
    before, after, samples = measure.pss_bytes(pid), [], []

    def take(generator):
        samples.append(measure.Sample(bench.stack, generator))
        after.append(measure.pss_bytes(pid))

    numbers = {"sockets": sockets, "connects": CONNECTS_PER_S, "seconds": IDLE_S}
    result = bench.load("idle", take, take, people=bench.people("many"), gateways=address, **numbers)
    between = measure.Interval(*samples)
    void = bench.busy or ("" if between.foreign_cores <= measure.QUIET_CORES else "others used the machine")
    each = [(size - before) / max(1, result["ready"]) / 1024 for size in after]
    bench.report.keep(key, {"result": result, "pss_before": before, "pss_after": after, "cpu": vars(between)})
    found = f"{result['ready']} ready, {result['retried']} retried, {result['closed']} closed"
    bench.report.add(f"{sockets} idle sockets{where}, {CHATS_EACH} chats each", found, "all", bench.busy)
    bench.report.add(f"  PSS of {holder} per socket", f"{each[-1]:.1f} KB ({each[0]:.1f} when just open)", goal, void)
    bench.report.add(f"  CPU of {holder}", f"{between.daemons[holder] / between.seconds * 100:.1f} % of a core", "", void)


ALL = {
    "daemons": idle_daemons,
    "login": login,
    "delivery": delivery,
    "groups": groups,
    "pages": pages.run,
    "drain": drain,
    "fanout": fanout,
    "storm": storm,
    "idle": idle,
}
