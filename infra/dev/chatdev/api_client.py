"""What the demonstration says to the API, in words: register, log in, make a chat. Standard library only."""

import json
import re
import time
import urllib.error
import urllib.request
import uuid

from chatdev.complaint import Complaint

CODE = re.compile(r"\b(\d{6})\b")


def call(method, url, body=None, token=None, headers=None):
    """The answer's JSON (None when empty); a problem+json answer raises Complaint with its text."""
    sent = {"Content-Type": "application/json", **(headers or {})}
    if token:
        sent["Authorization"] = f"Bearer {token}"
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, method=method, headers=sent)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=10) as answer:
            text = answer.read()
            return json.loads(text) if text else None
    except urllib.error.HTTPError as error:
        raise Complaint(f"{method} {url}: {error.code} {error.read().decode(errors='replace')[:300]}") from None
    except OSError as error:
        raise Complaint(f"{method} {url}: {error}") from None


class Person:
    """Somebody with an account; unique at every run, so that the demonstration can be repeated."""

    def __init__(self, name, api_url, mailpit_url):
        self.name, self._api, self._mailpit = name, api_url, mailpit_url
        unique = uuid.uuid4().hex[:8]
        self.handle = f"{name.lower()}_{unique}"
        self.email = f"{self.handle}@example.org"
        self.password = f"correct horse {unique}"
        self.token = self.refresh_token = self.user_id = self.verification_id = self.device_token = None

    def register(self):
        body = {"email": self.email, "password": self.password, "handle": self.handle, "display_name": self.name}
        self.verification_id = self.post("/v1/auth/register", body)["verification_id"]

    def mailed_code(self, seconds=15):
        """The one-time code, as soon as the mail is there."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            found = call("GET", f"{self._mailpit}/api/v1/search?query=to:{self.email}")
            if found["messages"]:
                mail = call("GET", f"{self._mailpit}/api/v1/message/{found['messages'][0]['ID']}")
                return CODE.search(mail["Text"]).group(1)
            time.sleep(0.05)
        raise Complaint(f"no mail for {self.email} within {seconds} s")

    def verify(self, code):
        body = {"verification_id": self.verification_id, "email": self.email, "code": code}
        self.post("/v1/auth/otp/verify", body)

    def log_in(self):
        body = {"email": self.email, "password": self.password}
        body |= {"device_id": f"demo-{self.handle}", "device_name": "demonstration"}
        if self.device_token:
            body["device_token"] = self.device_token
        answer = self.post("/v1/auth/login", body)
        self.token, self.refresh_token = answer["access_token"], answer["refresh_token"]
        self.user_id, self.device_token = answer["user_id"], answer["device_token"]

    def get(self, path):
        return call("GET", self._api + path, token=self.token)

    def post(self, path, body, headers=None):
        return call("POST", self._api + path, body, self.token, headers)

    def change_profile(self, **changes):
        me = self.get("/v1/users/me")
        headers = {"Content-Type": "application/merge-patch+json", "If-Match": f'"{me["version"]}"'}
        return call("PATCH", f"{self._api}/v1/users/me", changes, self.token, headers)
