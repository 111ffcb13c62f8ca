"""Each alert has its section in docs/alerts.md."""

import re
import unittest

from files import WORKSPACE, alerts

DOCUMENT = "docs/alerts.md"
SEVERITIES = {"critical", "warning"}


class Documents(unittest.TestCase):
    def test_the_sections_are_those_of_the_alerts(self):
        text = (WORKSPACE / DOCUMENT).read_text()
        self.assertEqual(re.findall(r"^### (\w+)$", text, re.MULTILINE), list(alerts()))

    def test_each_alert_leads_to_its_section_and_says_what_is_wrong(self):
        for name, rule in alerts().items():
            with self.subTest(name):
                annotations = rule["annotations"]
                self.assertEqual(annotations["runbook_url"], f"{DOCUMENT}#{name.lower()}")
                self.assertTrue(annotations["summary"])
                self.assertIn(rule["labels"]["severity"], SEVERITIES)
