"""What thousands of sockets cost: one message to all of them, one that reads no more, all back at once, all idle. Each beside
a bare endpoint with the same sockets and bytes (bare_server.c), driven by the same generator.
"""

import re
import resource
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import bare
import generator
import measure
import rules
import tls_door
from chatdev.complaint import Complaint
from chatdev.wire import http_get

CHATS_EACH = 10
CONNECTS_PER_S = 100  # each costs a look at all chats of its person
BARE_CONNECTS_PER_S, TLS_CONNECTS_PER_S = 1000, 300
WARMUP_S, GRACE_S = 5, 15
IDLE_S = 30  # longer than the gateway's ping interval
SPARE_FILES = 1000  # what a daemon has open besides the sockets of the load
FILES_OF_A_TUNNEL, FILES_OF_A_TLS_SOCKET = 2, 3  # the second and third: towards the server that sees plain bytes
FANOUT_SOCKETS, FANOUT_PER_S = 5000, 4
# A reader's and the gateway's kernel keep more than a megabyte: so much has to be said until the gateway itself must wait.
DEAF_SOCKETS, DEAF_PER_S, DEAF_BODY_BYTES, DEAF_WARMUP_S, DEAF_S = 1000, 20, 4096, 15, 30
STORM_SOCKETS = 3000
OTHERS_PER_S, OTHERS_WARMUP_S, OTHERS_BEFORE_S, OTHERS_AFTER_S = 100, 10, 20, 60
SLOW_CLOSES = re.compile(r'^ws_closes_total\{[^}]*code="4104"[^}]*\} (\d+)', re.M)
HOLDER, DOOR = "websocket-gateway-1", "api-gateway-1"


def fanout(bench):
    """One message to thousands of sockets on one gateway; then as many, as long, by the bare endpoint."""
    seconds = bench.options.seconds
    numbers = {"people": bench.people("many"), "sockets": FANOUT_SOCKETS, "rate": FANOUT_PER_S}
    numbers |= {"warmup": WARMUP_S, "seconds": seconds, "grace": GRACE_S}
    result, between = bench.measured_load("fanout", gateways=bench.address(HOLDER), connects=CONNECTS_PER_S, **numbers)
    with bare.server(frame_bytes=result["frame_bytes"]) as (address, process):
        beside = {"bare-server": process.pid}
        reference, meanwhile = bench.measured_load("fanout", beside, gateways=address, connects=BARE_CONNECTS_PER_S, **numbers)
    ours = _per_cpu_second(result, between.daemons[HOLDER])
    theirs = _per_cpu_second(reference, meanwhile.beside["bare-server"])
    void = bench.busy or rules.why_void(result, between, seconds)
    both = void or rules.why_void(reference, meanwhile, seconds)
    bench.report.keep("fanout", {"result": result, "cpu": vars(between), "bare": reference, "bare_cpu": vars(meanwhile)})
    title = f"{FANOUT_PER_S} messages/s to {FANOUT_SOCKETS} sockets, {result['frame_bytes']} bytes, ms"
    bench.report.add(title, "p50 / p99 / p99.9 / max")
    bench.report.add_series("  delivery", result["delivery"], "p99 1000", void)
    bench.report.add_series("  the bare endpoint", reference["delivery"], "", both)
    bench.report.add_counts(result, ("sent", "expected", "delivered", "lost", "duplicated", "refused", "closed"), "all, none", void)
    bench.report.add(f"  deliveries per CPU second of {HOLDER}", f"{ours:.0f}", "80000", void)
    bench.report.add("  of the bare endpoint, and ratio", f"{theirs:.0f}, {ours / theirs:.2f}", "reported", both)


def _per_cpu_second(result, used_s):
    """Deliveries that came."""
    return (result["delivery"]["count"] - result["lost"]) / max(used_s, 0.01)


def deaf(bench):
    """Delivery to the others while one of a thousand reads no more, beside as many who all read; in turns."""
    rounds, voids = [], []
    for number in range(bench.options.pairs):
        order = (0, 1) if number % 2 == 0 else (1, 0)
        found = {count: _talk_to_readers(bench, count) for count in order}
        voids += [void for _, void in found.values()]
        rounds.append([found[count][0]["delivery"] for count in (0, 1)])
    ratios = [deaf_one["p99_ms"] / baseline["p99_ms"] for baseline, deaf_one in rounds]
    void = bench.busy or rules.first(voids) or rules.why_too_few(ratios)
    bench.report.keep("deaf", [{"all_read": both[0], "one_deaf": both[1]} for both in rounds])
    title = f"{DEAF_PER_S} messages/s of {DEAF_BODY_BYTES} bytes to {DEAF_SOCKETS} sockets, p99 ms"
    bench.report.add(title, rules.spread([both[0]["p99_ms"] for both in rounds]), "", void)
    bench.report.add("  while one reads no more", rules.spread([both[1]["p99_ms"] for both in rounds]), "", void)
    bench.report.add("  ratio", rules.spread(ratios), "1.3", void)


def _talk_to_readers(bench, deaf_count):
    """(result, why it is void): a deaf one that never got in the gateway's way shows nothing."""
    before = _slow_closes(bench)
    numbers = {"sockets": DEAF_SOCKETS, "connects": CONNECTS_PER_S, "rate": DEAF_PER_S, "body_bytes": DEAF_BODY_BYTES}
    numbers |= {"warmup": DEAF_WARMUP_S, "seconds": DEAF_S, "grace": GRACE_S, "deaf": deaf_count}
    result, between = bench.measured_load("fanout", people=bench.people("many"), gateways=bench.address(HOLDER), **numbers)
    met = _slow_closes(bench) - before
    void = rules.why_void(result, between)
    return result, void or ("" if met == deaf_count else f"{met} slow readers were met, not {deaf_count}")


def _slow_closes(bench):
    _, text = http_get(f"{bench.daemon(HOLDER).ops_url(bench.stack)}/metrics")
    return sum(int(value) for value in SLOW_CLOSES.findall(text))


def storm(bench):
    """Thousands of sockets cut at once, all back at once, each with all its chats to catch up, while others talk."""
    numbers = {"people": bench.people("many"), "sockets": STORM_SOCKETS}
    hold_s = OTHERS_WARMUP_S + OTHERS_BEFORE_S
    with _others_talking(bench) as others:
        result, between = bench.measured_load(
            "storm", others.beside, {generator.HOLDING: others.start},
            gateways=bench.gateways(), connects=CONNECTS_PER_S, seconds=hold_s, **numbers,
        )  # fmt: skip
    with bare.server() as (address, process):
        beside = {"bare-server": process.pid}
        reference, meanwhile = bench.measured_load(
            "storm", beside, gateways=address, connects=BARE_CONNECTS_PER_S, seconds=0, **numbers
        )
    # Whoever comes back at once keeps a generator busy: for the few seconds that it lasts it may fill its core.
    void = bench.busy or rules.why_incomplete(result) or rules.why_noisy(between, filling=True)
    both = void or rules.why_incomplete(reference) or rules.why_noisy(meanwhile, filling=True)
    bench.report.keep("storm", {"result": result, "cpu": vars(between), "bare": reference, "bare_cpu": vars(meanwhile)})
    title = f"{STORM_SOCKETS} sockets back at once, {CHATS_EACH} chats each"
    bench.report.add(title, f"{result['settled']} caught up", "all", void)
    bench.report.add("  from the cut to caught up", _back(result), "p95 10000", void)
    bench.report.add("  at the bare endpoint, from the cut to let in", _back(reference), "reported", both)
    bench.report.add_counts(result, ("retried", "changes", "reloads", "closed"), "", void)
    others.add_to(bench.report, result, void)


def _back(result):
    found = result["caught_up"]
    return f"p50 {found['p50_ms']:.0f}, p95 {found['p95_ms']:.0f}, max {found['max_ms']:.0f} ms"


@contextmanager
def _others_talking(bench):
    with ThreadPoolExecutor(1) as pool:
        others = _Others(bench, pool)
        yield others
        others.wait()


class _Others:
    """People in pairs who talk before the storm, during it and for a while after."""

    def __init__(self, bench, pool):
        self._bench, self._pool, self._talk = bench, pool, None
        self._people, self._samples = bench.people("pairs"), bench.folder / "samples"
        self.beside = {}  # filled when their generator runs

    def start(self, _):
        numbers = {"rate": OTHERS_PER_S, "warmup": OTHERS_WARMUP_S, "grace": GRACE_S}
        numbers |= {"seconds": OTHERS_BEFORE_S + OTHERS_AFTER_S, "samples": self._samples}
        numbers |= {"people": self._people, "gateways": self._bench.gateways()}
        self._talk = self._pool.submit(generator.run, "delivery", {generator.BEGIN: self._began}, **numbers)

    def _began(self, pid):
        self.beside["generator of the others"] = pid

    def wait(self):
        if self._talk is None:
            raise Complaint("the storm never held its sockets")
        self._talk.result()

    def add_to(self, report, storm_result, void):
        """By when each message was due: before the cut, or until all were back."""
        lines = self._samples.read_text().splitlines()
        samples = [tuple(int(word) for word in line.split()) for line in lines]
        cut_us, end_us = storm_result["cut_us"], storm_result["end_us"]
        before, during = rules.window(samples, 0, cut_us), rules.window(samples, cut_us, end_us)
        report.keep("storm_others", {"before": before, "during": during})
        if not before["count"] or not during["count"]:
            raise Complaint(f"the others had {before['count']} deliveries before the storm and {during['count']} during it")
        void = void or rules.why_late(before) or rules.why_late(during)
        figures = f"{before['p99_ms']:.2f}, {during['p99_ms']:.2f}"
        report.add(f"  p99 of {OTHERS_PER_S} others' messages/s before, and meanwhile, ms", figures, "", void)
        report.add("  ratio", f"{during['p99_ms'] / before['p99_ms']:.2f}", "5", void)


def idle(bench):
    """Straight to one gateway; through the public port: what the tunnel costs on top; to a gateway that speaks TLS. The bare
    endpoint holds the same, plain and with OpenSSL alone. Daemons are started anew: what an earlier load left on a heap
    would be used up first."""
    sockets = bench.options.sockets
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0] - SPARE_FILES
    tunnels, secured = min(sockets, files // FILES_OF_A_TUNNEL), min(sockets, files // FILES_OF_A_TLS_SOCKET)
    bench.restart(HOLDER)
    ours = _hold(bench, "idle_sockets", "", sockets, HOLDER, bench.address(HOLDER), "8 KB")
    _hold_bare(bench, "idle_bare", "", sockets, ours)
    for name in (HOLDER, DOOR):
        bench.restart(name)
    _hold(bench, "tunnelled_sockets", " through the public port", tunnels, DOOR, bench.address(DOOR), "reported")
    certificate = tls_door.certificate(bench.folder)
    door_files = 2 * secured + SPARE_FILES
    with _speaking_tls(bench, certificate), tls_door.opened(bench.folder, bench.address(HOLDER), door_files) as address:
        ours = _hold(bench, "tls_sockets", " with TLS", secured, HOLDER, address, "16 KB")
    _hold_bare(bench, "tls_bare", " with TLS", secured, ours, certificate, door_files)


@contextmanager
def _speaking_tls(bench, certificate):
    """The gateway, started anew with a certificate of this run."""
    chain, key = certificate
    bench.restart(HOLDER, {"CHAT_TLS_CERTIFICATE_PATH": chain, "CHAT_TLS_KEY_PATH": key})
    try:
        yield
    finally:
        bench.restart(HOLDER)


def _hold_bare(bench, key, where, sockets, ours, certificate=None, files=0):
    """ours: KB a socket of the gateway's."""
    where += " at a bare endpoint"
    with bare.server(tls=certificate) as (address, process):
        numbers = (bench, key, where, sockets, "bare-server")
        if certificate:
            with tls_door.opened(bench.folder, address, files) as door:
                reference = _hold(*numbers, door, "reference", process.pid, TLS_CONNECTS_PER_S)
        else:
            reference = _hold(*numbers, address, "reference", process.pid, BARE_CONNECTS_PER_S)
    bench.report.add("  what the gateway needs on top, per socket", f"{ours - reference:.1f} KB", "reported", bench.busy)


def _hold(bench, key, where, sockets, holder, address, goal, pid=None, connects=CONNECTS_PER_S):
    """Holds them open at `address`; KB per socket of PSS of `holder`, a daemon or, with its pid, another process. The kernel's
    memory of a socket is not in PSS."""
    beside = {holder: pid} if pid else {}
    pid = pid or bench.pid(holder)
    before, after = measure.pss_bytes(pid), []
    look = measure.Watch(bench.stack, beside)

    def take(generator_pid):
        look.take(generator_pid)
        after.append(measure.pss_bytes(pid))

    numbers = {"sockets": sockets, "connects": connects, "seconds": IDLE_S}
    on = {generator.BEGIN: take, generator.END: take}
    result = generator.run("idle", on, people=bench.people("many"), gateways=address, **numbers)
    between = look.interval()
    void = bench.busy or rules.why_incomplete(result) or rules.why_noisy(between)
    each = [(size - before) / max(1, result["ready"]) / 1024 for size in after]
    bench.report.keep(key, {"result": result, "pss_before": before, "pss_after": after, "cpu": vars(between)})
    found = f"{result['ready']} ready, {result['retried']} retried, {result['closed']} closed"
    bench.report.add(f"{sockets} idle sockets{where}, {CHATS_EACH} chats each", found, "all", void)
    bench.report.add(f"  PSS of {holder} per socket", f"{each[-1]:.1f} KB ({each[0]:.1f} when just open)", goal, void)
    used = {**between.daemons, **between.beside}[holder]
    bench.report.add(f"  CPU of {holder}", f"{used / between.seconds * 100:.1f} % of a core", "", void)
    return each[-1]
