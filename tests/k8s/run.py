"""All checks of the manifests; needs no cluster. See `cargo dev check k8s`."""

import pathlib
import sys
import unittest


def main():
    suite = unittest.defaultTestLoader.discover(str(pathlib.Path(__file__).parent))
    # The NATS client does not close what was refused.
    result = unittest.TextTestRunner(verbosity=2, warnings="ignore").run(suite)
    return result.wasSuccessful() and result.testsRun > 0


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
