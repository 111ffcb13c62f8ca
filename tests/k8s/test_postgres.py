"""The Postgres of the `dev` overlay, set up as the README tells operators to."""

import re
import unittest

from manifests import K8S, README


def statements(text):
    """SQL without its comments, and with the same mark for all passwords."""
    text = re.sub(r"--.*", "", text)
    text = re.sub(r"PASSWORD (:'\w+'|'…')", "PASSWORD", text)
    return [" ".join(it.split()) for it in text.replace("\\c tertulia", "").split(";")]


class Roles(unittest.TestCase):
    def test_roles_and_databases_are_those_of_the_readme(self):
        (shown,) = re.findall(r"```sql\n(CREATE ROLE.*?)```", README, re.S)
        (ours,) = re.findall(
            r"<<'SQL'\n(.*)SQL\n", (K8S / "overlays/dev/roles.sh").read_text(), re.S
        )
        # The README's two databases are not all that the server of `dev` has.
        ours = ours.replace(", postgres, template1", "")

        self.assertEqual(statements(ours), statements(shown))
