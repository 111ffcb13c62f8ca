"""Podman and buildah, as the checks use them."""

import os
import pathlib
import subprocess

FOLDER = pathlib.Path(__file__).resolve().parent
WORKSPACE = FOLDER.parents[1]
ENVIRONMENT = os.environ | {"CONTAINERS_CONF": str(FOLDER / "containers.conf")}
# What holds a pod's network gets none of the default limits, but some that it takes a right to
# raise; a hook has it start with ours.
PODMAN = ["podman", f"--hooks-dir={FOLDER / 'hooks'}"]


def podman(*arguments, text=True, **options):
    """What it printed; fails with what it complained of."""
    command = [*PODMAN, *map(str, arguments)]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=text, **options)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} ({done.returncode}): {done.stderr}")
    return done.stdout.strip() if text else done.stdout


def succeeds(*arguments):
    command = [*PODMAN, *map(str, arguments)]
    return subprocess.run(command, env=ENVIRONMENT, capture_output=True).returncode == 0


def logs(container):
    """The last that it said."""
    command = [*PODMAN, "logs", "--tail=20", container]
    kinds = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    return subprocess.run(command, env=ENVIRONMENT, text=True, **kinds).stdout


def build(context, *arguments):
    """Builds an image with the names of images that are here; no registry is asked."""
    # What is half built goes, whatever ends it.
    options = ["--isolation=chroot", "--pull-never", "--layers", "--force-rm"]
    command = ["buildah", "bud", *options, *map(str, arguments), str(context)]
    subprocess.run(command, env=ENVIRONMENT, check=True)
