"""Each alert fires when what it is for goes wrong, and not otherwise: with promtool, no server."""

import json
import pathlib
import tempfile
import unittest

from files import alerts, write_rules
from prometheus import promtool

# Values at one a minute, in promtool's notation: from, and by how much each is more, how often.
ALWAYS = 400
HEALTHY = {
    'up{job="session-service",instance="s"}': f"1x{ALWAYS}",
    'up{job="run-worker",instance="w"}': f"1x{ALWAYS}",
}
CALLS = "tertulia_grpc_requests_total"
GET = 'method="tertulia.v1.RunService/GetRun"'
DURATION = "tertulia_grpc_request_duration_seconds_bucket"
ENDED = "tertulia_runs_ended_total"
MODEL = "tertulia_model_calls_total"
SWEPT = "tertulia_sweep_last_success_timestamp_seconds"
WAIT = "tertulia_runs_oldest_wait_seconds"

# The alert, when it is looked at in minutes, with which series it fires, and with which not.
CASES = [
    ("TertuliaServiceGone", 5, {'up{job="run-worker",instance="w"}': f"0x{ALWAYS}"}, {}),
    (
        "TertuliaInstanceDown",
        5,
        {'up{job="run-worker",instance="x"}': f"0x{ALWAYS}"},
        {'up{job="run-worker",instance="x"}': f"0x2 1x{ALWAYS}"},
    ),
    (
        "TertuliaNotReady",
        7,
        {"tertulia_ready": f"0x{ALWAYS}"},
        {"tertulia_ready": f"0x3 1x{ALWAYS}"},
    ),
    (
        "TertuliaRestarting",
        12,
        {'process_start_time_seconds{job="run-worker"}': "10 20 30 40 40x20"},
        {'process_start_time_seconds{job="run-worker"}': "10 10 10 40 40x20"},
    ),
    (
        "TertuliaFilesRunOut",
        8,
        {
            'process_open_fds{job="run-worker"}': "900x20",
            'process_max_fds{job="run-worker"}': "1000x20",
        },
        {
            'process_open_fds{job="run-worker"}': "700x20",
            'process_max_fds{job="run-worker"}': "1000x20",
        },
    ),
    (
        "TertuliaNatsAway",
        3,
        {'tertulia_dependency_up{dependency="nats",job="run-worker"}': "0x20"},
        {'tertulia_dependency_up{dependency="database",job="run-worker"}': "1x20"},
    ),
    (
        "TertuliaDatabaseAway",
        3,
        {'tertulia_dependency_up{dependency="database",job="run-worker"}': "0x20"},
        {'tertulia_dependency_up{dependency="nats",job="run-worker"}': "1x20"},
    ),
    (
        "TertuliaPoolExhausted",
        5,
        {
            'tertulia_database_pool_connections{state="in_use"}': "20x20",
            "tertulia_database_pool_max_connections": "20x20",
        },
        {
            'tertulia_database_pool_connections{state="in_use"}': "19x20",
            'tertulia_database_pool_connections{state="idle"}': "20x20",
            "tertulia_database_pool_max_connections": "20x20",
        },
    ),
    (
        "TertuliaStreamNearlyFull",
        15,
        {
            'tertulia_stream_bytes{stream="RUN_EVENTS"}': "95x30",
            'tertulia_stream_max_bytes{stream="RUN_EVENTS"}': "100x30",
        },
        {
            'tertulia_stream_bytes{stream="RUNS"}': "95x30",
            'tertulia_stream_max_bytes{stream="RUNS"}': "0x30",
        },
    ),
    (
        "TertuliaErrorsBurnFast",
        70,
        {f'{CALLS}{{{GET},code="OK"}}': "0+97x90", f'{CALLS}{{{GET},code="INTERNAL"}}': "0+3x90"},
        {
            f'{CALLS}{{{GET},code="OK"}}': "0+97x90",
            f'{CALLS}{{{GET},code="NOT_FOUND"}}': "0+99x90",
            f'{CALLS}{{method="tertulia.v1.RunService/WatchRun",code="UNAVAILABLE"}}': "0+9x90",
        },
    ),
    (
        "TertuliaErrorsBurnSlowly",
        380,
        {f'{CALLS}{{{GET},code="OK"}}': "0+99x400", f'{CALLS}{{{GET},code="UNAVAILABLE"}}': "0+1x400"},
        {f'{CALLS}{{{GET},code="OK"}}': "0+999x400", f'{CALLS}{{{GET},code="INTERNAL"}}': "0+1x400"},
    ),
    (
        "TertuliaSlowCalls",
        20,
        {
            f'{DURATION}{{{GET},le="1"}}': "0+95x30",
            f'{DURATION}{{{GET},le="10"}}': "0+100x30",
            f'{DURATION}{{{GET},le="+Inf"}}': "0+100x30",
        },
        {
            f'{DURATION}{{{GET},le="1"}}': "0+100x30",
            f'{DURATION}{{{GET},le="+Inf"}}': "0+100x30",
            f'{DURATION}{{method="tertulia.v1.DataSourceService/ImportTable",le="1"}}': "0x30",
            f'{DURATION}{{method="tertulia.v1.DataSourceService/ImportTable",le="+Inf"}}': "0+9x30",
        },
    ),
    (
        "TertuliaOverloaded",
        15,
        {'tertulia_door_refusals_total{by="turns"}': "0+120x30"},
        {'tertulia_door_refusals_total{by="rate"}': "0+120x30"},
    ),
    (
        "TertuliaQueueWait",
        6,
        {f'{WAIT}{{state="claimable"}}': "0+60x20", "tertulia_attempts_in_flight": "4x20"},
        {f'{WAIT}{{state="queued"}}': "0+60x20", "tertulia_attempts_in_flight": "4x20"},
    ),
    (
        "TertuliaNoWorkerTakesRuns",
        3,
        {f'{WAIT}{{state="claimable"}}': "0+60x20"},
        {f'{WAIT}{{state="claimable"}}': "0+60x20", "tertulia_attempts_in_flight": "1x20"},
    ),
    (
        "TertuliaQueueUnknown",
        5,
        {"tertulia_queue_sampled_timestamp_seconds": "0x20"},
        {"tertulia_queue_sampled_timestamp_seconds": "0+60x20"},
    ),
    (
        "TertuliaLeasesLost",
        10,
        {'tertulia_attempts_total{end="lost"}': "0 3 6 6x20"},
        {'tertulia_attempts_total{end="handed_over"}': "0 3 6 6x20"},
    ),
    (
        "TertuliaRunsFail",
        25,
        {f'{ENDED}{{state="failed",reason="INTERNAL"}}': "0+1x40", f'{ENDED}{{state="succeeded"}}': "0+4x40"},
        {f'{ENDED}{{state="failed",reason="SQL_FAILED"}}': "0+1x40", f'{ENDED}{{state="succeeded"}}': "0+4x40"},
    ),
    (
        "TertuliaAttemptsPanic",
        10,
        {'tertulia_attempts_total{end="panicked"}': "0 1 1x20"},
        {'tertulia_attempts_total{end="retried"}': "0 1 1x20"},
    ),
    (
        "TertuliaDeadLetters",
        10,
        {'tertulia_stream_messages{stream="RUN_DEAD_LETTERS"}': "3 3 4 4x20"},
        {'tertulia_stream_messages{stream="RUN_DEAD_LETTERS"}': "3x20"},
    ),
    (
        "TertuliaSweepStalled",
        5,
        {f'{SWEPT}{{sweep="runs",instance="a"}}': "0x20", f'{SWEPT}{{sweep="requests"}}': "0x20"},
        {
            f'{SWEPT}{{sweep="runs",instance="a"}}': "0x20",
            f'{SWEPT}{{sweep="runs",instance="b"}}': "0+60x20",
            f'{SWEPT}{{sweep="requests"}}': "0x20",
        },
    ),
    (
        "TertuliaModelCircuitOpen",
        5,
        {'tertulia_model_circuit_open{provider="a"}': "1x20"},
        {'tertulia_model_circuit_open{provider="a"}': "1 0x20"},
    ),
    (
        "TertuliaModelFails",
        20,
        {f'{MODEL}{{provider="a",outcome="ok"}}': "0+2x40", f'{MODEL}{{provider="a",outcome="rejected"}}': "0+1x40"},
        {f'{MODEL}{{provider="a",outcome="ok"}}': "0+2x40", f'{MODEL}{{provider="a",outcome="refused"}}': "0+1x40"},
    ),
    (
        "TertuliaEmbeddingLag",
        25,
        {'tertulia_background_tasks_oldest_wait_seconds{kind="embed"}': "0+60x40"},
        {'tertulia_background_tasks_oldest_wait_seconds{kind="summarize"}': "0+60x40"},
    ),
]


def group(name, minute, series, fires):
    inputs = [{"series": key, "values": values} for key, values in {**HEALTHY, **series}.items()]
    expected = [{"labels": f'{{alertname="{name}"}}', "value": 1}] if fires else []
    firing = f'max by (alertname) (ALERTS{{alertname="{name}",alertstate="firing"}})'
    query = {"expr": firing, "eval_time": f"{minute}m", "exp_samples": expected}
    return {"interval": "1m", "input_series": inputs, "promql_expr_test": [query]}


class Rules(unittest.TestCase):
    def setUp(self):
        folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.rules, self.tests = folder / "rules.yaml", folder / "tests.yaml"
        write_rules(self.rules)

    def test_the_rules_are_as_prometheus_wants_them(self):
        checked = promtool("check", "rules", self.rules)
        self.assertEqual(checked.returncode, 0, checked.stderr)

    def test_every_alert_is_tried(self):
        self.assertEqual([name for name, *_ in CASES], list(alerts()))

    def test_each_alert_fires_when_it_should_and_not_otherwise(self):
        for name, minute, wrong, right in CASES:
            for series, fires in [(wrong, True), (right, False)]:
                with self.subTest(name, fires=fires):
                    tests = [group(name, minute, series, fires)]
                    text = json.dumps({"rule_files": [str(self.rules)], "tests": tests})
                    self.tests.write_text(text)
                    checked = promtool("test", "rules", self.tests)
                    self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)
