"""The pair, started as compose.yaml says."""

import unittest

import bases
import pair
from deployment import NAME, Deployment
from podman import podman

SERVICES = ["session-service", "run-worker"]


class Compose(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.deployment = cls.enterClassContext(Deployment())
        for service in SERVICES:
            cls.deployment.start(service)
        for service in SERVICES:
            cls.deployment.wait_until_healthy(service)

    def test_a_question_is_answered(self):
        token = self.deployment.ask("token", "1")
        answer = pair.ask(self.deployment.address, token, "How many penguins are there?")
        self.assertEqual(answer, "3")

    def test_the_pair_can_write_nowhere_and_do_nothing(self):
        for service in [*SERVICES, "migration", "nats"]:
            look = "{{.HostConfig.ReadonlyRootfs}} {{.Config.User}} {{.EffectiveCaps}}"
            found = podman("inspect", f"--format={look}", f"{NAME}-{service}")
            self.assertEqual(found, "true 65532:65532 []", service)

    def test_secrets_stay_what_they_are(self):
        before = self.secrets()
        self.deployment.ask("secrets")
        self.assertEqual(self.secrets(), before)

    def secrets(self):
        volume = f"--volume={NAME}-session-service-secrets:/secrets:ro"
        return podman("run", "--rm", volume, bases.DEBIAN, "sh", "-c", "grep -r . /secrets")

    def test_the_pair_is_healthy_while_nats_answers_and_runs_on_without(self):
        self.deployment.interrupt("nats")
        for service in SERVICES:
            self.deployment.wait_until_healthy(service, healthy=False)
            self.assertTrue(self.deployment.runs(service), service)

        self.deployment.resume("nats")
        for service in SERVICES:
            self.deployment.wait_until_healthy(service)

    # The last: their names are in the order of the alphabet.
    def test_when_it_is_asked_to_the_pair_ends_by_itself(self):
        for service in SERVICES:
            self.assertEqual(self.deployment.stop(service), "0", service)
