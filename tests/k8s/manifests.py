"""What `kubectl apply --kustomize` would send for each overlay."""

import functools
import os
import pathlib
import subprocess
import sys
import tempfile

import yaml

WORKSPACE = pathlib.Path(__file__).resolve().parents[2]
K8S = WORKSPACE / "k8s"
KUBECTL = pathlib.Path(sys.executable).parent / "kubectl"
README = (WORKSPACE / "README.md").read_text()

# Each as an operator applies it. The gateway comes beside one of the others.
OVERLAYS = {
    "dev": {"resources": ["overlays/dev"]},
    "dev with the gateway": {"resources": ["overlays/dev", "overlays/gateway"]},
    "prod": {"resources": ["overlays/prod"]},
    "prod with the gateway": {
        "resources": ["overlays/prod", "overlays/gateway"],
        "components": ["components/gateway-tls"],
    },
    "prod with KEDA": {"resources": ["overlays/prod"], "components": ["components/keda"]},
    "dev with monitoring": {"resources": ["overlays/dev"], "components": ["monitoring"]},
    "prod with everything": {
        "resources": ["overlays/prod", "overlays/gateway"],
        "components": ["components/gateway-tls", "components/keda", "monitoring"],
    },
}


@functools.cache
def render(overlay):
    """All objects of one of OVERLAYS."""
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder).resolve()
        parts = {
            kind: [os.path.relpath(K8S / path, folder) for path in paths]
            for kind, paths in OVERLAYS[overlay].items()
        }
        (folder / "kustomization.yaml").write_text(yaml.safe_dump(parts))
        return kustomize(folder)


def kustomize(folder):
    return list(yaml.safe_load_all(rendered(folder)))


def rendered(folder):
    done = subprocess.run([KUBECTL, "kustomize", folder], capture_output=True, text=True)
    if done.returncode != 0 or done.stderr:
        raise AssertionError(f"{folder}: {done.stderr}")
    return done.stdout


# What an operator applies for a while, beside an overlay.
OPERATOR = yaml.safe_load((K8S / "nats/operator.yaml").read_text())


def of_kind(objects, *kinds):
    return [it for it in objects if it["kind"] in kinds]


def named(objects, kind, name):
    (found,) = [it for it in of_kind(objects, kind) if it["metadata"]["name"] == name]
    return found


def generated(objects, kind, name):
    """What a generator made, whose name ends with a hash of its content."""
    (found,) = [
        it for it in of_kind(objects, kind) if it["metadata"]["name"].rpartition("-")[0] == name
    ]
    return found


def label(it):
    return f"{it['kind']} {it['metadata']['name']}"


def workloads(objects):
    return of_kind(objects, "Deployment", "StatefulSet", "Job")


def pod(workload):
    return workload["spec"]["template"]


def containers(workload):
    return pod(workload)["spec"]["containers"]


def every_workload():
    """Each workload of each overlay, with its name and the overlay's objects."""
    for overlay in OVERLAYS:
        objects = render(overlay)
        for workload in workloads(objects):
            yield f"{overlay}: {label(workload)}", workload, objects
