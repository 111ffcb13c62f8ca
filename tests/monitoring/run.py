"""All checks of what operators see, against the stack that the environment names.

See `cargo dev check monitoring`.
"""

import pathlib
import sys
import unittest


def main():
    suite = unittest.defaultTestLoader.discover(str(pathlib.Path(__file__).parent))
    result = unittest.TextTestRunner(verbosity=2).run(suite)
    return result.wasSuccessful() and result.testsRun > 0


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
