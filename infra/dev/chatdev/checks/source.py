"""C files of the repository, and their text without comments and strings."""

import functools
import re
import subprocess

from chatdev.paths import REPOSITORY

NOT_PRODUCTION = {"tests", "testing", "fuzz", "examples"}  # folders, anywhere in a path

COMMENT_OR_TEXT = re.compile(
    r"/\*.*?\*/|//[^\n]*"  # comments
    r"|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'",  # strings and characters
    re.DOTALL,
)


@functools.cache
def files(*endings):
    """Paths relative to the repository: what git tracks or would track."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout
    wanted = {name for name in listed.split("\0") if name.endswith(endings)}
    return sorted(name for name in wanted if (REPOSITORY / name).is_file())  # one may be deleted, but not in git yet


def c_files():
    return files(".c", ".h")


def is_production(name):
    return not NOT_PRODUCTION & set(name.split("/"))


def read(name):
    return (REPOSITORY / name).read_text(errors="replace")


def without_comments_and_texts(text):
    """The same lines, so that line numbers stay true."""
    return COMMENT_OR_TEXT.sub(lambda match: '""' + "\n" * match.group(0).count("\n"), text)
