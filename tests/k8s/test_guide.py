"""Commands of the guide, as far as they need no cluster."""

import base64
import hashlib
import hmac
import re
import subprocess
import unittest

import yaml
from manifests import K8S, WORKSPACE, generated, label, render, rendered, workloads

GUIDE = (K8S / "README.md").read_text()


class Guide(unittest.TestCase):
    def test_a_token_for_dev_is_signed_with_its_secret(self):
        (command,) = re.findall(r"^TOKEN=\$\((.*)\)$", GUIDE, re.M)
        token = subprocess.check_output(command, shell=True, cwd=WORKSPACE, text=True).strip()
        signed, _, signature = token.rpartition(".")
        secret = generated(render("dev"), "Secret", "session-service")["data"]["JWT_SECRET"]

        expected = hmac.digest(base64.b64decode(secret), signed.encode(), hashlib.sha256)

        self.assertEqual(base64.urlsafe_b64encode(expected).decode().rstrip("="), signature)

    def test_after_a_restore_only_the_migrations_argument_is_another(self):
        (script,) = re.findall(r"\| sed '(.*)' ", GUIDE)
        (key, value) = re.search(r"--selector=(\S+)=(\w+) -f", GUIDE).groups()
        for overlay in ["dev", "prod"]:
            with self.subTest(overlay):
                text = rendered(K8S / "overlays" / overlay)
                other = subprocess.check_output(["sed", script], input=text, text=True)
                before, after = (list(yaml.safe_load_all(it)) for it in [text, other])
                changed = [it for it, old in zip(after, before, strict=True) if it != old]
                applied = [it for it in after if it["metadata"].get("labels", {}).get(key) == value]

                self.assertEqual([label(it) for it in applied], ["Job migration"])
                self.assertEqual(changed, applied)
                (container,) = workloads(applied)[0]["spec"]["template"]["spec"]["containers"]
                self.assertEqual(container["args"], ["restored"])
