"""The pair's own metrics, in a Prometheus, while there is something to do and when NATS stops."""

import os
import pathlib
import signal
import unittest

from files import alerts, selectors, shown
from prometheus import JOBS, Prometheus, eventually, get, promtool

# Where the server's id is, and where it is said that it is not to come back.
NATS = pathlib.Path(os.environ["TERTULIA_NATS"])


class Live(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.prometheus = cls.enterClassContext(Prometheus())
        scraped = "count(tertulia_ready == 1)"
        instances = str(sum(map(len, JOBS.values())))
        eventually(
            "every instance is scraped, and ready",
            lambda: [it for it in cls.prometheus.query(scraped) if it["value"][1] == instances],
        )
        # A rate takes two scrapes.
        eventually(
            "two scrapes", lambda: cls.prometheus.query("rate(tertulia_grpc_requests_total[1m])")
        )

    def test_1_the_metrics_are_as_prometheus_wants_them(self):
        for addresses in JOBS.values():
            for address in addresses:
                checked = promtool("check", "metrics", input=get(f"http://{address}/metrics"))
                self.assertEqual((checked.returncode, checked.stderr), (0, ""), address)

    def test_2_everything_that_an_alert_or_a_panel_asks_for_is_there(self):
        expressions = [rule["expr"] for rule in alerts().values()]
        expressions += [expression for _, expression in shown()]
        asked = set().union(*map(selectors, expressions))
        self.assertGreater(len(asked), 50)
        for selector in sorted(asked):
            with self.subTest(selector):
                self.assertTrue(self.prometheus.query(selector))

    def test_3_every_panel_shows_something(self):
        for title, expression in shown():
            with self.subTest(title, expression=expression):
                self.assertTrue(self.prometheus.query(expression))

    def test_4_every_alert_can_be_evaluated_and_none_fires(self):
        for name, rule in alerts().items():
            with self.subTest(name):
                self.prometheus.query(rule["expr"])
        self.assertEqual(self.prometheus.firing(), [])

    def test_5_the_traffic_is_seen(self):
        for expression in [
            'sum(tertulia_grpc_requests_total{method="tertulia.v1.RunService/StartRun",code="OK"})',
            'sum(tertulia_runs_ended_total{state="succeeded"})',
            'sum(tertulia_sql_guard_refusals_total{reason="SQL_NOT_A_QUERY"})',
            'sum(tertulia_run_stage_duration_seconds_count{stage="capture"})',
            'sum(tertulia_model_calls_total{provider="builtin",outcome="ok"})',
        ]:
            with self.subTest(expression):
                eventually(expression, lambda: self.prometheus.query(f"{expression} > 0"))

    def test_6_when_nats_stops_its_alert_fires_for_both_jobs_until_it_is_back(self):
        self.assertEqual(self.missing_nats(), set())

        stopped = NATS / "stopped"
        stopped.touch()
        os.kill(int((NATS / "pid").read_text()), signal.SIGTERM)
        eventually("the alert fires", lambda: self.missing_nats() == JOBS.keys())
        self.assertTrue(self.prometheus.query("max(tertulia_nats_connected) == 0"))
        stopped.unlink()

        eventually("the alert resolves", lambda: not self.missing_nats())
        eventually("all is ready again", lambda: self.prometheus.query("min(tertulia_ready) == 1"))

    def missing_nats(self):
        """The jobs for which the alert fires."""
        return {
            labels["job"]
            for labels in self.prometheus.firing()
            if labels["alertname"] == "TertuliaNatsAway"
        }
