"""The overlay `dev`, started from what is rendered of it."""

import errno
import pathlib
import unittest

import pair
from cluster import Cluster
from manifests import pod

SERVERS = ["postgres", "nats"]
SERVICES = ["session-service", "run-worker"]
CAPABILITIES = ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"]
STARTED = "{{.State.StartedAt}} {{.RestartCount}}"


class StartUp(unittest.TestCase):
    def test_the_pair_waits_for_its_servers_and_for_the_migration(self):
        with Cluster("dev") as cluster:
            for name in SERVICES + SERVERS:
                cluster.start(name)
            cluster.wait_until_ready(*SERVERS)
            for name in SERVICES:
                # Which comes with the migrations.
                cluster.wait_until_it_says(name, "permission denied for database")
                self.assertFalse(cluster.answers(name, "readinessProbe"), name)

            cluster.start("migration")

            cluster.wait_until_completed("migration")
            cluster.wait_until_ready(*SERVICES)
            for name in SERVICES:
                self.assertEqual(cluster.look(name, "{{.RestartCount}}"), "0", name)


class Running(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = cls.enterClassContext(Cluster("dev"))
        for name in cls.cluster.workloads:
            cls.cluster.start(name)
        cls.cluster.wait_until_ready(*SERVERS, *SERVICES)

    def test_a_question_is_answered(self):
        self.assertEqual(self.ask("1"), "3")

    def test_no_container_is_roots_or_can_write_to_its_image(self):
        for name in SERVERS + SERVICES:
            with self.subTest(name):
                process = pathlib.Path("/proc", self.cluster.look(name, "{{.State.Pid}}"))
                lines = (process / "status").read_text().splitlines()
                status = {key: value.split() for key, value in (it.split(":", 1) for it in lines)}
                user = pod(self.cluster.workloads[name])["spec"]["securityContext"]["runAsUser"]
                self.assertEqual(set(status["Uid"]), {str(user)})
                self.assertNotEqual(user, 0)
                self.assertEqual(set(int(status[it][0], 16) for it in CAPABILITIES), {0})
                self.assertEqual(status["NoNewPrivs"], ["1"])
                with self.assertRaises(OSError) as refusal:
                    (process / "root/written").touch()
                self.assertEqual(refusal.exception.errno, errno.EROFS)

    def test_without_nats_none_is_ready_and_none_is_restarted(self):
        before = [self.cluster.look(name, STARTED) for name in SERVICES]

        self.cluster.interrupt("nats")
        for name in SERVICES:
            self.cluster.wait_until(name, "readinessProbe", answers=False)
            self.assertTrue(self.cluster.answers(name, "livenessProbe"), name)
        self.cluster.resume("nats")
        for name in SERVICES:
            self.cluster.wait_until(name, "readinessProbe")

        self.assertEqual([self.cluster.look(name, STARTED) for name in SERVICES], before)
        self.assertEqual(self.ask("2"), "3")

    def ask(self, user):
        token = pair.token(self.cluster.secret("session-service", "JWT_SECRET"), user)
        address = self.cluster.addresses["session-service"]
        return pair.ask(address, token, "How many penguins are there?")
