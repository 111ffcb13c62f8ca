"""Envoy, as the overlays with a gateway configure it."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

import yaml
from manifests import K8S, OVERLAYS, containers, generated, named, render, workloads
from nats_servers import make_certificates

ENVOY = pathlib.Path(sys.executable).parent / "envoy"
TRUSTED = "/etc/tertulia/trust/ca-certificates.crt"


def gateways():
    """Envoy's configuration in each overlay that has one, and the overlay's objects."""
    for overlay in OVERLAYS:
        objects = render(overlay)
        if "gateway" in [it["metadata"]["name"] for it in workloads(objects)]:
            yield overlay, generated(objects, "ConfigMap", "gateway")["data"]["envoy.yaml"], objects


class Gateway(unittest.TestCase):
    def test_envoy_takes_its_configuration(self):
        with tempfile.TemporaryDirectory() as folder:
            authority = make_certificates(f"{folder}/tls") / "ca.crt"
            file = pathlib.Path(folder, "envoy.yaml")
            for overlay, text, _ in gateways():
                file.write_text(text.replace(TRUSTED, str(authority)))
                command = [ENVOY, "--mode", "validate", "--config-path", file]
                done = subprocess.run(command, capture_output=True, text=True)
                self.assertEqual(done.returncode, 0, f"{overlay}: {done.stderr}")

    def test_a_service_that_speaks_tls_is_called_by_tls_and_by_a_name_of_its_certificate(self):
        guide = (K8S / "README.md").read_text()
        (row,) = [it for it in guide.splitlines() if it.startswith("| `session-service-tls` |")]
        for overlay, text, objects in gateways():
            with self.subTest(overlay):
                (service,) = containers(named(objects, "Deployment", "session-service"))
                speaks_tls = any(it["name"] == "TLS_CERTIFICATE_FILE" for it in service["env"])
                (cluster,) = yaml.safe_load(text)["static_resources"]["clusters"]
                self.assertEqual("transport_socket" in cluster, speaks_tls)
                if speaks_tls:
                    context = cluster["transport_socket"]["typed_config"]
                    validation = context["common_tls_context"]["validation_context"]
                    (name,) = validation["match_typed_subject_alt_names"]
                    self.assertEqual(name["matcher"]["exact"], context["sni"])
                    self.assertIn(f"`{context['sni']}`", row)
                    self.assertEqual(validation["trusted_ca"]["filename"], TRUSTED)

    def test_the_roots_that_envoy_trusts_are_where_it_looks_for_them(self):
        for overlay, text, objects in gateways():
            if TRUSTED in text:
                (envoy,) = containers(named(objects, "Deployment", "gateway"))
                mounts = [it["mountPath"] for it in envoy["volumeMounts"]]
                self.assertIn(str(pathlib.Path(TRUSTED).parent), mounts, overlay)

    def test_it_listens_where_its_service_leads_and_leads_to_ours(self):
        for overlay, text, objects in gateways():
            with self.subTest(overlay):
                (envoy,) = containers(named(objects, "Deployment", "gateway"))
                (port,) = envoy["ports"]
                ports = named(objects, "Service", "session-service")["spec"]["ports"]
                (grpc,) = [it["port"] for it in ports if it["name"] == "grpc"]

                self.assertIn(f"port_value: {port['containerPort']} }}", text)
                self.assertIn(f"{{ address: session-service, port_value: {grpc} }}", text)
