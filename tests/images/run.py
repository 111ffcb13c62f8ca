"""Builds the images as users do, and starts them as compose.yaml says; see `cargo dev check`."""

import io
import os
import sys
import tarfile
import unittest

import bases
import pair
from deployment import NAME, Deployment
from podman import WORKSPACE, build, podman

PROGRAMS = ["session-service", "run-worker", "migration"]
MAX_BYTES = 64_000_000
# What is in an image besides its program, its libraries and the folders that they are in.
OTHERS = {"etc/ssl/certs/ca-certificates.crt"}


def image(program):
    return f"docker.io/tertulia/{program}"


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


class Images(unittest.TestCase):
    def test_an_image_has_its_program_and_libraries_and_no_shell(self):
        for program in PROGRAMS:
            found = {it for it in files(program) if not it.startswith(("lib/", "lib64/"))}
            self.assertEqual(found, {program} | OTHERS)

    def test_an_image_is_small(self):
        for program in PROGRAMS:
            size = int(podman("image", "inspect", "--format={{.Size}}", image(program)))
            print(f"{program}: {size / 1e6:.1f} MB", file=sys.stderr)
            self.assertLess(size, MAX_BYTES, program)

    def test_an_image_runs_as_nobody(self):
        for program in PROGRAMS:
            user = podman("image", "inspect", "--format={{.User}}", image(program))
            self.assertEqual(user, "65532:65532", program)


class Compose(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.deployment = cls.enterClassContext(Deployment())
        for service in ["session-service", "run-worker"]:
            cls.deployment.start(service)

    def test_a_question_is_answered(self):
        token = self.deployment.ask("token", "1")
        answer = pair.ask(self.deployment.address, token, "How many penguins are there?")
        self.assertEqual(answer, "3")

    def test_the_pair_can_write_nowhere_and_do_nothing(self):
        for service in ["session-service", "run-worker", "migration", "nats"]:
            look = "{{.HostConfig.ReadonlyRootfs}} {{.Config.User}} {{.EffectiveCaps}}"
            found = podman("inspect", f"--format={look}", f"{NAME}-{service}")
            self.assertEqual(found, "true 65532:65532 []", service)

    def test_secrets_stay_what_they_are(self):
        before = self.secrets()
        self.deployment.ask("secrets")
        self.assertEqual(self.secrets(), before)

    def secrets(self):
        volume = f"--volume={NAME}-session-service-secrets:/secrets:ro"
        return podman("run", "--rm", volume, bases.DEBIAN, "sh", "-c", "grep -r . /secrets")

    # The last: their names are in the order of the alphabet.
    def test_when_it_is_asked_to_the_pair_ends_by_itself(self):
        for service in ["session-service", "run-worker"]:
            self.assertEqual(self.deployment.stop(service), "0", service)


def main():
    bases.make(os.environ["TERTULIA_SERVERS"])
    for program in PROGRAMS:
        build(WORKSPACE, "--target", program, "--tag", image(program))
    pair.stubs()
    tests = unittest.defaultTestLoader.loadTestsFromModule(sys.modules[__name__])
    return unittest.TextTestRunner(verbosity=2).run(tests).wasSuccessful()


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
