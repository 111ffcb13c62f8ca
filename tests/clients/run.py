"""All checks of clients, against the stack that the environment names; see `cargo dev check`."""

import sys
import unittest

import stack

stack.generate_stubs()

import documents
import table

FOLDER = stack.WORKSPACE / "tests/clients"


def main():
    # First: the documents show the ids of a fresh stack.
    wrong = [
        *documents.failures("README.md"),
        *documents.failures("docs/cookbook.md"),
        *table.failures("README.md"),
    ]
    suite = unittest.defaultTestLoader.discover(str(FOLDER))
    result = unittest.TextTestRunner(verbosity=2).run(suite)
    # At the end, where they are seen.
    print(*wrong, sep="\n", file=sys.stderr)
    return not wrong and result.wasSuccessful() and result.testsRun > 0


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
