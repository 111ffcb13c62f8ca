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
ASKED = "tertulia_queue_sampled_timestamp_seconds"
WAIT = "tertulia_runs_oldest_wait_seconds"

# Each value is written out: promtool repeats no NaN.
UNKNOWN = " ".join(["NaN"] * 100)
UP = "tertulia_dependency_up"
FAILED_SWEEPS = "tertulia_sweep_failures_total"
DELETION = "tertulia_user_data_deletions_oldest_seconds"
LETTERS = 'tertulia_stream_messages{stream="RUN_DEAD_LETTERS"'
CIRCUIT = "tertulia_model_circuit_open"

# A dependency that no instance reaches, and one that one does not: it is NaN before a start.
AWAY = {
    'job="run-worker",instance="a"': "0x20",
    'job="run-worker",instance="b"': "0x20",
    'job="run-worker",instance="c"': UNKNOWN,
    'job="session-service",instance="s"': "1x20",
}
ONE_AWAY = {
    'job="run-worker",instance="a"': "0x20",
    'job="run-worker",instance="b"': "1x20",
    'job="session-service",instance="s"': UNKNOWN,
}

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
        {f'{UP}{{dependency="nats",{of}}}': values for of, values in AWAY.items()},
        {f'{UP}{{dependency="nats",{of}}}': values for of, values in ONE_AWAY.items()},
    ),
    (
        "TertuliaDatabaseAway",
        3,
        {f'{UP}{{dependency="database",{of}}}': values for of, values in AWAY.items()},
        {f'{UP}{{dependency="database",{of}}}': values for of, values in ONE_AWAY.items()},
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
        {
            f'{WAIT}{{state="claimable",instance="a"}}': "0+60x20",
            f'{WAIT}{{state="claimable",instance="b"}}': f"0 60 {UNKNOWN}",
            "tertulia_attempts_in_flight": "4x20",
        },
        {
            f'{WAIT}{{state="queued"}}': "0+60x20",
            f'{WAIT}{{state="claimable",instance="a"}}': f"0 60 {UNKNOWN}",
            f'{WAIT}{{state="claimable",instance="b"}}': "0x20",
            "tertulia_attempts_in_flight": "4x20",
        },
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
        {f'{ASKED}{{instance="a"}}': "10x20", f'{ASKED}{{instance="b"}}': "0x20"},
        {f'{ASKED}{{instance="a"}}': "0+60x20", f'{ASKED}{{instance="b"}}': "10x20"},
    ),
    (
        "TertuliaQueueUnknown",
        5,
        {f'{ASKED}{{instance="a"}}': "10x20"},
        # Not one has started yet, the clock being what it is.
        {f'{ASKED}{{instance="a"}}': "0x20"},
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
        {LETTERS + ',instance="a"}': "3 3 4 4x20", LETTERS + ',instance="b"}': UNKNOWN},
        {LETTERS + ',instance="a"}': "NaN NaN 3x20", LETTERS + ',instance="b"}': "3 NaN 3 0x20"},
    ),
    (
        "TertuliaSweepStalled",
        5,
        {f'{SWEPT}{{sweep="runs",instance="a"}}': "10x20", f'{SWEPT}{{sweep="runs",instance="b"}}': "0x20"},
        {
            f'{SWEPT}{{sweep="runs",instance="a"}}': "10x20",
            f'{SWEPT}{{sweep="runs",instance="b"}}': "0+60x20",
            f'{SWEPT}{{sweep="overdue_runs"}}': "0x20",
            f'{SWEPT}{{sweep="requests"}}': "10x20",
        },
    ),
    (
        "TertuliaSweepStalled",
        130,
        {f'{SWEPT}{{sweep="requests"}}': f"10x{ALWAYS}"},
        {f'{SWEPT}{{sweep="requests"}}': f"0x{ALWAYS}", f'{SWEPT}{{sweep="retention"}}': f"10x{ALWAYS}"},
    ),
    (
        "TertuliaSweepFails",
        30,
        {f'{FAILED_SWEEPS}{{sweep="user_data"}}': "0+1x40"},
        {f'{FAILED_SWEEPS}{{sweep="user_data"}}': "0 1 2 3 4 5 6 7 8 8x40"},
    ),
    (
        "TertuliaUserDataNotDeleted",
        70,
        {f'{DELETION}{{instance="a"}}': "0+60x90", f'{DELETION}{{instance="b"}}': UNKNOWN},
        {f'{DELETION}{{instance="a"}}': "0+40x90", f'{DELETION}{{instance="b"}}': f"0+60x50 {UNKNOWN}"},
    ),
    (
        "TertuliaModelCircuitOpen",
        5,
        {
            f'{CIRCUIT}{{provider="a",instance="w"}}': "1x20",
            f'{MODEL}{{provider="a",instance="w",outcome="unreachable"}}': "0+1x20",
        },
        {
            f'{CIRCUIT}{{provider="a",instance="w"}}': "1x20",
            f'{MODEL}{{provider="a",instance="w",outcome="unreachable"}}': "5x20",
            f'{MODEL}{{provider="a",instance="x",outcome="unreachable"}}': "0+1x20",
            f'{CIRCUIT}{{provider="a",instance="x"}}': "1 0x20",
        },
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
        self.assertEqual(list(dict.fromkeys(name for name, *_ in CASES)), list(alerts()))

    def test_each_alert_fires_when_it_should_and_not_otherwise(self):
        for name, minute, wrong, right in CASES:
            for series, fires in [(wrong, True), (right, False)]:
                with self.subTest(name, fires=fires):
                    tests = [group(name, minute, series, fires)]
                    text = json.dumps({"rule_files": [str(self.rules)], "tests": tests})
                    self.tests.write_text(text)
                    checked = promtool("test", "rules", self.tests)
                    self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)
