"""What an object names is there: in the overlay, or among what the operator brings along."""

import unittest

from manifests import (
    K8S,
    OVERLAYS,
    containers,
    every_workload,
    label,
    of_kind,
    pod,
    render,
    workloads,
)

# The tables of what the operator brings along.
GUIDE = (K8S / "README.md").read_text().partition("## In production")[2]


def secret_references(workload):
    """The names of the Secrets that must be there, each with the keys that it must have."""
    for container in containers(workload):
        for source in container.get("envFrom", []):
            if "secretRef" in source:
                yield source["secretRef"]["name"], None
        for variable in container.get("env", []):
            key = variable.get("valueFrom", {}).get("secretKeyRef", {"optional": True})
            if not key.get("optional"):
                yield key["name"], key["key"]
    for volume in pod(workload)["spec"].get("volumes", []):
        if "secret" in volume:
            yield volume["secret"]["secretName"], None


def config_map_references(workload):
    for container in containers(workload):
        for source in container.get("envFrom", []):
            if "configMapRef" in source:
                yield source["configMapRef"]["name"]
    for volume in pod(workload)["spec"].get("volumes", []):
        if "configMap" in volume:
            yield volume["configMap"]["name"]


class References(unittest.TestCase):
    def test_dev_brings_every_secret_with_it(self):
        for where, workload, objects in every_workload():
            if not where.startswith("dev"):
                continue
            secrets = {it["metadata"]["name"]: it["data"] for it in of_kind(objects, "Secret")}
            for name, key in secret_references(workload):
                with self.subTest(where, secret=name, key=key):
                    self.assertIn(name, secrets)
                    self.assertTrue(key is None or key in secrets[name])

    def test_dev_says_of_its_secrets_that_they_are_none(self):
        for secret in of_kind(render("dev"), "Secret"):
            self.assertIn("for-development-only", secret["metadata"]["annotations"])

    def test_prod_has_no_secret_and_the_guide_names_each_that_it_needs(self):
        self.assertEqual(of_kind(render("prod"), "Secret"), [])
        for workload in workloads(render("prod")):
            for name, key in secret_references(workload):
                with self.subTest(label(workload), secret=name, key=key):
                    (row,) = [it for it in GUIDE.splitlines() if it.startswith(f"| `{name}` |")]
                    self.assertTrue(key is None or f"`{key}`" in row, row)

    def test_every_config_map_is_there_or_in_the_guide(self):
        for where, workload, objects in every_workload():
            config_maps = [it["metadata"]["name"] for it in of_kind(objects, "ConfigMap")]
            for name in config_map_references(workload):
                with self.subTest(where, config_map=name):
                    self.assertTrue(name in config_maps or f"| `{name}` |" in GUIDE)

    def test_every_service_account_is_there_and_has_no_token(self):
        for where, workload, objects in every_workload():
            with self.subTest(where):
                name = pod(workload)["spec"]["serviceAccountName"]
                (account,) = [
                    it
                    for it in of_kind(objects, "ServiceAccount")
                    if it["metadata"]["name"] == name
                ]
                self.assertIs(account["automountServiceAccountToken"], False)

    def test_every_mount_has_its_volume_and_every_volume_a_mount(self):
        for where, workload, _ in every_workload():
            with self.subTest(where):
                claims = workload["spec"].get("volumeClaimTemplates", [])
                volumes = {it["name"] for it in pod(workload)["spec"].get("volumes", [])}
                volumes |= {it["metadata"]["name"] for it in claims}
                mounts = [it for one in containers(workload) for it in one.get("volumeMounts", [])]
                self.assertEqual({it["name"] for it in mounts}, volumes)

    def test_no_two_pods_have_the_same_volume_or_the_same_port(self):
        """They can be started in one network, and by what takes volumes by their names."""
        for overlay in OVERLAYS:
            ports, volumes = [], []
            for workload in workloads(render(overlay)):
                ports += [
                    port["containerPort"]
                    for container in containers(workload)
                    for port in container.get("ports", [])
                ]
                claims = workload["spec"].get("volumeClaimTemplates", [])
                volumes += [it["metadata"]["name"] for it in claims]
                own = pod(workload)["spec"].get("volumes", [])
                volumes += [it["name"] for it in own if "emptyDir" in it]
            with self.subTest(overlay):
                self.assertEqual(len(ports), len(set(ports)), ports)
                self.assertEqual(len(volumes), len(set(volumes)), volumes)

    def test_every_probe_asks_a_port_that_is_open(self):
        for where, workload, _ in every_workload():
            for container in containers(workload):
                ports = {it["name"] for it in container.get("ports", [])}
                ports |= {it["containerPort"] for it in container.get("ports", [])}
                for probe in ["startupProbe", "livenessProbe", "readinessProbe"]:
                    for handler in container.get(probe, {}).values():
                        if isinstance(handler, dict) and "port" in handler:
                            with self.subTest(where, probe=probe):
                                self.assertIn(handler["port"], ports)

    def test_metrics_are_where_the_annotations_of_both_services_say(self):
        for overlay in OVERLAYS:
            for it in of_kind(render(overlay), "Deployment"):
                name = it["metadata"]["name"]
                annotations = pod(it)["metadata"].get("annotations", {})
                with self.subTest(overlay, pod=name):
                    collected = "prometheus.io/port" in annotations
                    self.assertEqual(collected, name != "gateway")
                    if collected:
                        ports = containers(it)[0]["ports"]
                        (admin,) = [it["containerPort"] for it in ports if it["name"] == "admin"]
                        self.assertEqual(annotations["prometheus.io/port"], str(admin))

    def test_every_service_leads_to_open_ports_of_pods(self):
        for overlay in OVERLAYS:
            for service in of_kind(render(overlay), "Service"):
                with self.subTest(overlay, service=label(service)):
                    selector = service["spec"]["selector"].items()
                    (target,) = [
                        it
                        for it in workloads(render(overlay))
                        if selector <= pod(it)["metadata"]["labels"].items()
                    ]
                    ports = [it["name"] for one in containers(target) for it in one["ports"]]
                    for port in service["spec"]["ports"]:
                        self.assertIn(port["targetPort"], ports)

    def test_every_workload_selects_its_own_pods_and_no_other(self):
        for where, workload, objects in every_workload():
            if workload["kind"] == "Job":
                continue
            with self.subTest(where):
                selector = workload["spec"]["selector"]["matchLabels"].items()
                selected = [
                    it
                    for it in workloads(objects)
                    if selector <= pod(it)["metadata"]["labels"].items()
                ]
                self.assertEqual(selected, [workload])

    def test_every_autoscaler_and_budget_is_of_a_workload(self):
        for overlay in OVERLAYS:
            objects = render(overlay)
            deployments = [it["metadata"]["name"] for it in of_kind(objects, "Deployment")]
            for it in of_kind(objects, "HorizontalPodAutoscaler", "ScaledObject"):
                self.assertIn(it["spec"]["scaleTargetRef"]["name"], deployments)
            for it in of_kind(objects, "PodDisruptionBudget"):
                selector = it["spec"]["selector"]["matchLabels"].items()
                pods = [pod(one)["metadata"]["labels"].items() for one in workloads(objects)]
                self.assertTrue(any(selector <= labels for labels in pods), label(it))

    def test_nothing_has_two_autoscalers(self):
        for overlay in OVERLAYS:
            scalers = of_kind(render(overlay), "HorizontalPodAutoscaler", "ScaledObject")
            targets = [it["spec"]["scaleTargetRef"]["name"] for it in scalers]
            self.assertEqual(len(targets), len(set(targets)), overlay)
