"""Pods of rendered manifests, as `podman kube play` takes them. What a pod says stays as it is
rendered; changed is what a cluster would change, and what podman 4.3 takes for something else:

- containers' probes are left out: podman would have them asked by a curl in the container, and
  `probes` asks them as a kubelet would;
- containers' ports are left out: podman would open each of them on this machine, where something
  else may have it;
- a StatefulSet's claims become volumes, and pods get the addresses that Services stand for.

Podman passes over where pods are placed, their service accounts, hooks and groups of files: a new
volume belongs to the first user of it.
"""

import copy

from manifests import of_kind, pod, workloads

PROBES = ["startupProbe", "livenessProbe", "readinessProbe"]


def of_workload(workload, name, aliases):
    """A pod called `name`, and the claims that a StatefulSet makes for it."""
    template = copy.deepcopy(pod(workload))
    spec = template["spec"]
    claims = [claim(name, it) for it in workload["spec"].get("volumeClaimTemplates", [])]
    spec["volumes"] = [*spec.get("volumes", []), *(volume for _, volume in claims)]
    for container in spec["containers"]:
        for field in [*PROBES, "ports"]:
            container.pop(field, None)
    spec["hostAliases"] = aliases
    labels = template["metadata"]["labels"]
    it = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": labels}}
    return [*(it for it, _ in claims), it | {"spec": spec}]


def claim(pod_name, template):
    """A claim that a StatefulSet makes for a pod, and the volume that it is for the pod."""
    name = template["metadata"]["name"]
    source = {"claimName": f"{pod_name}-{name}"}
    metadata = {"name": source["claimName"]}
    made = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata}
    return made | {"spec": template["spec"]}, {"name": name, "persistentVolumeClaim": source}


def aliases(objects, addresses):
    """What the names of Services stand for, given the addresses of the workloads' pods."""
    found = []
    for service in of_kind(objects, "Service"):
        selector = service["spec"]["selector"].items()
        for workload in workloads(objects):
            if selector <= pod(workload)["metadata"]["labels"].items():
                address = addresses[workload["metadata"]["name"]]
                found.append({"ip": address, "hostnames": [service["metadata"]["name"]]})
    return found
