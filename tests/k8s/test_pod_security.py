"""Every pod is what the restricted Pod Security Standard asks for, and somewhat more."""

import copy
import unittest

from manifests import OPERATOR, OVERLAYS, containers, every_workload, named, pod, render
from pod_security import violations

# Each breaks one rule, at a path in a pod's spec.
BREACHES = [
    ("hostNetwork", ["hostNetwork"], True),
    ("hostPID", ["hostPID"], True),
    ("hostIPC", ["hostIPC"], True),
    ("volumes.hostPath", ["volumes"], [{"name": "host", "hostPath": {"path": "/"}}]),
    ("sysctls", ["securityContext", "sysctls"], [{"name": "kernel.msgmax", "value": "1"}]),
    ("runAsNonRoot", ["securityContext", "runAsNonRoot"], False),
    ("runAsUser", ["securityContext", "runAsUser"], 0),
    ("seccompProfile", ["securityContext", "seccompProfile"], {"type": "Unconfined"}),
    ("appArmorProfile", ["securityContext", "appArmorProfile"], {"type": "Unconfined"}),
    ("seLinuxOptions", ["securityContext", "seLinuxOptions"], {"type": "spc_t"}),
    ("privileged", ["containers", 0, "securityContext", "privileged"], True),
    (
        "allowPrivilegeEscalation",
        ["containers", 0, "securityContext", "allowPrivilegeEscalation"],
        True,
    ),
    ("procMount", ["containers", 0, "securityContext", "procMount"], "Unmasked"),
    ("capabilities.drop", ["containers", 0, "securityContext", "capabilities"], {"drop": []}),
    (
        "capabilities.add",
        ["containers", 0, "securityContext", "capabilities"],
        {"drop": ["ALL"], "add": ["SYS_ADMIN"]},
    ),
    ("hostPort", ["containers", 0, "ports"], [{"containerPort": 1, "hostPort": 1}]),
    (
        "host",
        ["containers", 0, "livenessProbe"],
        {"httpGet": {"host": "169.254.169.254", "port": 80}},
    ),
]


class PodSecurity(unittest.TestCase):
    def test_no_pod_is_more_than_restricted(self):
        for where, workload, _ in every_workload():
            with self.subTest(where):
                self.assertEqual(violations(pod(workload)["spec"]), [])

    def test_the_operators_pod_is_let_in(self):
        self.assertEqual(violations(OPERATOR["spec"]), [])

    def test_the_namespace_takes_no_other_pods(self):
        for overlay in OVERLAYS:
            labels = named(render(overlay), "Namespace", "tertulia")["metadata"]["labels"]
            self.assertEqual(labels["pod-security.kubernetes.io/enforce"], "restricted")

    def test_each_rule_finds_what_breaks_it(self):
        spec = pod(named(render("dev"), "Deployment", "run-worker"))["spec"]
        for rule, path, value in BREACHES:
            with self.subTest(rule):
                broken = copy.deepcopy(spec)
                *parents, last = path
                at = broken
                for part in parents:
                    at = at[part]
                at[last] = value
                self.assertEqual(violations(broken), [rule])

    def test_no_container_can_write_to_its_image(self):
        for where, workload, _ in every_workload():
            with self.subTest(where):
                for container in containers(workload):
                    self.assertIs(container["securityContext"]["readOnlyRootFilesystem"], True)

    def test_no_pod_gets_a_token_of_the_cluster(self):
        for where, workload, _ in every_workload():
            with self.subTest(where):
                spec = pod(workload)["spec"]
                self.assertIs(spec["automountServiceAccountToken"], False)
                self.assertNotEqual(spec["serviceAccountName"], "default")

    def test_every_container_says_what_it_needs_and_what_it_may_take(self):
        for where, workload, _ in every_workload():
            with self.subTest(where):
                for container in containers(workload):
                    for bound in ["requests", "limits"]:
                        self.assertLessEqual({"cpu", "memory"}, set(container["resources"][bound]))
