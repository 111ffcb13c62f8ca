"""Every object is one of the current Kubernetes release, without a field that it does not know."""

import copy
import unittest

import kubernetes_validate
from cloudcoil.models.keda.v1alpha1 import ScaledObject
from manifests import OPERATOR, OVERLAYS, label, named, render

RELEASE = kubernetes_validate.latest_version()
# Not of Kubernetes itself: models made from their definitions.
MODELS = {"keda.sh/v1alpha1/ScaledObject": ScaledObject}
# Of Prometheus' operator, for whose kinds there are none here. `cargo dev check monitoring` has
# Prometheus read the rules.
UNCHECKED = {"monitoring.coreos.com/v1/PodMonitor", "monitoring.coreos.com/v1/PrometheusRule"}


def check(it):
    kind = f"{it['apiVersion']}/{it['kind']}"
    if kind in UNCHECKED:
        return
    model = MODELS.get(kind)
    if model is None:
        kubernetes_validate.validate(it, RELEASE, strict=True)
    else:
        model.model_validate(it, extra="forbid")


class Schemas(unittest.TestCase):
    def test_every_object_of_every_overlay_is_valid(self):
        for overlay in OVERLAYS:
            for it in render(overlay):
                with self.subTest(overlay, object=label(it)):
                    check(it)

    def test_the_operators_pod_is_valid(self):
        check(OPERATOR)

    def test_a_field_that_is_not_known_is_refused(self):
        for kind, name in [("Deployment", "session-service"), ("ScaledObject", "run-worker")]:
            it = copy.deepcopy(named(render("prod with KEDA"), kind, name))
            it["spec"]["replica"] = 1
            with self.subTest(kind), self.assertRaises(Exception) as refusal:
                check(it)
            self.assertIn("replica", str(refusal.exception))

    def test_a_value_of_another_type_is_refused(self):
        it = copy.deepcopy(named(render("prod"), "Deployment", "session-service"))
        it["spec"]["revisionHistoryLimit"] = "five"

        with self.assertRaises(kubernetes_validate.ValidationError):
            check(it)

    def test_no_object_is_there_twice(self):
        for overlay in OVERLAYS:
            objects = [label(it) for it in render(overlay)]
            self.assertEqual(len(objects), len(set(objects)), overlay)
