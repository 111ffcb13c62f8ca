"""The restricted Pod Security Standard, for pods of Linux containers."""

VOLUMES = {
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "image",
    "persistentVolumeClaim",
    "projected",
    "secret",
}
SYSCTLS = {
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.ping_group_range",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.tcp_wmem",
}
SECCOMP = {"RuntimeDefault", "Localhost"}
SELINUX_TYPES = {
    None,
    "",
    "container_t",
    "container_init_t",
    "container_kvm_t",
    "container_engine_t",
}


def violations(spec):
    """What the standard forbids in a pod's `spec`, by the fields' names."""
    return [*_of_pod(spec), *(it for one in _containers(spec) for it in _of_container(spec, one))]


def _containers(spec):
    kinds = ["initContainers", "containers", "ephemeralContainers"]
    return [container for kind in kinds for container in spec.get(kind, [])]


def _of_pod(spec):
    context = spec.get("securityContext", {})
    for field in ["hostNetwork", "hostPID", "hostIPC"]:
        if spec.get(field):
            yield field
    for volume in spec.get("volumes", []):
        yield from (f"volumes.{kind}" for kind in set(volume) - {"name"} - VOLUMES)
    for sysctl in context.get("sysctls", []):
        if sysctl["name"] not in SYSCTLS:
            yield "sysctls"


def _of_container(spec, container):
    of_pod, own = spec.get("securityContext", {}), container.get("securityContext", {})
    effective = {**of_pod, **own}
    for field in ["procMount", "windowsOptions"]:
        if own.get(field) not in (None, "Default"):
            yield field
    if own.get("privileged"):
        yield "privileged"
    if own.get("allowPrivilegeEscalation") is not False:
        yield "allowPrivilegeEscalation"
    if effective.get("runAsNonRoot") is not True:
        yield "runAsNonRoot"
    if effective.get("runAsUser") == 0 or of_pod.get("runAsUser") == 0:
        yield "runAsUser"
    if effective.get("seccompProfile", {}).get("type") not in SECCOMP:
        yield "seccompProfile"
    if effective.get("appArmorProfile", {}).get("type") == "Unconfined":
        yield "appArmorProfile"
    if not _is_confined(effective.get("seLinuxOptions", {})):
        yield "seLinuxOptions"
    capabilities = own.get("capabilities", {})
    if "ALL" not in capabilities.get("drop", []):
        yield "capabilities.drop"
    if set(capabilities.get("add", [])) - {"NET_BIND_SERVICE"}:
        yield "capabilities.add"
    if any("hostPort" in port for port in container.get("ports", [])):
        yield "hostPort"
    yield from _probed_hosts(container)


def _is_confined(options):
    return options.get("type") in SELINUX_TYPES and not (options.get("user") or options.get("role"))


def _probed_hosts(container):
    hooks = container.get("lifecycle", {})
    handlers = [container.get(f"{it}Probe", {}) for it in ["startup", "liveness", "readiness"]]
    handlers += [hooks.get("postStart", {}), hooks.get("preStop", {})]
    for handler in handlers:
        if any(handler.get(kind, {}).get("host") for kind in ["httpGet", "tcpSocket"]):
            yield "host"
