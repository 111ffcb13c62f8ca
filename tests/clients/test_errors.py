"""Errors and their details, as grpc-status reads them."""

import unittest

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status

import stack
from api import User
from tertulia.v1 import agent_pb2, session_pb2


def details(error):
    """The details of an error, by their type."""
    found = {}
    for detail in rpc_status.from_call(error).details:
        kind = getattr(error_details_pb2, detail.type_url.rpartition(".")[2])
        found[kind] = kind()
        detail.Unpack(found[kind])
    return found


class Errors(unittest.TestCase):
    def setUp(self):
        self.user = User()
        self.addCleanup(self.user.close)

    def refused(self, method, request, metadata=None):
        with self.assertRaises(grpc.RpcError) as raised:
            method(request, metadata=self.user.bearer if metadata is None else metadata)
        return raised.exception

    def reason(self, error):
        info = details(error)[error_details_pb2.ErrorInfo]
        self.assertEqual(info.domain, "tertulia.v1")
        return info.reason

    def test_every_field_that_is_refused_is_named(self):
        request = agent_pb2.CreateAgentRequest(name=" ", data_source_id=-1)

        error = self.refused(self.user.stubs.agents.CreateAgent, request)

        self.assertEqual(error.code(), grpc.StatusCode.INVALID_ARGUMENT)
        violations = details(error)[error_details_pb2.BadRequest].field_violations
        self.assertEqual({it.field for it in violations}, {"name", "data_source_id"})
        self.assertTrue(all(it.description for it in violations))

    def test_what_is_another_users_was_never_there(self):
        demo = User(stack.DEMO_TOKEN)
        self.addCleanup(demo.close)
        sessions = demo.stubs.sessions.ListSessions(
            session_pb2.ListSessionsRequest(), metadata=demo.bearer
        ).sessions
        foreign, absent = (
            self.refused(
                self.user.stubs.sessions.GetSession,
                session_pb2.GetSessionRequest(session_id=session_id),
            )
            for session_id in (sessions[0].id, 2**62)
        )

        self.assertEqual(foreign.code(), grpc.StatusCode.NOT_FOUND)
        self.assertEqual(self.reason(foreign), "SESSION_NOT_FOUND")
        self.assertEqual(rpc_status.from_call(foreign), rpc_status.from_call(absent))

    def test_without_a_token_nothing_is_answered(self):
        for metadata in ([], stack.bearer("no token")):
            error = self.refused(
                self.user.stubs.sessions.ListSessions,
                session_pb2.ListSessionsRequest(),
                metadata,
            )
            self.assertEqual(error.code(), grpc.StatusCode.UNAUTHENTICATED)
