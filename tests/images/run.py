"""Builds the images as users do, and starts them as compose.yaml and the manifests say; see
`cargo dev check`."""

import os
import pathlib
import sys
import unittest

import bases
import build
import pair


def main():
    build.main()
    bases.of_servers(os.environ["TERTULIA_SERVERS"])
    pair.stubs()
    suite = unittest.defaultTestLoader.discover(str(pathlib.Path(__file__).parent))
    result = unittest.TextTestRunner(verbosity=2).run(suite)
    return result.wasSuccessful() and result.testsRun > 0


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
