"""Access tokens that are wrong in one thing. With the fleet's own signing key, so that the rest of them is right."""

import base64
import hashlib
import hmac
import json
import subprocess
import time
from pathlib import Path

SECONDS = 10


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def parts_of(token):
    """(header, claims) of a token, as dictionaries."""
    header, claims, _ = token.split(".")
    return json.loads(decode(header)), json.loads(decode(claims))


class Key:
    """An RSA private key in a PEM file; OpenSSL does the arithmetic."""

    def __init__(self, file):
        self.file = str(file)

    @classmethod
    def of_the_fleet(cls, fleet):
        return cls(fleet.daemons()["auth-service-1"].environment["CHAT_SIGNING_KEY_FILE"])

    @classmethod
    def made_in(cls, folder):
        file = Path(folder) / "own.pem"
        _openssl("genpkey", "-quiet", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", str(file))
        return cls(file)

    def public_pem(self):
        return _openssl("pkey", "-in", self.file, "-pubout")

    def public_der(self):
        return _openssl("pkey", "-in", self.file, "-pubout", "-outform", "DER")

    def sign(self, data, digest="sha256", *options):
        return _openssl("dgst", f"-{digest}", *options, "-sign", self.file, data=data)

    def sign_pss(self, data):
        return self.sign(data, "sha256", "-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:32")


class Forger:
    """Starts from a good token and changes one thing."""

    def __init__(self, token, key):
        self.token, self.key = token, key
        self.header, self.claims = parts_of(token)

    def signed(self, header=None, claims=None, sign=None):
        """header and claims: dictionaries, or JSON as text. sign: from bytes to a signature; else as it should be."""
        text = f"{encode(_json(header or self.header))}.{encode(_json(claims or self.claims))}"
        return f"{text}.{encode((sign or self.key.sign)(text.encode()))}"

    def with_header(self, **changes):
        return self.signed(header=_changed(self.header, changes))

    def with_claims(self, **changes):
        return self.signed(claims=_changed(self.claims, changes))

    def with_hmac(self, secret, digest=hashlib.sha256):
        bits = digest().digest_size * 8
        return self.signed(_changed(self.header, {"alg": f"HS{bits}"}), sign=lambda text: _hmac(secret, text, digest))

    def expired(self):
        return self.with_claims(exp=int(time.time()) - 1)


def _changed(fields, changes):
    """A change to None takes the field away."""
    return {name: value for name, value in {**fields, **changes}.items() if value is not None}


def _json(value):
    return value.encode() if isinstance(value, str) else json.dumps(value, separators=(",", ":")).encode()


def _hmac(secret, text, digest):
    return hmac.new(secret, text, digest).digest()


def _openssl(*words, data=None):
    result = subprocess.run(["openssl", *words], input=data, capture_output=True, timeout=SECONDS)
    assert result.returncode == 0, result.stderr.decode()[-400:]
    return result.stdout
