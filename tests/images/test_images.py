"""What is in an image, and as whom it runs."""

import json
import sys
import unittest

from images import PROGRAMS, files, image, of_workspace
from podman import podman

MAX_BYTES = 64_000_000
# What is in an image besides its program, its libraries and the folders that they are in.
OTHERS = {"etc/ssl/certs/ca-certificates.crt"}


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

    def test_an_image_says_what_it_is(self):
        for program in PROGRAMS:
            labels = json.loads(
                podman("image", "inspect", "--format={{json .Labels}}", image(program))
            )
            said = {key.rpartition(".")[2]: value for key, value in labels.items()}
            self.assertEqual(said["title"], program)
            self.assertEqual(said["version"], of_workspace("version"))
            self.assertEqual(said["licenses"], of_workspace("license"))
