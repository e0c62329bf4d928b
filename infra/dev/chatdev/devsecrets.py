"""Secrets of one stack, made at its first start: random, readable by us alone, never in git."""

import secrets
import subprocess

from chatdev.complaint import Complaint


class DevSecrets:
    def __init__(self, folder):
        self.folder = folder

    def file(self, name):
        return self.folder / name

    def create(self):
        self._random("s3_access_key", 10)
        self._random("s3_secret_key", 20)
        if not self.file("signing_key.pem").exists():
            self._rsa_key("signing_key.pem")

    def s3_keys(self):
        return self.file("s3_access_key").read_text().strip(), self.file("s3_secret_key").read_text().strip()

    def _random(self, name, byte_count):
        if not self.file(name).exists():
            self._store(name, secrets.token_hex(byte_count))

    def _rsa_key(self, name):
        command = ["openssl", "genpkey", "-quiet", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]
        result = subprocess.run(command, capture_output=True, text=True, timeout=60)
        if result.returncode != 0:
            raise Complaint(f"openssl could not make a signing key: {result.stderr.strip()}")
        self._store(name, result.stdout)

    def _store(self, name, text):
        """Without a newline of its own: what is in the file is the secret, byte by byte."""
        file = self.file(name)
        file.touch(mode=0o600)
        file.write_text(text)
