"""Asks the probes of manifests as a kubelet does, from outside of the container."""

import urllib.request

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from podman import succeeds

DIRECTLY = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def is_answered(container, probe, address, name):
    """Whether a container answers one of its probes, asked once. Podman knows it by `name`."""
    timeout = container[probe].get("timeoutSeconds", 1)
    match container[probe]:
        case {"grpc": asked}:
            return is_serving(f"{address}:{asked['port']}", asked.get("service", ""), timeout)
        case {"httpGet": asked}:
            ports = {it.get("name"): it["containerPort"] for it in container["ports"]}
            port = ports.get(asked["port"], asked["port"])
            return is_fetched(f"http://{address}:{port}{asked['path']}", timeout)
        case {"exec": asked}:
            return succeeds("exec", name, *asked["command"])
    raise ValueError(f"nobody here knows how to ask {container[probe]}")


def is_serving(target, service, timeout):
    with grpc.insecure_channel(target) as channel:
        request = health_pb2.HealthCheckRequest(service=service)
        try:
            answer = health_pb2_grpc.HealthStub(channel).Check(request, timeout=timeout)
        except grpc.RpcError:
            return False
    return answer.status == health_pb2.HealthCheckResponse.SERVING


def is_fetched(url, timeout):
    try:
        with DIRECTLY.open(url, timeout=timeout) as response:
            return 200 <= response.status < 400
    except OSError:
        return False
