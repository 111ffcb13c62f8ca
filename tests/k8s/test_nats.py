"""The NATS servers of the overlays: who may do what there, and what they survive."""

import json
import re
import socket
import ssl
import tempfile
import unittest

import nats
from manifests import K8S, README, named, render
from nats.errors import Error
from nats.js.errors import APIError
from nats_servers import CLIENT, Servers, make_certificates, passwords

RUNS = {"name": "RUNS", "subjects": ["runs.wake-up"]}


async def refuse(error):
    """Keeps the client from printing what a test expects."""


async def connect(servers, service, name="nats-0", password=None, tls=None):
    password = password or passwords()[f"{service.upper().replace('-', '_')}_PASSWORD"]
    return await nats.connect(
        servers.url(name, service, password),
        inbox_prefix=f"_INBOX.{service}".encode(),
        allow_reconnect=False,
        connect_timeout=5,
        error_cb=refuse,
        tls=tls,
    )


def receive(client):
    try:
        return client.recv(4096)
    except ConnectionResetError:
        return b""


class Dev(unittest.IsolatedAsyncioTestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        cls.servers = cls.enterClassContext(Servers("dev", cls.folder))

    async def test_only_session_service_makes_streams(self):
        worker = await connect(self.servers, "run-worker")
        with self.assertRaises((Error, TimeoutError)):
            await worker.jetstream(timeout=1).add_stream(**RUNS)
        await worker.close()

        service = await connect(self.servers, "session-service")
        made = await service.jetstream().add_stream(**RUNS)
        self.assertEqual(made.config.name, "RUNS")
        await service.close()

    async def test_nobody_gets_in_with_another_password(self):
        for service in ["session-service", "run-worker", "operator"]:
            with self.subTest(service), self.assertRaises(Error):
                await connect(self.servers, service, password="another")

    async def test_the_probes_are_answered(self):
        (container,) = named(render("dev"), "StatefulSet", "nats")["spec"]["template"]["spec"][
            "containers"
        ]
        for probe in ["startupProbe", "livenessProbe", "readinessProbe"]:
            path = container[probe]["httpGet"]["path"]
            self.assertEqual(self.servers.ask("nats-0", path)["status"], "ok")


class Prod(unittest.IsolatedAsyncioTestCase):
    @classmethod
    def setUpClass(cls):
        folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        tls = make_certificates(f"{folder}/tls")
        cls.servers = cls.enterClassContext(Servers("prod", folder, tls))
        cls.trust = ssl.create_default_context(cafile=tls / "ca.crt")

    async def test_a_stream_on_three_servers_survives_the_loss_of_one(self):
        service = await connect(self.servers, "session-service", tls=self.trust)
        made = await service.jetstream(timeout=10).add_stream(**RUNS, num_replicas=3)
        self.assertEqual(len(made.cluster.replicas), 2)
        await service.jetstream().publish("runs.wake-up", b"1")
        await service.close()

        self.servers.kill(made.cluster.leader)

        left = next(iter(self.servers.running))
        operator = await connect(self.servers, "operator", left, tls=self.trust)
        await self.until(self.has_one_message, operator)
        await operator.close()

    async def test_nobody_gets_in_without_tls(self):
        name = next(iter(self.servers.running))
        login = {"user": "run-worker", "pass": passwords()["RUN_WORKER_PASSWORD"]}

        with socket.create_connection(("127.0.0.1", self.servers.ports[name][CLIENT])) as client:
            client.settimeout(10)
            client.sendall(f"CONNECT {json.dumps(login)}\r\nPING\r\n".encode())
            heard = b""
            while piece := receive(client):
                heard += piece

        self.assertIn(b'"tls_required":true', heard)
        self.assertNotIn(b"PONG", heard)

    async def test_clients_learn_of_no_server_by_its_address(self):
        name = next(iter(self.servers.running))
        service = await connect(self.servers, "session-service", name, tls=self.trust)
        self.assertEqual(service.discovered_servers, [])
        await service.close()

    async def has_one_message(self, client):
        info = await client.jetstream(timeout=2).stream_info("RUNS")
        return info.state.messages == 1

    async def until(self, holds, *of):
        for _ in range(30):
            try:
                if await holds(*of):
                    return
            except (Error, APIError, TimeoutError):
                # Those who are left choose a new leader first.
                continue
        self.fail(f"{holds.__name__} never held")


class Contract(unittest.TestCase):
    def test_accounts_and_rights_are_those_of_the_readme(self):
        (shown,) = re.findall(r"^accounts: \{.*?^\}", README, re.M | re.S)
        ours = (K8S / "nats/accounts.conf").read_text().partition("accounts:")[2]
        passwords = re.compile(r'password: ("…"|\$\w+)')

        self.assertEqual(
            passwords.sub("", shown).split(), passwords.sub("", f"accounts:{ours}").split()
        )

    def test_keda_looks_at_the_queue_of_the_workers(self):
        (trigger,) = named(render("prod with KEDA"), "ScaledObject", "run-worker")["spec"][
            "triggers"
        ]
        queue = trigger["metadata"]
        accounts = (K8S / "nats/accounts.conf").read_text()

        asked = f"$JS.API.CONSUMER.MSG.NEXT.{queue['stream']}.{queue['consumer']}"
        self.assertIn(f'"{asked}"', accounts)
        self.assertIn(f"  {queue['account']}: {{\n    jetstream: enabled", accounts)
