"""What `kubectl apply` and a cluster make of an overlay, made of it by `podman kube play`."""

import base64
import ipaddress
import json

import yaml
from manifests import containers, generated, of_kind, render, workloads

import patience
import pods
import probes
from podman import logs, podman, succeeds

NAME = "tertulia-kube"
# What pods are made of and get.
USED = {"ConfigMap", "Deployment", "Job", "Secret", "Service", "StatefulSet"}
# For podman, there is nothing like them.
PASSED_OVER = {"Namespace", "NetworkPolicy", "PodDisruptionBudget", "ServiceAccount"}


class Cluster:
    """A pod for each workload of an overlay, which starts when it is told to."""

    def __init__(self, overlay):
        self.objects = render(overlay)
        self.workloads = {it["metadata"]["name"]: it for it in workloads(self.objects)}
        self.addresses = {}
        unknown = {it["kind"] for it in self.objects} - USED - PASSED_OVER
        if unknown:
            raise ValueError(f"nothing is done here with {unknown}")

    def __enter__(self):
        self.remove()
        podman("network", "create", "--disable-dns", NAME)
        subnet = podman("network", "inspect", "--format={{(index .Subnets 0).Subnet}}", NAME)
        # The first is the bridge's own.
        hosts = [str(it) for it in ipaddress.ip_network(subnet).hosts()][1:]
        self.addresses = dict(zip(self.workloads, hosts))
        for secret in of_kind(self.objects, "Secret"):
            # Podman can't use what it makes of one in a file.
            data = json.dumps(secret["data"])
            podman("secret", "create", secret["metadata"]["name"], "-", input=data)
        return self

    def __exit__(self, *_):
        self.remove()

    def remove(self):
        for name in self.workloads:
            rm = ["pod", "rm", "--force", "--ignore", "--time=0", f"{NAME}-{name}"]
            # Not while it is being started again.
            patience.until(lambda: succeeds(*rm), lambda: f"{name} is removed")
        for name in names(self.objects, "Secret"):
            if succeeds("secret", "inspect", name):
                podman("secret", "rm", name)
        for volume in podman("volume", "ls", "--quiet").split():
            if volume.startswith(NAME) or volume in names(self.objects, "ConfigMap"):
                podman("volume", "rm", volume)
        podman("network", "rm", "--force", NAME)

    def start(self, name):
        workload = self.workloads[name]
        if workload["spec"].get("replicas", 1) != 1:
            raise ValueError(f"{name} is to be more than one pod")
        aliases = pods.aliases(self.objects, self.addresses)
        pod = pods.of_workload(workload, f"{NAME}-{name}", aliases)
        documents = yaml.safe_dump_all([*of_kind(self.objects, "ConfigMap"), *pod])
        options = [f"--network={NAME}", f"--ip={self.addresses[name]}"]
        podman("kube", "play", *options, "-", input=documents)

    def interrupt(self, name):
        podman("stop", self.container(name))

    def resume(self, name):
        podman("start", self.container(name))

    def container(self, name):
        """As podman calls the only one of a workload."""
        (container,) = containers(self.workloads[name])
        return f"{NAME}-{name}-{container['name']}"

    def look(self, name, format):
        return podman("inspect", f"--format={format}", self.container(name))

    def answers(self, name, probe):
        (container,) = containers(self.workloads[name])
        return probes.is_answered(container, probe, self.addresses[name], self.container(name))

    def wait_until(self, name, probe, answers=True):
        patience.until(
            lambda: self.answers(name, probe) == answers,
            lambda: f"{probe} of {name}: {answers}; {logs(self.container(name))}",
        )

    def wait_until_it_says(self, name, text):
        patience.until(
            lambda: text in logs(self.container(name)),
            lambda: f"{name} says: {text}; {logs(self.container(name))}",
        )

    def wait_until_ready(self, *workloads):
        for name in workloads:
            for probe in ["startupProbe", "readinessProbe"]:
                self.wait_until(name, probe)

    def wait_until_completed(self, name):
        status = podman("wait", self.container(name), timeout=patience.SECONDS)
        if status != "0":
            raise RuntimeError(f"{name} has ended with {status}: {logs(self.container(name))}")

    def secret(self, name, key):
        return base64.b64decode(generated(self.objects, "Secret", name)["data"][key])


def names(objects, kind):
    return {it["metadata"]["name"] for it in of_kind(objects, kind)}
