"""The alerts and the dashboard, as users install them."""

import functools
import json
import pathlib
import re

import yaml

WORKSPACE = pathlib.Path(__file__).parents[2]
FOLDER = WORKSPACE / "k8s/monitoring"
# What Grafana fills in.
VARIABLES = {"$__rate_interval": "1m", "$instance": ".*"}
SELECTOR = re.compile(r"\b((?:tertulia|process)_[a-z_]+|up)\b(\{[^}]*\})?")


@functools.cache
def groups():
    return yaml.safe_load((FOLDER / "alerts.yaml").read_text())["spec"]["groups"]


def alerts():
    return {rule["alert"]: rule for group in groups() for rule in group["rules"]}


def write_rules(file, longest_wait=None):
    """Writes the rules as Prometheus reads them, each alert's `for` bounded if wanted."""
    rules = json.loads(json.dumps({"groups": groups()}))
    for group in rules["groups"]:
        for rule in group["rules"]:
            if longest_wait is not None and "for" in rule:
                rule["for"] = longest_wait
    file.write_text(yaml.safe_dump(rules))


def panels():
    dashboard = json.loads((FOLDER / "dashboard.json").read_text())
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def filled_in(expression):
    for variable, value in VARIABLES.items():
        expression = expression.replace(variable, value)
    return expression


def shown():
    """The expressions of the dashboard, each with its panel's title."""
    return [
        (panel["title"], filled_in(target["expr"]))
        for panel in panels()
        for target in panel["targets"]
    ]


def selectors(expression):
    return {name + (labels or "") for name, labels in SELECTOR.findall(expression)}
