"""Calls that may not appear, each with what to use instead."""

import re

from chatdev.checks import source

EVERYWHERE = {
    "sprintf": "snprintf, with its result checked, or cc_strbuf_printf",
    "vsprintf": "vsnprintf, with its result checked, or cc_strbuf_printf",
    "strcpy": "snprintf or memcpy with a known length",
    "strcat": "cc_strbuf_append_text",
    "gets": "fgets",
    "atoi": "strtol, with errno and the end pointer checked",
    "atol": "strtol, with errno and the end pointer checked",
    "sscanf": "a parser that says what was wrong (common/json_reader.h, strtol)",
    "strtok": "strtok_r, or strcspn over the string",
    "localtime": "cc_time_format; wall time inside is int64_t epoch milliseconds",
    "gmtime": "gmtime_r, or cc_time_format",
    "rand": "cc_random (common/id.h)",
    "srand": "cc_random (common/id.h)",
}
IN_PRODUCTION = {
    "malloc": "cc_alloc, or the request's arena",
    "calloc": "cc_calloc, or the request's arena",
    "realloc": "cc_realloc, or cc_strbuf",
    "free": "cc_free; where a library demands it, say so on that line: /* check: free */",
    "strdup": "cc_strdup, or the request's arena",
    "strndup": "cc_strndup, or the request's arena",
}
ALLOCATORS = ("libcommon/src/alloc.c", "libcommon/src/arena.c")  # they are what the others use


def check():
    names = source.c_files()
    findings = [finding for name in names for finding in _check_file(name)]
    return findings, f"{len(names)} files"


def _check_file(name):
    rules = dict(EVERYWHERE)
    if source.is_production(name) and name not in ALLOCATORS:
        rules.update(IN_PRODUCTION)
    call = re.compile(rf"(?<![\w.>])({'|'.join(rules)})\s*\(")
    raw_lines = source.read(name).split("\n")
    code_lines = source.without_comments_and_texts("\n".join(raw_lines)).split("\n")
    for number, (raw, code) in enumerate(zip(raw_lines, code_lines, strict=True), 1):
        for match in call.finditer(code):
            word = match.group(1)
            if f"/* check: {word} */" not in raw:
                yield f"{name}:{number}: {word} is banned: use {rules[word]}"
