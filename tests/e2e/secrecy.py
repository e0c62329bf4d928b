"""What the tests said that no log may repeat, and the search for it. All that goes through client.py is noted."""

import json
import re
import subprocess

SECRET_KEYS = {
    "password": "password",
    "new_password": "password",
    "current_password": "password",
    "access_token": "token",
    "refresh_token": "token",
    "verification_id": "token",
    "device_token": "token",
    "token": "token",
    "email": "address",
    "code": "code",
    "body": "message",
    "preview": "message",
    "url": "signature",
}
SHORTEST = {"password": 8, "token": 32, "address": 8, "message": 16, "code": 6, "signature": 64}  # shorter ones stand in logs by chance
CODE = re.compile(r"\d{6}")
SIGNATURE = re.compile(r"X-Amz-Signature=([0-9a-f]{64})")
# Values that are numbers of another kind; a code that happens to look like one is no find.
NUMBERS = re.compile(rb'"(?:duration_us|@timestamp|[a-z_]*(?:count|offset|bytes|_ms|_us|pid|rev|seq))":(?:"[^"]*"|\d+)')
GREP_SECONDS = 120


class Secrets:
    def __init__(self):
        self.kinds = {kind: set() for kind in SHORTEST}

    def note(self, kind, text):
        if kind == "signature":  # the rest of a pre-signed URL is no secret
            text = "".join(SIGNATURE.findall(text or ""))
        if isinstance(text, str) and len(text) >= SHORTEST[kind] and "\n" not in text:
            if kind != "code" or CODE.fullmatch(text):
                self.kinds[kind].add(text)

    def note_all(self, document):
        """Every value of a JSON document whose key says that it is secret."""
        if isinstance(document, dict):
            for key, value in document.items():
                self.note(SECRET_KEYS[key], value) if key in SECRET_KEYS else self.note_all(value)
        elif isinstance(document, list):
            for one in document:
                self.note_all(one)

    def note_json(self, text):
        try:
            self.note_all(json.loads(text))
        except ValueError:
            pass  # not JSON, nothing to note


USED = Secrets()  # of this run


def find(secrets, files, folder):
    """["kind in file: the line, shortened"], for each secret that a file holds. `folder` is for the list of them."""
    found = []
    for kind, texts in secrets.kinds.items():
        if texts and files:
            patterns = folder / f"{kind}.txt"
            patterns.write_text("\n".join(sorted(texts)) + "\n")
            options = ["-w"] if kind == "code" else []
            lines = _grep(patterns, files, options)
            found += [f"{kind} in {line[:300]}" for line in lines if _counts(kind, line, texts)]
    return found


def _grep(patterns, files, options):
    command = ["grep", "-aHF", *options, "-f", str(patterns), *map(str, files)]
    result = subprocess.run(command, capture_output=True, timeout=GREP_SECONDS, env={"LC_ALL": "C"})
    assert result.returncode in (0, 1), result.stderr.decode()
    return [line.decode(errors="replace") for line in result.stdout.splitlines()]


def _counts(kind, line, texts):
    if kind != "code":
        return True
    rest = NUMBERS.sub(b"", line.encode()).decode(errors="replace")
    return not texts.isdisjoint(re.findall(r"(?<![\w.])\d{6}(?![\w.])", rest))
