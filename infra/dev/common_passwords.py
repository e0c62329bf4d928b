#!/usr/bin/env python3
"""Packs lists of common passwords into auth-service/internal/domain/common_passwords.bin.

    infra/dev/common_passwords.py LIST...    # text files, one password a line; common_passwords.txt is added

What comes out: of each password of at least 8 bytes, in lower case (ASCII), the first 5 bytes of its SHA-256; sorted, no
two alike. Where the lists come from is written in auth-service/README.md, "Common passwords"; nothing is fetched here.
"""

import hashlib
import sys
from pathlib import Path

DOMAIN = Path(__file__).resolve().parents[2] / "auth-service" / "internal" / "domain"
OURS, PACKED = DOMAIN / "common_passwords.txt", DOMAIN / "common_passwords.bin"
SHORTEST = 8  # PASSWORD_MIN_BYTES: shorter ones are refused anyway
KEPT_BYTES = 5  # COMMON_PASSWORD_BYTES


def packed(lines):
    return {hashlib.sha256(line.lower()).digest()[:KEPT_BYTES] for line in lines if len(line) >= SHORTEST}


def main(names):
    if not names:
        sys.exit(__doc__)
    prefixes = set().union(*(packed(Path(name).read_bytes().splitlines()) for name in [*names, OURS]))
    PACKED.write_bytes(b"".join(sorted(prefixes)))
    print(f"{len(prefixes)} passwords, {PACKED.stat().st_size} bytes")


if __name__ == "__main__":
    main(sys.argv[1:])
