"""A client of the pair that runs."""

import base64
import hashlib
import hmac
import json
import pathlib
import sys
import tempfile
import time

import grpc
import grpc_tools
from grpc_tools import protoc

from podman import WORKSPACE

PATIENCE_SECONDS = 60
CSV = b"species,mass\nAdelie,3700\nGentoo,5076\nGentoo,5000\n"


def stubs():
    """Modules made from our protos."""
    folder = tempfile.mkdtemp()
    files = sorted(str(path) for path in (WORKSPACE / "proto").glob("tertulia/v1/*.proto"))
    includes = [WORKSPACE / "proto", pathlib.Path(grpc_tools.__file__).parent / "_proto"]
    options = [f"--python_out={folder}", f"--grpc_python_out={folder}"]
    if protoc.main(["protoc", *options, *(f"-I{it}" for it in includes), *files]) != 0:
        raise SystemExit("no stubs could be generated")
    sys.path.insert(0, folder)


def token(secret, user):
    """As the tokens' issuer would make it, good for an hour."""
    now = int(time.time())
    parts = [{"alg": "HS256", "typ": "JWT"}, {"sub": user, "iat": now, "exp": now + 3600}]
    signed = b".".join(encoded(json.dumps(it).encode()) for it in parts)
    signature = hmac.digest(secret, signed, hashlib.sha256)
    return (signed + b"." + encoded(signature)).decode()


def encoded(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def ask(address, token, question):
    """Imports a table, and asks a question about it in a new session; the answer's text."""
    from tertulia.v1 import agent_pb2, agent_pb2_grpc
    from tertulia.v1 import data_source_pb2, data_source_pb2_grpc
    from tertulia.v1 import run_pb2, run_pb2_grpc

    call = {"metadata": [("authorization", f"Bearer {token}")], "timeout": PATIENCE_SECONDS}
    call["wait_for_ready"] = True
    with grpc.insecure_channel(f"{address}:50051") as channel:
        sources = data_source_pb2_grpc.DataSourceServiceStub(channel)
        create = data_source_pb2.CreateDataSourceRequest(name="birds", dataset={})
        source = sources.CreateDataSource(create, **call).data_source
        table = {"data_source_id": source.id, "table_name": "penguins"}
        parts = [{"table": table}, {"data": CSV}]
        sources.ImportTable((data_source_pb2.ImportTableRequest(**it) for it in parts), **call)
        create = agent_pb2.CreateAgentRequest(name="birds", data_source_id=source.id)
        agent = agent_pb2_grpc.AgentServiceStub(channel).CreateAgent(create, **call).agent
        start = run_pb2.StartRunRequest(agent_id=agent.id, question=question, wait={"seconds": 30})
        return run_pb2_grpc.RunServiceStub(channel).StartRun(start, **call).answer.content
