"""Who may talk to whom."""

import itertools
import unittest

from manifests import OPERATOR, OVERLAYS, render
from network import Network

PUBLIC, PUBLIC_6 = "203.0.113.7", "2001:db8::7"
CALLER = {"tertulia-client": "true"}
MONITORING = {"kubernetes.io/metadata.name": "monitoring"}
KEDA = {"kubernetes.io/metadata.name": "keda"}
SERVICES = ["session-service", "run-worker"]
ADMIN = {"session-service": 9090, "run-worker": 9091}
PORTS = {"session-service": 50051, "run-worker": 9091, "nats": 4222, "postgres": 5432}


class Policies(unittest.TestCase):
    def test_no_pod_is_open_to_what_no_policy_names(self):
        for overlay in OVERLAYS:
            network = Network(render(overlay))
            for name in network.pods:
                with self.subTest(overlay, pod=name):
                    # The gateway is there to be called, and goes to one place only.
                    self.assertTrue(network.is_closed(name))
                    self.assertFalse(network.lets(name, PUBLIC, 80))
                    self.assertFalse(network.lets(name, "169.254.169.254", 443))
                    self.assertEqual(network.lets_in({}, name, 8080), name == "gateway")

    def test_each_pod_of_dev_reaches_what_it_needs_and_no_other(self):
        network = Network(render("dev with the gateway"))
        needed = {(service, it) for service in SERVICES for it in ["postgres", "nats"]}
        needed |= {("migration", "postgres"), ("gateway", "session-service")}

        allowed = {
            (source, target)
            for source, target in itertools.permutations(network.pods, 2)
            if target in PORTS and network.lets(source, target, PORTS[target])
        }

        self.assertEqual(allowed, needed)

    def test_services_reach_public_model_providers_and_data_sources(self):
        network = Network(render("prod"))
        for service in SERVICES:
            for address in [PUBLIC, PUBLIC_6]:
                for port in [443, 5432]:
                    self.assertTrue(network.lets(service, address, port), (service, address, port))
            for address in ["10.0.0.1", "172.16.0.1", "192.168.0.1", "fd00::1", "fe80::1"]:
                self.assertFalse(network.lets(service, address, 443), (service, address))

    def test_postgres_of_prod_is_reached_by_all_three(self):
        network = Network(render("prod"))
        for name in [*SERVICES, "migration"]:
            self.assertTrue(network.lets(name, "192.0.2.1", 5432), name)
        self.assertFalse(network.lets("nats", "192.0.2.1", 5432))

    def test_only_callers_call_and_only_collectors_collect(self):
        network = Network(render("prod"))
        self.assertTrue(network.lets_in(CALLER, "session-service", 50051))
        self.assertFalse(network.lets_in(CALLER, "session-service", 9090))
        self.assertFalse(network.lets_in(MONITORING, "session-service", 50051))
        for service, port in ADMIN.items():
            self.assertTrue(network.lets_in(MONITORING, service, port))

    def test_services_reach_the_collector_of_traces_and_no_other_port_of_its_namespace(self):
        for overlay in OVERLAYS:
            network = Network(render(overlay))
            for name in network.pods:
                with self.subTest(overlay, pod=name):
                    self.assertEqual(network.lets_out(name, MONITORING, 4317), name in SERVICES)
                    self.assertFalse(network.lets_out(name, MONITORING, 9090))

    def test_an_operators_pod_reaches_nats_and_nothing_else(self):
        for overlay in OVERLAYS:
            objects = render(overlay)
            network = Network(objects)
            network.pods["operator"] = OPERATOR
            with self.subTest(overlay):
                there = PORTS.keys() & network.pods.keys()
                reached = {it for it in there if network.lets("operator", it, PORTS[it])}
                self.assertEqual(reached, {"nats"})
                self.assertFalse(network.lets("operator", PUBLIC, 443))

    def test_servers_of_nats_form_a_cluster_and_only_they(self):
        network = Network(render("prod"))
        self.assertTrue(network.lets("nats", "nats", 6222))
        for service in SERVICES:
            self.assertFalse(network.lets(service, "nats", 6222))
            self.assertFalse(network.lets(service, "nats", 8222))

    def test_keda_may_ask_how_long_the_queue_is_and_only_where_it_is_used(self):
        self.assertTrue(Network(render("prod with KEDA")).lets_in(KEDA, "nats", 8222))
        self.assertFalse(Network(render("prod")).lets_in(KEDA, "nats", 8222))
        self.assertFalse(Network(render("prod with KEDA")).lets_in(KEDA, "nats", 4222))
