"""chat-load against an endpoint whose behaviour is known: whether it sees what was done to it. `ctest -R load.harness`

The bounds hold on a busy machine too: nothing can be faster than a delay, and what is lost stays lost. How exactly the
delay is measured is for a quiet one: `infra/dev/chat bench --self-test`.
"""

import os
import pathlib
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "infra" / "dev"))

import bare  # noqa: E402
import selftest  # noqa: E402

PRESET = os.environ["CHAT_LOAD_PRESET"]
DELAY_MS = 20
SOCKETS, RATE, SECONDS = 20, 20, 3
MESSAGES = RATE * SECONDS


class Harness(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        (self.folder / "sayings").write_text("\n%\n".join(f"saying number {number}, long enough" for number in range(120)))

    def fanout(self, address, grace=30, **more):
        return selftest.fanout(
            self.folder, address, PRESET, sockets=SOCKETS, rate=RATE, seconds=SECONDS, warmup=0, grace=grace, bodies=self.folder, **more
        )

    def test_everything_comes_once_and_as_long_as_it_was_told(self):
        with bare.server(PRESET, frame_bytes=700) as (address, _):
            found = self.fanout(address)
        self.assertEqual((found["sent"], found["delivered"], found["lost"]), (MESSAGES, MESSAGES * (SOCKETS - 1), 0))
        self.assertEqual((found["frame_bytes"], found["duplicated"], found["closed"]), (700, 0, 0))

    def test_a_delayed_hop_is_in_every_delivery(self):
        with bare.server(PRESET) as (target, _), bare.delay(target, DELAY_MS, PRESET) as (address, _):
            delayed = self.fanout(address)
        self.assertEqual(delayed["delivered"], MESSAGES * (SOCKETS - 1))
        self.assertGreaterEqual(delayed["delivery"]["p50_ms"], DELAY_MS)

    def test_what_is_lost_is_not_left_out(self):
        grace = 2
        with bare.server(PRESET, lose_every=10) as (address, _):
            found = self.fanout(address, grace)
        self.assertEqual(found["lost"], MESSAGES // 10 * (SOCKETS - 1))
        self.assertEqual(found["delivery"]["count"], MESSAGES * (SOCKETS - 1))
        self.assertGreaterEqual(found["delivery"]["p99_ms"], grace * 1000)

    def test_who_does_not_read_is_not_waited_for(self):
        with bare.server(PRESET) as (address, _):
            found = self.fanout(address, deaf=1)
        self.assertEqual((found["delivered"], found["lost"]), (MESSAGES * (SOCKETS - 2), 0))

    def test_a_storm_ends_when_all_are_back(self):
        with bare.server(PRESET) as (address, _):
            found = selftest.chat_load(self.folder, PRESET, "storm", gateways=address, sockets=SOCKETS, connects=100, seconds=0)
        self.assertEqual((found["settled"], found["caught_up"]["count"], found["reloads"]), (SOCKETS, SOCKETS, 0))


if __name__ == "__main__":
    unittest.main()
