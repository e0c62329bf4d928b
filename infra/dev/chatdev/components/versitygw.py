"""versitygw: an S3 server that really checks signatures, on a plain folder (which needs extended attributes)."""

import hashlib
import os
import subprocess

from chatdev import gotools
from chatdev.complaint import Complaint
from chatdev.components.server import Server
from chatdev.ports import HOST
from chatdev.wire import http_get

VERSION = "v1.8.0"
BUCKET = "chat-attachments"
REGION = "us-east-1"
NO_BODY = "x-amz-content-sha256: " + hashlib.sha256(b"").hexdigest()  # S3 wants it signed, curl leaves it out


class VersityGateway(Server):
    name = "versitygw"
    title = "versitygw 1.8.0 (S3)"
    replaced_by = "CHAT_S3_ENDPOINT"
    port_names = ("versitygw",)

    def install(self):
        gotools.install("versitygw", VERSION, "github.com/versity/versitygw/cmd/versitygw")

    def command(self, stack):
        binary = gotools.binary("versitygw", VERSION)
        return [binary, "--port", f"{HOST}:{self.port(stack)}", "--region", REGION, "posix", self.data_folder(stack)]

    def environment(self, stack):
        access_key, secret_key = stack.secrets.s3_keys()
        return {**os.environ, "ROOT_ACCESS_KEY": access_key, "ROOT_SECRET_KEY": secret_key}

    def why_not_ready(self, stack):
        status, _ = http_get(f"http://{HOST}:{self.port(stack)}/")
        return None if status == 403 else "does not answer yet"  # 403: it wants a signature, as it should

    def after_start(self, stack):
        """Makes the bucket by a signed request. The keys go by standard input: arguments are visible to everybody."""
        access_key, secret_key = stack.secrets.s3_keys()
        url = f"http://{HOST}:{self.port(stack)}/{BUCKET}"
        command = ["curl", "-sS", "--noproxy", "*", "-o", os.devnull, "-w", "%{http_code}", "-X", "PUT", "-K", "-"]
        command += ["--aws-sigv4", f"aws:amz:{REGION}:s3", "-H", NO_BODY, url]
        keys = f'user = "{access_key}:{secret_key}"\n'
        result = subprocess.run(command, input=keys, capture_output=True, text=True, timeout=20)
        if result.stdout not in ("200", "409"):  # 409: it is there
            raise Complaint(f"bucket {BUCKET} could not be made: status {result.stdout} {result.stderr.strip()}")
