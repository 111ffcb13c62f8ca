"""Real NATS servers with the configuration of an overlay, on free ports of this machine."""

import base64
import json
import os
import pathlib
import socket
import subprocess
import sys
import time
import urllib.request

from manifests import generated, named, render

NATS_SERVER = pathlib.Path(sys.executable).parent / "nats-server"
PATIENCE = 30
# The ports of the manifests.
CLIENT, MONITOR, CLUSTER = 4222, 8222, 6222


def passwords():
    data = generated(render("dev"), "Secret", "nats")["data"]
    return {name: base64.b64decode(value).decode() for name, value in data.items()}


def replicas(overlay):
    return named(render(overlay), "StatefulSet", "nats")["spec"]["replicas"]


class Servers:
    """As many as the overlay has, with the files of its ConfigMap, and TLS from `tls`."""

    def __init__(self, overlay, folder, tls=None):
        self.folder, self.tls = pathlib.Path(folder), tls
        self.files = generated(render(overlay), "ConfigMap", "nats")["data"]
        names = [f"nats-{number}" for number in range(replicas(overlay))]
        kinds = [CLIENT, MONITOR, CLUSTER]
        free = free_ports(len(names) * len(kinds))
        self.ports = {name: {kind: free.pop() for kind in kinds} for name in names}
        self.running = {}

    def __enter__(self):
        try:
            for name in self.ports:
                self.start(name)
            for name in self.ports:
                self.wait_for(name, "/healthz")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for server in self.running.values():
            server.kill()
            server.wait()

    def start(self, name):
        folder = self.folder / name
        folder.mkdir()
        for file, text in self.files.items():
            (folder / file).write_text(self.here(text, name, folder))
        with (folder / "log").open("w") as log:
            self.running[name] = subprocess.Popen(
                [NATS_SERVER, "--config", folder / "nats.conf"],
                env={**os.environ, **passwords(), "POD_NAME": name},
                stderr=log,
            )

    def kill(self, name):
        server = self.running.pop(name)
        server.kill()
        server.wait()

    def here(self, text, name, folder):
        """The configuration with this machine's addresses and folders in it."""
        for kind, port in self.ports[name].items():
            text = text.replace(f'"0.0.0.0:{kind}"', f'"127.0.0.1:{port}"')
        for other, ports in self.ports.items():
            text = text.replace(f"{other}.nats-headless:{CLUSTER}", f"localhost:{ports[CLUSTER]}")
        places = {"/data": folder / "data", "/run/nats": folder, "/etc/nats-tls": self.tls}
        for place, instead in places.items():
            text = text.replace(f'"{place}', f'"{instead}')
        return text

    def url(self, name, user, password):
        scheme = "tls" if self.tls else "nats"
        return f"{scheme}://{user}:{password}@localhost:{self.ports[name][CLIENT]}"

    def ask(self, name, path):
        url = f"http://127.0.0.1:{self.ports[name][MONITOR]}{path}"
        with urllib.request.urlopen(url, timeout=5) as response:
            return json.load(response)

    def wait_for(self, name, path):
        end = time.monotonic() + PATIENCE
        while True:
            try:
                return self.ask(name, path)
            except OSError as error:
                if time.monotonic() > end or self.running[name].poll() is not None:
                    log = (self.folder / name / "log").read_text()
                    raise AssertionError(f"{name} is not healthy:\n{log}") from error
                time.sleep(0.05)


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [it.getsockname()[1] for it in sockets]
    for it in sockets:
        it.close()
    return ports


def make_certificates(folder):
    """The Secret `nats-tls` of the guide, for servers on this machine."""
    folder = pathlib.Path(folder)
    folder.mkdir()
    (folder / "extensions").write_text(
        "subjectAltName=DNS:localhost\nextendedKeyUsage=serverAuth,clientAuth\n"
    )
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    for command in [
        ["req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.crt", "-subj", "/CN=ca"],
        ["req", *key, "-keyout", "tls.key", "-out", "request", "-subj", "/CN=nats"],
        [
            *["x509", "-req", "-in", "request", "-CA", "ca.crt", "-CAkey", "ca.key"],
            *["-CAcreateserial", "-extfile", "extensions", "-out", "tls.crt"],
        ],
    ]:
        subprocess.run(["openssl", *command], cwd=folder, check=True, capture_output=True)
    return folder
