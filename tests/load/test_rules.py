"""The arithmetic of the bench. `ctest -R load.rules`"""

import pathlib
import sys
import types
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "infra" / "dev"))

import hotspots  # noqa: E402
import rules  # noqa: E402


def an_interval(generator_cores=0.1, foreign_cores=0.01):
    return types.SimpleNamespace(generator_cores=generator_cores, foreign_cores=foreign_cores)


def a_result(late_ms=0.2, **more):
    return {"generator_lateness": {"p99_ms": late_ms}, "planned": 100, "sent": 100, "closed": 0} | more


class WhatCounts(unittest.TestCase):
    def test_a_quiet_and_complete_run_counts(self):
        self.assertEqual(rules.why_void(a_result(), an_interval()), "")

    def test_a_late_generator_voids(self):
        self.assertEqual(rules.why_void(a_result(late_ms=1.0), an_interval()), "")
        self.assertIn("late", rules.why_void(a_result(late_ms=1.01), an_interval()))

    def test_a_generator_that_fills_its_core_voids(self):
        self.assertIn("core", rules.why_void(a_result(), an_interval(generator_cores=0.81)))

    def test_others_at_work_void(self):
        self.assertIn("others", rules.why_void(a_result(), an_interval(foreign_cores=0.16)))

    def test_what_was_not_sent_voids(self):
        self.assertIn("99 of 100", rules.why_void(a_result(sent=99), an_interval()))

    def test_a_socket_that_never_got_in_voids(self):
        self.assertEqual(rules.why_incomplete({"sockets": 5}), "")
        self.assertIn("4 of 5", rules.why_incomplete({"sockets": 5, "ready": 4}))

    def test_a_lost_socket_voids(self):
        self.assertIn("1 sockets", rules.why_void(a_result(closed=1), an_interval()))

    def test_a_short_run_voids(self):
        self.assertIn("shorter", rules.why_void(a_result(), an_interval(), seconds=59))

    def test_few_rounds_void(self):
        self.assertEqual(rules.why_too_few([1.0] * 5), "")
        self.assertIn("fewer", rules.why_too_few([1.0] * 4))

    def test_a_reference_that_waits_for_itself_is_named(self):
        hops = {"kafka": {"p50_ms": 9}, "kafka_late": {"p50_ms": 0.1}, "redis": {"p50_ms": 9}, "redis_late": {"p50_ms": 1.5}}
        self.assertEqual(rules.why_behind(hops), "the bare hop was behind: redis")
        self.assertEqual(rules.why_behind({"kafka_late": {"p50_ms": 0.9}}), "")


class Figures(unittest.TestCase):
    def test_a_quantile_is_the_smallest_value_that_the_share_does_not_exceed(self):
        values = list(range(100, 0, -1))
        self.assertEqual([rules.quantile(values, share) for share in (0.5, 0.99, 0.999, 1.0)], [50, 99, 100, 100])
        self.assertEqual(rules.quantile([7], 0.5), 7)

    def test_a_message_goes_twice_through_kafka(self):
        hops = {name: {"p50_ms": value} for name, value in (("kafka", 1), ("insert_change", 10), ("insert_message", 100), ("redis", 1000))}
        self.assertEqual(rules.bare_sum(hops, "p50_ms"), 1112)

    def test_a_window_is_chosen_by_the_due_time(self):
        samples = [(1000, 1100, 2000), (2000, 2300, 9000), (3000, 3000, 3500)]
        found = rules.window(samples, 1500, 3000)
        self.assertEqual((found["count"], found["p99_ms"], found["generator_lateness"]["p99_ms"]), (1, 7.0, 0.3))
        self.assertEqual(rules.window(samples, 5000, 6000), {"count": 0})

    def test_one_round_has_no_spread(self):
        self.assertEqual(rules.spread([0.5]), "0.50")
        self.assertEqual(rules.spread([3.0, 1.0, 2.0]), "2.00 (1.00 to 3.00 in 3 rounds)")

    def test_functions_are_counted_for_each_daemon(self):
        told = "  7 55d0 cc_alloc (/a/service)\n  7 7ffa [unknown] (/lib/libfoo.so.1)\n  7 55d1 cc_alloc (/a/service)\n"
        told += "  8 55d0 cc_alloc (/b/service)\n  9 55d0 a_stranger (/bin/true)\n\n"
        found = hotspots.count_symbols(told, {7: "auth-service-1", 8: "user-service-1"})
        self.assertEqual(found, {"auth-service-1": {"cc_alloc": 2, "somewhere in libfoo.so.1": 1}, "user-service-1": {"cc_alloc": 1}})


if __name__ == "__main__":
    unittest.main()
