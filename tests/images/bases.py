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


def of_ours():
    """Makes those that ours are built from, once."""
    text = (WORKSPACE / "Dockerfile").read_text()
    rust = re.search(r"^ARG RUST=(\S+)$", text, re.MULTILINE).group(1)
    sysroot = subprocess.check_output(["rustc", "--print", "sysroot"], text=True).strip()
    if not succeeds("image", "exists", DEBIAN):
        debian()
    name = f"docker.io/library/rust:{rust}-slim-bookworm"
    if not succeeds("image", "exists", name):
        stand_in(name, "rust", sysroot)


def of_servers(servers):
    """Makes those that ours run beside, as this folder has them now. `servers` is where the tests'
    servers are."""
    stand_in("docker.io/library/nats:2.15-alpine", "nats", servers, "--target=alpine")
    stand_in("docker.io/library/nats:2.15.1", "nats", servers)
    stand_in("docker.io/pgvector/pgvector:pg17", "postgres", servers)


def stand_in(name, file, context, *options):
    file = FOLDER / f"{file}.Dockerfile"
    entrypoint = f"--build-context=entrypoint={FOLDER}"
    build(context, "--tag", name, "--file", file, entrypoint, *options)


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
