"""A Prometheus that scrapes the stack every second, and promtool."""

import ctypes
import json
import os
import pathlib
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

import yaml
from files import write_rules

JOBS = json.loads(os.environ["TERTULIA_JOBS"])
PATIENCE = 60
SOON = "5s"


def get(url):
    with urllib.request.urlopen(url, timeout=10) as answer:
        return answer.read().decode()


def promtool(*arguments, **options):
    return subprocess.run(
        ["promtool", *arguments], capture_output=True, text=True, check=False, **options
    )


def eventually(what, ask):
    deadline = time.monotonic() + PATIENCE
    while not (answer := ask()):
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {PATIENCE} s")
        time.sleep(0.2)
    return answer


def die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


class Prometheus:
    """With the rules, of which no alert waits for longer than SOON."""

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory()
        path = pathlib.Path(self.folder.name)
        write_rules(path / "rules.yaml", longest_wait=SOON)
        (path / "prometheus.yaml").write_text(yaml.safe_dump(self.configuration(path)))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.url = f"http://127.0.0.1:{free.getsockname()[1]}"
        self.log = (path / "log").open("w+")
        self.process = subprocess.Popen(
            [
                "prometheus",
                f"--config.file={path / 'prometheus.yaml'}",
                f"--storage.tsdb.path={path / 'data'}",
                f"--web.listen-address={self.url.removeprefix('http://')}",
            ],
            stdout=self.log,
            stderr=subprocess.STDOUT,
            preexec_fn=die_with_parent,
        )
        try:
            eventually("Prometheus is ready", self.is_ready)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.log.close()
        self.folder.cleanup()

    @staticmethod
    def configuration(path):
        scrapes = [
            {"job_name": job, "static_configs": [{"targets": targets}]}
            for job, targets in JOBS.items()
        ]
        return {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(path / "rules.yaml")],
            "scrape_configs": scrapes,
        }

    def is_ready(self):
        if self.process.poll() is not None:
            self.log.seek(0)
            raise AssertionError(self.log.read())
        try:
            return get(f"{self.url}/-/ready")
        except OSError:
            return None

    def query(self, expression):
        """The series that an expression gives; fails if it can't be read."""
        parameters = urllib.parse.urlencode({"query": expression})
        try:
            answer = json.loads(get(f"{self.url}/api/v1/query?{parameters}"))
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{expression}: {error.read().decode()}") from error
        return answer["data"]["result"]

    def firing(self):
        """The labels of the alerts that fire."""
        answer = json.loads(get(f"{self.url}/api/v1/alerts"))
        alerts = answer["data"]["alerts"]
        return [it["labels"] for it in alerts if it["state"] == "firing"]
