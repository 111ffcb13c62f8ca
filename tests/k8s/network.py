"""What network policies let through, as a network plugin reads them."""

import ipaddress

from manifests import of_kind, pod, workloads


class Network:
    """The policies of one namespace, and its pods by their names."""

    def __init__(self, objects):
        self.policies = [it["spec"] for it in of_kind(objects, "NetworkPolicy")]
        self.pods = {it["metadata"]["name"]: pod(it) for it in workloads(objects)}

    def lets(self, source, target, port, protocol="TCP"):
        """Whether a pod of ours, given by its name, may reach another or an address."""
        leaves = self._passes("egress", source, self._peer(target), target, port, protocol)
        return leaves and (
            target not in self.pods
            or self._passes("ingress", target, self._peer(source), target, port, protocol)
        )

    def lets_in(self, namespace, target, port):
        """Whether a pod of another namespace, given by its labels, may reach one of ours."""
        peer = {"namespace": namespace, "labels": {}}
        return self._passes("ingress", target, peer, target, port, "TCP")

    def lets_out(self, source, namespace, port):
        """Whether a pod of ours may reach those of another namespace, given by its labels."""
        peer = {"namespace": namespace, "labels": {}}
        return self._passes("egress", source, peer, None, port, "TCP")

    def is_closed(self, name):
        """Whether what no rule names is forbidden, both ways."""
        types = [it for one in self._of(name) for it in one["policyTypes"]]
        return {"Ingress", "Egress"} <= set(types)

    def _peer(self, target):
        if target in self.pods:
            return {"labels": self.pods[target]["metadata"]["labels"]}
        return {"address": ipaddress.ip_address(target)}

    def _of(self, name):
        labels = self.pods[name]["metadata"]["labels"]
        return [it for it in self.policies if _selects(it["podSelector"], labels)]

    def _passes(self, way, name, peer, target, port, protocol):
        peers = {"ingress": "from", "egress": "to"}[way]
        policies = [it for it in self._of(name) if way.capitalize() in it["policyTypes"]]
        rules = [rule for it in policies for rule in it.get(way, [])]
        return not policies or any(
            (peers not in rule or any(_is(peer, it) for it in rule[peers]))
            and any(self._is_port(it, target, port, protocol) for it in rule["ports"])
            for rule in rules
        )

    def _is_port(self, rule, target, port, protocol):
        if isinstance(rule["port"], str) and target in self.pods:
            (container,) = self.pods[target]["spec"]["containers"]
            numbers = {it["name"]: it["containerPort"] for it in container["ports"]}
            return (numbers.get(rule["port"]), rule["protocol"]) == (port, protocol)
        return (rule["port"], rule["protocol"]) == (port, protocol)


def _is(peer, rule):
    if "ipBlock" in rule:
        block = rule["ipBlock"]
        return "address" in peer and (
            _is_in(peer["address"], block["cidr"])
            and not any(_is_in(peer["address"], it) for it in block.get("except", []))
        )
    if "address" in peer or ("namespaceSelector" in rule) != ("namespace" in peer):
        return False
    return _selects(rule.get("namespaceSelector", {}), peer.get("namespace", {})) and _selects(
        rule.get("podSelector", {}), peer["labels"]
    )


def _is_in(address, network):
    return address in ipaddress.ip_network(network)


def _selects(selector, labels):
    return selector.get("matchLabels", {}).items() <= labels.items() and all(
        {"In": labels.get(it["key"]) in it["values"]}[it["operator"]]
        for it in selector.get("matchExpressions", [])
    )
