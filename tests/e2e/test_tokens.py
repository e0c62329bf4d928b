"""R19: access tokens that are wrong in one thing open nothing, anywhere, and cost next to nothing."""

import asyncio
import contextlib
import hashlib
import json
import math
import time

import pytest
import websockets
from client import PATIENCE, SUBPROTOCOL, fields_of, http_client
from conftest import required
from fleet import slowness
from forge import Forger, Key, decode, encode
from websockets.asyncio.client import connect

REFUSAL_SECONDS = 0.05  # on a quiet machine
TRIES = 3
LONG_TOKEN = 1024 * 1024
REFUSALS = (4200, 4300, 4303)  # of a socket: expired, not authenticated, no frame
SOMEBODY_ELSE = "00000000-0000-4000-8000-000000000000"
NOWHERE = "http://127.0.0.1:9/keys"
FORGERIES = {}


def forge(name, make):
    """make(workshop) gives the token."""
    FORGERIES[name] = make


# ---- another algorithm

for word in ("none", "None", "nOnE", "NONE"):
    forge(f"alg {word}, no signature", lambda f, word=word: f.with_header(alg=word).rpartition(".")[0] + ".")
    forge(f"alg {word}, the genuine signature", lambda f, word=word: f.with_header(alg=word))
for word in ("RS384", "RS512", "PS256", "ES256", "HS256", "EdDSA", "rs256", "", 256, ["RS256"], True):
    forge(f"alg {word!r} over an RS256 signature", lambda f, word=word: f.with_header(alg=word))
forge("no alg", lambda f: f.with_header(alg=None))
for bits in (384, 512):
    forge(f"RS{bits}, well signed", lambda f, bits=bits: f.well_signed(bits))
forge("PS256, well signed", lambda f: f.signed(f.header | {"alg": "PS256"}, sign=f.key.sign_pss))
forge("a PSS signature as RS256", lambda f: f.signed(sign=f.key.sign_pss))
forge("a SHA-1 signature as RS256", lambda f: f.signed(sign=lambda text: f.key.sign(text, "sha1")))
forge("HS256 with our public PEM", lambda f: f.with_hmac(f.key.public_pem()))
forge("HS256 with our public PEM, stripped", lambda f: f.with_hmac(f.key.public_pem().strip()))
forge("HS256 with our public DER", lambda f: f.with_hmac(f.key.public_der()))
forge("HS512 with our public PEM", lambda f: f.with_hmac(f.key.public_pem(), hashlib.sha512))
forge("HS256 with nothing", lambda f: f.with_hmac(b""))
forge("HS256 called RS256", lambda f: f.with_hmac(f.key.public_pem()).replace(*_heads(f, "HS256", "RS256")))

# ---- another key

forge("our kid, another key", lambda f: f.signed(sign=f.stranger.sign))
forge("a foreign kid and its key", lambda f: f.signed(f.header | {"kid": "theirs"}, sign=f.stranger.sign))
KIDS = ["../../../../dev/null", "/etc/passwd", "' OR '1'='1", "1; DROP TABLE keys", "%s%n", "a" * 5000, "", "\x00", "*"]
for kid in KIDS:
    forge(f"kid {kid[:24]!r}", lambda f, kid=kid: f.with_header(kid=kid))
    forge(f"kid {kid[:24]!r}, an empty HMAC", lambda f, kid=kid: Forger.with_hmac(f.but(kid=kid), b""))
for kid in (1, None, ["x"], {"a": 1}):
    forge(f"kid {kid}", lambda f, kid=kid: f.with_header(kid=kid))
forge("a jku header", lambda f: f.signed(f.header | {"jku": NOWHERE}, sign=f.stranger.sign))
forge("a jku header, the genuine signature", lambda f: f.with_header(jku=NOWHERE))
forge("an x5u header", lambda f: f.signed(f.header | {"x5u": NOWHERE}, sign=f.stranger.sign))
forge("an x5c header", lambda f: f.with_header(x5c=["MIIB"]))
forge("a jwk header", lambda f: f.signed(f.header | {"jwk": f.stranger_jwk()}, sign=f.stranger.sign))
forge("a crit header", lambda f: f.with_header(crit=["exp"]))
forge("unencoded payload", lambda f: f.with_header(b64=False, crit=["b64"]))
forge("a compressed payload", lambda f: f.with_header(zip="DEF"))

# ---- another kind of token

for typ in ("JWT", "jwt", "AT+JWT ", "id_token", "", None, 1):
    forge(f"typ {typ!r}", lambda f, typ=typ: f.with_header(typ=typ))
forge("cty JWT", lambda f: f.with_header(cty="JWT"))
forge("a refresh token", lambda f: f.refresh_token)
forge("a session id", lambda f: f.claims["sid"])

# ---- other claims

CLAIMS = {
    "another audience": {"aud": "somebody-else"},
    "audiences, ours among them": {"aud": ["chat-app", "other"]},
    "no audience": {"aud": None},
    "another issuer": {"iss": "https://evil.example"},
    "our issuer with a slash": {"iss": "chat-app/"},
    "no issuer": {"iss": None},
    "no expiry": {"exp": None},
    "expiry 0": {"exp": 0},
    "a negative expiry": {"exp": -1},
    "an expiry as text": {"exp": "9999999999"},
    "an expiry beyond all time": {"exp": 2**62},
    "an expiry as a fraction": {"exp": 1e300},
    "no time of issue": {"iat": None},
    "no subject": {"sub": None},
    "a subject that is no id": {"sub": "admin"},
    "a subject as a list": {"sub": ["a"]},
    "an empty subject": {"sub": ""},
    "no session": {"sid": None},
    "a session that is no id": {"sid": "' OR 1=1"},
    "an unknown role": {"role": "root"},
    "no role": {"role": None},
    "roles": {"role": ["user", "admin"]},
}
for name, changes in CLAIMS.items():
    forge(name, lambda f, changes=changes: f.with_claims(**changes))
forge("expired a second ago", lambda f: f.expired())
forge("valid from tomorrow on", lambda f: f.with_claims(nbf=int(time.time()) + 86_400))
forge("valid at the end of time", lambda f: f.with_claims(nbf=2**60))
forge("valid from a text on", lambda f: f.with_claims(nbf="0"))
forge("two subjects", lambda f: f.signed(claims=f.twice("sub", SOMEBODY_ELSE)))
forge("two expiries", lambda f: f.signed(claims=f.twice("exp", 1)))
forge("two algorithms", lambda f: f.signed(header=json.dumps(f.header)[:-1] + ',"alg":"none"}'))
forge("two kids", lambda f: f.signed(header='{"kid":"x",' + json.dumps(f.header)[1:]))
forge("claims that are a list", lambda f: f.signed(claims=f"[{json.dumps(f.claims)}]"))
forge("claims that are no JSON", lambda f: f.signed(claims="{"))
forge("claims with something behind them", lambda f: f.signed(claims=json.dumps(f.claims) + "x"))
forge("claims with NUL behind them", lambda f: f.signed(claims=json.dumps(f.claims) + "\x00"))
forge("claims nested without end", lambda f: f.signed(claims=f.twice("x", _nested(500))))

# ---- other bytes

forge("a changed subject under the old signature", lambda f: f.resigned_by_nobody(sub=SOMEBODY_ELSE))
forge("a changed role under the old signature", lambda f: f.resigned_by_nobody(role="admin"))
forge("truncated by one", lambda f: f.token[:-1])
forge("truncated by half", lambda f: f.token[: len(f.token) // 2])
forge("no signature", lambda f: f.token.rpartition(".")[0])
forge("an empty signature", lambda f: f.token.rpartition(".")[0] + ".")
forge("zeros as a signature", lambda f: f.signed(sign=lambda text: bytes(256)))
forge("a signature of 255 bytes", lambda f: f.signed(sign=lambda text: f.key.sign(text)[1:]))
forge("a signature of 257 bytes", lambda f: f.signed(sign=lambda text: b"\0" + f.key.sign(text)))
forge("padding behind the signature", lambda f: f.token + "==")
forge("padding in the header", lambda f: f.token.replace(".", "=.", 1))
forge("plain base64", lambda f: f.token.rpartition(".")[0] + "." + f.plain_signature())
forge("spare bits in the signature", lambda f: f.token[:-1] + chr(ord(f.token[-1]) + 1))
forge("a fourth part", lambda f: f.token + ".x")
forge("a dot in front", lambda f: "." + f.token)
forge("five parts, as if encrypted", lambda f: f.token + ".x.x")
forge("a blank in the middle", lambda f: f.token.replace(".", ". ", 1))
forge("a quote around it", lambda f: f'"{f.token}"')
forge("only dots", lambda f: "..")
forge("small letters", lambda f: f.token.lower())
forge("eight thousand bytes", lambda f: f.token + "A" * 8000)


def _heads(forger, *algs):
    """The header as it stands in a token, with each of these algorithms."""
    return [encode(json.dumps(forger.header | {"alg": alg}, separators=(",", ":")).encode()) for alg in algs]


def _nested(depth):
    value = []
    for _ in range(depth):
        value = [value]
    return value


class Workshop(Forger):
    """A forger with a stranger's key and a victim's refresh token."""

    def __init__(self, person, key, stranger):
        super().__init__(person.token, key)
        self.stranger, self.refresh_token = stranger, person.refresh_token

    def but(self, **header):
        changed = Forger(self.token, self.key)
        changed.header = self.header | header
        return changed

    def well_signed(self, bits):
        header = self.header | {"alg": f"RS{bits}"}
        return self.signed(header, sign=lambda text: self.key.sign(text, f"sha{bits}"))

    def twice(self, name, other):
        """name may stand there already."""
        return json.dumps({"first": 1})[:-1] + f',"{name}":{json.dumps(other)},' + json.dumps(self.claims)[1:]

    def resigned_by_nobody(self, **changes):
        header, _, signature = self.token.split(".")
        return f"{header}.{encode(json.dumps(self.claims | changes).encode())}.{signature}"

    def plain_signature(self):
        """With the two letters in which base64 and base64url differ, whatever the signature is."""
        return "+/" + self.token.rpartition(".")[2][2:]

    def stranger_jwk(self):
        return {"kty": "RSA", "e": "AQAB", "n": encode(self.stranger.public_der()[33:289])}


@pytest.fixture(scope="session")
def keys(fleet, tmp_path_factory):
    return Key.of_the_fleet(fleet), Key.made_in(tmp_path_factory.mktemp("key"))


async def refusals(client, url, token):
    """(answers, seconds of the quickest): asked again only while it was slow, which the machine may have been."""
    answers, quickest = [], math.inf
    while len(answers) < TRIES and quickest > REFUSAL_SECONDS:
        began = time.monotonic()
        answers.append(await client.get(url, headers={"Authorization": b"Bearer " + token.encode("latin-1")}))
        quickest = min(quickest, time.monotonic() - began)
    return answers, quickest


def doors(fleet):
    """The edge, and a service that somebody has reached without it: each verifies for itself."""
    daemons = fleet.daemons()
    yield required("CHAT_E2E_URL") + "/v1/users/me"
    yield f"{daemons['user-service-1'].url}/v1/users/me"
    yield f"{daemons['message-service-1'].url}/v1/chats/{SOMEBODY_ELSE}/messages"


async def test_what_is_forged_from_is_good(people, keys):
    """The forgeries below prove something only if a token made the same way, with nothing wrong, is taken."""
    ada = await people.somebody()
    workshop = Workshop(ada, *keys)
    for token in (workshop.signed(), workshop.with_claims(nbf=int(time.time()) - 10), workshop.with_claims(more=[1])):
        assert (await people.api.call("GET", "/v1/users/me", token=token)).status_code == 200


async def test_no_forged_token_opens_anything(people, fleet, keys):
    ada = await people.somebody()
    workshop = Workshop(ada, *keys)
    tokens = {name: make(workshop) for name, make in FORGERIES.items()}
    assert len(tokens) >= 100 and ada.token not in tokens.values()
    wrong, slow = [], []
    async with http_client() as client:
        for url in doors(fleet):
            for name, token in tokens.items():
                answers, seconds = await refusals(client, url, token)
                for answer in answers:
                    if answer.status_code != 401 or "Bearer" not in answer.headers.get("WWW-Authenticate", ""):
                        wrong.append(f"{name} at {url}: {answer.status_code} {answer.text[:120]}")
                if seconds > REFUSAL_SECONDS * slowness():
                    slow.append(f"{name} at {url}: {seconds * 1000:.0f} ms")
    assert not wrong, "\n".join(wrong)
    assert not slow, "\n".join(slow)
    assert (await ada.call("GET", "/v1/users/me")).status_code == 200


async def test_no_forged_token_opens_a_socket(people, fleet, keys):
    ada = await people.somebody()
    workshop = Workshop(ada, *keys)
    tokens = {name: make(workshop) for name, make in FORGERIES.items()}
    url = fleet.gateways()[0]
    places = asyncio.Semaphore(8)

    async def close_code(token):
        async with places, connect(url, subprotocols=[SUBPROTOCOL], proxy=None) as connection:
            assert json.loads(await connection.recv())["t"] == "hello"
            await connection.send(json.dumps({"id": 1, "t": "auth", "token": token, "device_id": ada.device_id}))
            async with asyncio.timeout(PATIENCE):
                with contextlib.suppress(websockets.ConnectionClosed):
                    while True:
                        assert json.loads(await connection.recv())["t"] != "ready", token[:80]
            return connection.close_code

    codes = dict(zip(tokens, await asyncio.gather(*(close_code(token) for token in tokens.values())), strict=True))
    wrong = {name: code for name, code in codes.items() if code not in REFUSALS}
    assert not wrong


async def test_a_token_of_a_megabyte_is_not_looked_at(people):
    """The head is full before the token ends: 431."""
    answer = await people.api.call("GET", "/v1/users/me", token="a" * LONG_TOKEN)
    assert answer.status_code in (401, 431)


PLACES = {
    "a query": {"params": {"access_token": "%"}},
    "a cookie": {"headers": {"Cookie": "access_token=%; token=%"}},
    "another field": {"headers": {"X-Access-Token": "%", "X-Authorization": "Bearer %"}},
    "another scheme": {"headers": {"Authorization": "Token %"}},
    "no scheme": {"headers": {"Authorization": "%"}},
    "the proxy's field": {"headers": {"Proxy-Authorization": "Bearer %"}},
}


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES.keys())
async def test_a_good_token_in_a_wrong_place_opens_nothing(people, place):
    ada = await people.somebody()
    options = {
        kind: {key: text.replace("%", ada.token) for key, text in values.items()} for kind, values in place.items()
    }
    answer = await people.api.call("GET", "/v1/users/me", **options)
    assert answer.status_code == 401


async def test_the_key_set_holds_public_keys_only(people):
    document = fields_of(await people.api.call("GET", "/.well-known/jwks.json"), 200)
    for key in document["keys"]:
        assert not set(key) & {"d", "p", "q", "dp", "dq", "qi", "k", "oth"}
        assert len(decode(key["n"])) * 8 >= 2048
