"""Files that documents name: they must exist. A name may be short, as `ws/auth.c` in a service's own README."""

import re

from chatdev.checks import source

# In backticks, with an ending that only files of the repository have.
NAMED = re.compile(r"`([\w./-]*\w\.(?:c|h|py|md|ya?ml|cmake))`")


def check():
    names = source.files(".md")
    there = source.files("")
    known = set(there)
    ends = {_end(name, parts) for name in there for parts in range(1, name.count("/") + 2)}
    findings = []
    for name in names:
        for number, line in enumerate(source.read(name).splitlines(), 1):
            for file in NAMED.findall(line):
                if file.startswith("/") or file in known or file in ends:  # a path of HTTP, or a file
                    continue
                findings.append(f"{name}:{number}: there is no {file}")
    return findings, f"{len(names)} files"


def _end(name, parts):
    return "/".join(name.split("/")[-parts:])
