"""The images of ours, by their programs' names."""

import io
import re
import tarfile

from podman import WORKSPACE, build, podman

PROGRAMS = ["session-service", "run-worker", "migration"]


def image(program):
    return f"docker.io/tertulia/{program}"


def of_workspace(field):
    """What the workspace says of itself, its version for example."""
    text = (WORKSPACE / "Cargo.toml").read_text()
    return re.search(rf'^{field} = "(.*)"', text, re.MULTILINE).group(1)


def build_all():
    for program in PROGRAMS:
        build(WORKSPACE, "--build-arg", "LTO=off", "--target", program, "--tag", image(program))
        # As the manifests name it.
        podman("tag", image(program), f"{image(program)}:{of_workspace('version')}")


def files(program):
    """What is in an image."""
    container = podman("create", "--pull=never", image(program))
    try:
        archive = podman("export", container, text=False)
    finally:
        podman("rm", container)
    with tarfile.open(fileobj=io.BytesIO(archive)) as members:
        # Podman adds empty ones, to mount its own over them.
        return {it.name for it in members if it.isreg() and it.size > 0}
