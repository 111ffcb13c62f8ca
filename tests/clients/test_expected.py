"""What the documents' check lets through, and what it doesn't."""

import unittest

from expected import difference


class Expected(unittest.TestCase):
    def check(self, language, shown, printed, is_same):
        differs = difference(language, shown, printed)
        self.assertEqual(differs is None, is_same, differs)

    def test_fields_may_be_left_out_and_not_made_up(self):
        self.check("json", '{"a": 1}', '{"a": 1, "b": 2}', True)
        self.check("json", '{"a": 1, "b": 2}', '{"a": 1}', False)

    def test_values_are_those_that_are_shown(self):
        self.check("json", '{"a": ["x"]}', '{"a": ["y"]}', False)
        self.check("json", '{"a": "1"}', '{"a": 1}', False)
        self.check("json", '{"executionMs": "9"}', '{"executionMs": "12"}', True)
        self.check("json", '"2026-01-01T00:00:00Z"', '"2026-11-22T12:00:00.5Z"', True)
        self.check("json", '"2026-01-01T00:00:00Z"', '"yesterday"', False)

    def test_an_ellipsis_stands_for_any_text_or_elements(self):
        self.check("json", '"a…c"', '"a\\nbc"', True)
        self.check("json", '"a…c"', '"ab"', False)
        self.check("json", '[1, "…", 4]', "[1, 2, 3, 4]", True)
        self.check("json", '[1, "…", 4]', "[1, 2, 3]", False)

    def test_nothing_is_printed_besides_what_is_shown(self):
        self.check("json", "{}", "{}\n{}", False)
        self.check("json", "{}", "no JSON", False)
        self.check("csv", "a,b\n1,2\n", "a,b\r\n1,2\r\n", True)
        self.check("csv", "a,b\n1,2\n", "a,b\r\n1,3\r\n", False)
