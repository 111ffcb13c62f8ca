"""Starts what compose.yaml says, with podman: what it does not understand there it refuses."""

import yaml

import patience
from podman import WORKSPACE, logs, podman, succeeds

NAME = "tertulia-check"
# Of no account here: images are built before, nothing is restarted behind a check's back, and
# all containers share one network, in which every port can be reached.
PASSED_OVER = {
    "build",
    "depends_on",
    "healthcheck",
    "ports",
    "profiles",
    "restart",
    "stop_grace_period",
}


class Deployment:
    def __init__(self):
        spec = yaml.safe_load((WORKSPACE / "compose.yaml").read_text())
        self.services = spec["services"]
        self.volumes = spec["volumes"]
        self.started = set()
        self.address = None

    def __enter__(self):
        self.remove()
        hosts = [f"--add-host={service}:127.0.0.1" for service in self.services]
        image = self.services["postgres"]["image"]
        options = ["--detach", "--pull=never", f"--name={NAME}", "--entrypoint=sleep", *hosts]
        podman("run", *options, image, "infinity")
        self.address = podman("inspect", "--format={{.NetworkSettings.IPAddress}}", NAME)
        return self

    def __exit__(self, *_):
        self.remove()

    def remove(self):
        # The one whose network the others share at the end.
        for names in [[f"{NAME}-{service}" for service in self.services], [NAME]]:
            podman("rm", "--force", "--ignore", "--time=0", *names)
        for volume in self.volumes:
            if succeeds("volume", "exists", f"{NAME}-{volume}"):
                podman("volume", "rm", f"{NAME}-{volume}")

    def start(self, service):
        """Starts a service after those that it depends on, as it says that it depends on them."""
        if service in self.started:
            return
        for other, needed in self.services[service].get("depends_on", {}).items():
            self.start(other)
            match needed["condition"]:
                case "service_healthy":
                    self.wait_until_healthy(other)
                case "service_completed_successfully":
                    self.wait_until_completed(other)
        podman("run", "--detach", f"--name={NAME}-{service}", *self.arguments(service))
        self.started.add(service)

    def ask(self, service, *arguments):
        """What a service prints that ends by itself."""
        return podman("run", "--rm", *self.arguments(service), *arguments)

    def wait_until_healthy(self, service, healthy=True):
        patience.until(
            lambda: self.is_healthy(service) == healthy,
            lambda: f"{service} is healthy: {healthy}; {logs(f'{NAME}-{service}')}",
        )

    def is_healthy(self, service):
        kind, *command = self.services[service]["healthcheck"]["test"]
        if kind != "CMD":
            raise ValueError(f"{service}: a health check without a shell begins with CMD")
        return succeeds("exec", f"{NAME}-{service}", *command)

    def wait_until_completed(self, service):
        status = podman("wait", f"{NAME}-{service}", timeout=patience.SECONDS)
        if status != "0":
            raise RuntimeError(f"{service} has ended with {status}: {logs(f'{NAME}-{service}')}")

    def runs(self, service):
        return podman("inspect", "--format={{.State.Running}}", f"{NAME}-{service}") == "true"

    def interrupt(self, service):
        podman("stop", f"{NAME}-{service}")

    def resume(self, service):
        podman("start", f"{NAME}-{service}")

    def stop(self, service):
        """Asks it to end, and returns its status; 137 if it had to be killed."""
        grace = self.services[service]["stop_grace_period"].removesuffix("s")
        podman("stop", f"--time={grace}", f"{NAME}-{service}")
        return podman("wait", f"{NAME}-{service}")

    def arguments(self, service):
        """For `podman run`: options, the image, and what it is started with."""
        spec = dict(self.services[service])
        network = spec.pop("network_mode", f"container:{NAME}")
        options = ["--pull=never", f"--network={network}"]
        image, command = spec.pop("image"), spec.pop("command", [])
        for key, value in spec.items():
            options += option(key, value)
        entrypoint = spec.get("entrypoint", [])[1:]
        return [*options, image, *entrypoint, *command]


def option(key, value):
    match key:
        case "entrypoint":
            return [f"--entrypoint={value[0]}"]
        case "environment":
            return [f"--env={name}={text}" for name, text in value.items()]
        case "read_only":
            # By itself podman would mount a writable /tmp, which others don't.
            return [f"--read-only={str(value).lower()}", "--read-only-tmpfs=false"]
        case "cap_add" | "cap_drop" | "security_opt":
            flag = key.replace("_", "-")
            return [f"--{flag}={it.removesuffix(':true')}" for it in value]
        case "shm_size" | "user":
            return [f"--{key.replace('_', '-')}={value}"]
        case "volumes":
            return [f"--volume={mount(it)}" for it in value]
        case _ if key in PASSED_OVER:
            return []
    raise ValueError(f"{key} in compose.yaml means nothing here")


def mount(text):
    source, rest = text.split(":", 1)
    source = WORKSPACE / source if source.startswith(".") else f"{NAME}-{source}"
    return f"{source}:{rest}"
