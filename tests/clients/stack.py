"""The stack that the environment names, and the ways to it."""

import json
import os
import pathlib
import shutil
import sys

import grpc
import grpc_tools
from grpc_tools import protoc

WORKSPACE = pathlib.Path(__file__).resolve().parents[2]
STUBS = pathlib.Path(sys.prefix) / "stubs"
SERVICE_CONFIG = (WORKSPACE / "docs/service-config.json").read_text()
# All that there are: a test in Rust sees to it that no method is missing there.
SERVICES = sorted(
    {name["service"] for it in json.loads(SERVICE_CONFIG)["methodConfig"] for name in it["name"]}
)

GRPC = os.environ["TERTULIA_GRPC"]
# Whose the demo is.
DEMO_TOKEN = os.environ["TERTULIA_DEMO_TOKEN"]
# A user's who has nothing at first.
OTHER_TOKEN = os.environ["TERTULIA_OTHER_TOKEN"]


def generate_stubs():
    shutil.rmtree(STUBS, ignore_errors=True)
    STUBS.mkdir()
    protos = sorted(str(path) for path in (WORKSPACE / "proto").glob("tertulia/v1/*.proto"))
    includes = [WORKSPACE / "proto", pathlib.Path(grpc_tools.__file__).parent / "_proto"]
    arguments = ["protoc", f"--python_out={STUBS}", f"--grpc_python_out={STUBS}"]
    if protoc.main(arguments + [f"-I{folder}" for folder in includes] + protos) != 0:
        raise SystemExit("no stubs could be generated")
    sys.path.insert(0, str(STUBS))


def channel(target=GRPC, service_config=SERVICE_CONFIG):
    options = [("grpc.service_config", service_config)] if service_config else []
    return grpc.insecure_channel(target, options=options)


def bearer(token=OTHER_TOKEN):
    return [("authorization", f"Bearer {token}")]
