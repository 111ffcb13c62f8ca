"""The images that ours are built from and run beside, under their public names, made on this
machine: a checked build asks no registry."""

import pathlib
import re
import shutil
import subprocess
import tempfile

from podman import FOLDER, WORKSPACE, build, podman, succeeds

DEBIAN = "docker.io/library/debian:bookworm-slim"
MIRROR = "http://deb.debian.org/debian"
# With what the stand-ins need: the real images have it, or something like it.
PACKAGES = "ca-certificates,openssl,wget"
AUTHORITIES = pathlib.Path("etc/ssl/certs/ca-certificates.crt")


def make(servers):
    """Makes those that are not here yet. `servers` is where the tests' servers are."""
    text = (WORKSPACE / "Dockerfile").read_text()
    rust = re.search(r"^ARG RUST=(\S+)$", text, re.MULTILINE).group(1)
    sysroot = subprocess.check_output(["rustc", "--print", "sysroot"], text=True).strip()
    if not succeeds("image", "exists", DEBIAN):
        debian()
    for name, file, context in [
        (f"docker.io/library/rust:{rust}-slim-bookworm", "rust", sysroot),
        ("docker.io/library/nats:2.15-alpine", "nats", servers),
        ("docker.io/pgvector/pgvector:pg17", "postgres", servers),
    ]:
        if not succeeds("image", "exists", name):
            file = FOLDER / f"{file}.Dockerfile"
            build(context, "--tag", name, "--file", file, "--build-context", f"entrypoint={FOLDER}")


def debian():
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        root = pathlib.Path(folder) / "root"
        options = ["--variant=minbase", f"--include={PACKAGES}"]
        subprocess.run(["debootstrap", *options, "bookworm", root, MIRROR], check=True)
        # Whom this machine trusts: it may reach registries through a proxy of its own.
        shutil.copy(pathlib.Path("/") / AUTHORITIES, root / AUTHORITIES)
        archive = subprocess.Popen(
            ["tar", "-C", root, "--exclude=./var/cache/apt/*", "-c", "."], stdout=subprocess.PIPE
        )
        podman("import", "-", DEBIAN, stdin=archive.stdout)
        if archive.wait() != 0:
            raise RuntimeError("the files of Debian could not be packed")
