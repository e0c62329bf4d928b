"""Lengths of functions in production code. A function is what stands between `{` and `}` in the first column."""

import statistics

from chatdev.checks import source

MEDIAN_MAX = 17
P90_MAX = 64
LONG_LINES = 100
LONG_SHARE_MAX = 0.02


def check():
    found = [one for name in source.files(".c") if source.is_production(name) for one in _functions(name)]
    if not found:
        return [], "no functions"
    lengths = sorted(length for length, _ in found)
    median, p90 = statistics.median(lengths), lengths[min(len(lengths) - 1, int(len(lengths) * 0.9))]
    share = sum(length > LONG_LINES for length in lengths) / len(lengths)
    findings = _findings(found, median, p90, share)
    return findings, f"{len(found)} functions, median {median:g}, p90 {p90}, over {LONG_LINES} lines {share:.1%}"


def _findings(found, median, p90, share):
    longest = ", ".join(f"{place} ({length})" for length, place in sorted(found, reverse=True)[:5])
    limits = (
        (median > MEDIAN_MAX, f"the median function has {median:g} lines, at most {MEDIAN_MAX} are wanted"),
        (p90 > P90_MAX, f"one function in ten has {p90} lines or more, at most {P90_MAX} are wanted"),
        (share > LONG_SHARE_MAX, f"{share:.1%} of the functions have over {LONG_LINES} lines, at most 2% may"),
    )
    return [f"{text}; the longest: {longest}" for broken, text in limits if broken]


def _functions(name):
    """(lines, 'file:line') of each function, both braces counted."""
    opened = None
    for number, line in enumerate(source.read(name).split("\n"), 1):
        if line == "{":
            opened = number
        elif line == "}" and opened:
            yield number - opened + 1, f"{name}:{opened}"
            opened = None
