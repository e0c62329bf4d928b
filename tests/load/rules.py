"""When a figure counts, and how many become one. Nothing here looks at a clock or a process, so all of it has tests."""

import statistics

LATENESS_MAX_MS = 1.0
GENERATOR_CORES_MAX = 0.8  # above, the generator measures itself
QUIET_CORES = 0.15  # others may use so much of the machine during a run
SECONDS_MIN = 60  # a shorter run sees no bad minute
ROUNDS_MIN = 5  # pairs, of which the median counts


def why_void(result, between, seconds=SECONDS_MIN):
    """Why what chat-load reports counts for nothing, "" when it counts; between: a measure.Interval, seconds: asked for."""
    return (
        why_late(result)
        or why_incomplete(result)
        or why_noisy(between)
        or (f"shorter than {SECONDS_MIN} s" if seconds < SECONDS_MIN else "")
    )


def why_late(result):
    """Whatever did not have to keep times has no such series."""
    late = result.get("generator_lateness", {}).get("p99_ms", 0) > LATENESS_MAX_MS
    return "the generator was late" if late else ""


def why_incomplete(result):
    """Who was not asked everything looks better than it is."""
    if result.get("sent", 0) < result.get("planned", 0):
        return f"only {result['sent']} of {result['planned']} messages were sent"
    if "ready" in result and result["ready"] < result["sockets"]:
        return f"only {result['ready']} of {result['sockets']} sockets were ready"
    return f"{result['closed']} sockets were lost" if result.get("closed") else ""


def why_noisy(between, filling=False):
    """filling: a generator that has as much to do as it can is meant."""
    if between.generator_cores > GENERATOR_CORES_MAX and not filling:
        return "the generator filled its core"
    return "others used the machine" if between.foreign_cores > QUIET_CORES else ""


def why_behind(hops):
    """A bare hop that can't keep the pace waits for itself, and whatever is held against it looks good."""
    behind = [name.removesuffix("_late") for name, series in hops.items() if _is_behind(name, series)]
    return f"the bare hop was behind: {', '.join(behind)}" if behind else ""


def _is_behind(name, series):
    return name.endswith("_late") and series["p50_ms"] > LATENESS_MAX_MS


def first(reasons):
    """Of several rounds: one that is void voids what they come to."""
    return next((why for why in reasons if why), "")


def why_too_few(ratios):
    return f"fewer than {ROUNDS_MIN} rounds" if len(ratios) < ROUNDS_MIN else ""


def bare_sum(hops, quantile):
    """What a message can't go without: two Kafka hops, both inserts, one PUBLISH. Milliseconds."""
    return 2 * hops["kafka"][quantile] + sum(hops[name][quantile] for name in ("insert_change", "insert_message", "redis"))


def quantile(values, share):
    """The smallest value that at least `share` of them do not exceed, as chat-load counts."""
    ordered = sorted(values)
    place = -(-len(ordered) * round(share * 1000) // 1000)  # rounded up, without floating point
    return ordered[max(0, place - 1)]


def spread(values, digits=2):
    """The median, and between which it lies."""
    found, least, most = (f"{value:.{digits}f}" for value in (statistics.median(values), min(values), max(values)))
    return f"{found} ({least} to {most} in {len(values)} rounds)" if len(values) > 1 else found


def window(samples, begin_us, end_us):
    """Of the (due, sent, there) that were due within [begin, end): how many, milliseconds of delivery and lateness."""
    chosen = [sample for sample in samples if begin_us <= sample[0] < end_us]
    if not chosen:
        return {"count": 0}
    took = [(there - due) / 1000 for due, _, there in chosen]
    late = [(sent - due) / 1000 for due, sent, _ in chosen]
    return {
        "count": len(chosen),
        "p50_ms": quantile(took, 0.5),
        "p99_ms": quantile(took, 0.99),
        "generator_lateness": {"p99_ms": quantile(late, 0.99)},
    }
