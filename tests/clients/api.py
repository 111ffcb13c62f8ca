"""The generated stubs as one user has them, and the few steps that most tests begin with."""

import unittest

from google.protobuf.duration_pb2 import Duration

import stack
from tertulia.v1 import agent_pb2, agent_pb2_grpc, data_source_pb2, data_source_pb2_grpc
from tertulia.v1 import run_pb2, run_pb2_grpc, session_pb2, session_pb2_grpc

# So many rows that a count over three of them takes a while.
NUMBERS = "number,name\n" + "".join(f"{number},é{number}\n" for number in range(1, 1501))
FAST = "SELECT name FROM numbers WHERE number <= 3 ORDER BY number"
SLOW = "SELECT count(*) FROM numbers a, numbers b, numbers c"


class Stubs:
    def __init__(self, channel):
        self.sessions = session_pb2_grpc.SessionServiceStub(channel)
        self.runs = run_pb2_grpc.RunServiceStub(channel)
        self.agents = agent_pb2_grpc.AgentServiceStub(channel)
        self.data_sources = data_source_pb2_grpc.DataSourceServiceStub(channel)


class User:
    def __init__(self, token=stack.OTHER_TOKEN):
        self.channel = stack.channel()
        self.stubs = Stubs(self.channel)
        self.bearer = stack.bearer(token)

    def close(self):
        self.channel.close()

    def create_data_set(self, name):
        request = data_source_pb2.CreateDataSourceRequest(
            name=name, dataset=data_source_pb2.Dataset()
        )
        response = self.stubs.data_sources.CreateDataSource(request, metadata=self.bearer)
        return response.data_source.id

    def import_csv(self, data_source_id, table_name, csv, piece=1000):
        def parts():
            table = data_source_pb2.ImportedTable(
                data_source_id=data_source_id, table_name=table_name
            )
            yield data_source_pb2.ImportTableRequest(table=table)
            for start in range(0, len(csv), piece):
                yield data_source_pb2.ImportTableRequest(data=csv[start:start + piece])

        return self.stubs.data_sources.ImportTable(parts(), metadata=self.bearer)

    def create_agent(self):
        """An agent on a table of numbers."""
        data_source_id = self.create_data_set("Numbers")
        self.import_csv(data_source_id, "numbers", NUMBERS.encode())
        request = agent_pb2.CreateAgentRequest(name="Numbers", data_source_id=data_source_id)
        return self.stubs.agents.CreateAgent(request, metadata=self.bearer).agent.id

    def create_session(self, agent_id, **fields):
        request = session_pb2.CreateSessionRequest(agent_id=agent_id, **fields)
        return self.stubs.sessions.CreateSession(request, metadata=self.bearer).session.id

    def start(self, question, wait=0, **fields):
        """Asks, and waits so many seconds at most."""
        request = run_pb2.StartRunRequest(question=question, wait=Duration(seconds=wait), **fields)
        return self.stubs.runs.StartRun(request, metadata=self.bearer)

    def watch(self, run_id, after_event_id=0, deadline=None):
        request = run_pb2.WatchRunRequest(run_id=run_id, after_event_id=after_event_id)
        responses = self.stubs.runs.WatchRun(request, metadata=self.bearer, timeout=deadline)
        return (response.event for response in responses)

    def cancel(self, run_id, reason=""):
        request = run_pb2.CancelRunRequest(run_id=run_id, reason=reason)
        return self.stubs.runs.CancelRun(request, metadata=self.bearer).run

    def wait(self, run_id, deadline=None):
        """How the run has ended; `deadline` is this call's, in seconds."""
        request = run_pb2.WaitRunRequest(run_id=run_id, timeout=Duration(seconds=60))
        return self.stubs.runs.WaitRun(request, metadata=self.bearer, timeout=deadline)


class WithAgent(unittest.TestCase):
    """Tests that share a user, and an agent on a table of numbers."""

    @classmethod
    def setUpClass(cls):
        cls.user = User()
        cls.addClassCleanup(cls.user.close)
        cls.agent_id = cls.user.create_agent()
