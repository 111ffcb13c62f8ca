"""What the services are told, held to the README's table of variables and to their bounds."""

import base64
import itertools
import re
import unittest
import urllib.parse

from manifests import (
    README,
    WORKSPACE,
    containers,
    every_workload,
    generated,
    named,
    of_kind,
    pod,
    render,
)

OURS = ["session-service", "run-worker", "migration"]
# Read by the library that finds the system's root certificates.
OF_LIBRARIES = {"SSL_CERT_FILE"}
GIB = 1024**3


def table():
    """The services that read each variable, and its default, from the README."""
    rows = re.findall(r"^\| (`[A-Z_`, ]+`) \| ([^|]+) \| ([^|]+) \|", README, re.M)
    for names, of, default in rows:
        services = of.replace("both", "session-service, run-worker").strip().split(", ")
        names, defaults = re.findall(r"\w+", names), default.strip(" `").split(", ")
        # One default stands for all.
        for name, value in itertools.zip_longest(names, defaults, fillvalue=defaults[-1]):
            yield name, (services, value)


TABLE = dict(table())


def variables(workload, objects):
    """Those that the only container gets, as far as their values are known here."""
    (container,) = containers(workload)
    found = {}
    for source in container.get("envFrom", []):
        if "configMapRef" in source:
            found |= named(objects, "ConfigMap", source["configMapRef"]["name"])["data"]
    return found | {it["name"]: it.get("value") for it in container.get("env", [])}


def ours():
    for where, workload, objects in every_workload():
        if workload["metadata"]["name"] in OURS:
            yield where, workload, objects


def dev_secret(name):
    data = generated(render("dev"), "Secret", name)["data"]
    return {key: base64.b64decode(value).decode() for key, value in data.items()}


class Configuration(unittest.TestCase):
    def test_every_variable_is_one_that_the_service_reads(self):
        for where, workload, objects in ours():
            for name in variables(workload, objects):
                if name in OF_LIBRARIES:
                    continue
                with self.subTest(where, variable=name):
                    self.assertIn(workload["metadata"]["name"], TABLE[name][0])

    def test_every_variable_that_is_required_is_set(self):
        required = [
            (name, of)
            for name, (of, default) in TABLE.items()
            if default == "required" and not name.endswith("_FILE")
        ]
        self.assertIn("DATABASE_URL", dict(required))
        for where, workload, objects in ours():
            for name, services in required:
                if workload["metadata"]["name"] in services:
                    with self.subTest(where, variable=name):
                        given = variables(workload, objects)
                        self.assertTrue(name in given or f"{name}_FILE" in given)

    def test_every_server_of_nats_has_every_stream(self):
        for where, workload, objects in ours():
            if workload["metadata"]["name"] == "session-service":
                with self.subTest(where):
                    servers = named(objects, "StatefulSet", "nats")["spec"]["replicas"]
                    replicas = variables(workload, objects).get("NATS_STREAM_REPLICAS", "1")
                    self.assertEqual(int(replicas), servers)

    def test_a_pod_is_killed_only_after_it_had_its_time_to_drain(self):
        for where, workload, objects in ours():
            if workload["kind"] == "Job":
                continue
            with self.subTest(where):
                hook = containers(workload)[0].get("lifecycle", {}).get("preStop")
                waits = hook["sleep"]["seconds"] if hook else 0
                drains = int(variables(workload, objects)["DRAIN_SECONDS"])
                grace = pod(workload)["spec"]["terminationGracePeriodSeconds"]
                self.assertGreaterEqual(grace, waits + drains + 10)

    def test_session_service_has_as_long_to_start_as_the_migration_has(self):
        for where, workload, objects in ours():
            if workload["metadata"]["name"] == "session-service":
                with self.subTest(where):
                    probe = containers(workload)[0]["startupProbe"]
                    job = named(objects, "Job", "migration")["spec"]
                    seconds = probe["periodSeconds"] * probe["failureThreshold"]
                    self.assertGreaterEqual(seconds, job["activeDeadlineSeconds"])

    def test_all_imports_at_once_have_room(self):
        imports = int(TABLE["MAX_CONCURRENT_IMPORTS"][1]) * int(TABLE["MAX_IMPORT_BYTES"][1])
        service = named(render("prod"), "Deployment", "session-service")
        (tmp,) = [it for it in pod(service)["spec"]["volumes"] if it["name"].endswith("-tmp")]
        room = int(tmp["emptyDir"]["sizeLimit"].removesuffix("Gi")) * GIB
        limit = containers(service)[0]["resources"]["limits"]["ephemeral-storage"]

        self.assertGreater(room, imports)
        self.assertGreater(int(limit.removesuffix("Gi")) * GIB, room)

    def test_all_instances_of_dev_find_connections_to_postgres(self):
        (postgres,) = containers(named(render("dev"), "StatefulSet", "postgres"))
        (most,) = re.findall(r"max_connections=(\d+)", " ".join(postgres["args"]))
        each = int(TABLE["DATABASE_MAX_CONNECTIONS"][1])
        instances = sum(it["spec"]["replicas"] for it in of_kind(render("dev"), "Deployment"))

        # As many again for data sets, and one of each during a rolling update.
        self.assertGreaterEqual(int(most), 2 * each * (instances + 2))

    def test_a_service_that_speaks_tls_is_not_asked_by_grpc(self):
        for where, workload, objects in ours():
            if "TLS_CERTIFICATE_FILE" in variables(workload, objects):
                with self.subTest(where):
                    probes = ["startupProbe", "livenessProbe", "readinessProbe"]
                    for probe in probes:
                        self.assertNotIn("grpc", containers(workload)[0][probe])

    def test_no_deployment_that_is_scaled_says_how_many_there_are(self):
        scaled = of_kind(render("prod"), "HorizontalPodAutoscaler")
        self.assertEqual(len(scaled), 2)
        for it in scaled:
            name = it["spec"]["scaleTargetRef"]["name"]
            self.assertNotIn("replicas", named(render("prod"), "Deployment", name)["spec"])

    def test_all_images_of_ours_are_of_this_version(self):
        (version,) = re.findall(r'^version = "(.*)"', (WORKSPACE / "Cargo.toml").read_text(), re.M)
        for where, workload, _ in ours():
            with self.subTest(where):
                (container,) = containers(workload)
                image = f"tertulia/{workload['metadata']['name']}:{version}"
                self.assertEqual(container["image"], image)

    def test_the_logins_of_dev_are_those_of_its_servers(self):
        postgres = dev_secret("postgres")
        logins = {
            "tertulia_owner": postgres["OWNER_PASSWORD"],
            "tertulia": postgres["SERVICE_PASSWORD"],
            "tertulia_datasets": postgres["DATASETS_PASSWORD"],
            "tertulia_datasets_visitor": postgres["VISITOR_PASSWORD"],
            "session-service": dev_secret("nats")["SESSION_SERVICE_PASSWORD"],
            "run-worker": dev_secret("nats")["RUN_WORKER_PASSWORD"],
        }
        for name in OURS:
            urls = [it for it in dev_secret(name).items() if it[0].endswith("_URL")]
            self.assertTrue(urls)
            for variable, url in urls:
                with self.subTest(name, variable=variable):
                    parts = urllib.parse.urlsplit(url)
                    self.assertEqual(parts.password, logins[parts.username])
                    named(render("dev"), "Service", parts.hostname)

    def test_the_keys_of_dev_are_long_enough(self):
        _, key = dev_secret("sealing-keys")["SEALING_KEYS"].split(":")
        self.assertEqual(len(base64.b64decode(key)), 32)
        self.assertGreaterEqual(len(dev_secret("session-service")["JWT_SECRET"]), 32)
