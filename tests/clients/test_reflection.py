"""Reflection: a client that has nothing of ours but the address."""

import unittest

import grpc
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.message_factory import GetMessageClass
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)

import stack


class Reflection(unittest.TestCase):
    def setUp(self):
        self.channel = stack.channel(service_config=None)
        self.addCleanup(self.channel.close)
        self.database = ProtoReflectionDescriptorDatabase(self.channel)
        # Of its own, so that nothing comes from the generated code.
        self.pool = DescriptorPool(self.database)

    def call(self, service, method, **fields):
        descriptor = self.pool.FindServiceByName(service).FindMethodByName(method)
        request = ParseDict(fields, GetMessageClass(descriptor.input_type)())
        call = self.channel.unary_unary(
            f"/{service}/{method}",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=GetMessageClass(descriptor.output_type).FromString,
        )
        response = call(request, metadata=stack.bearer(stack.DEMO_TOKEN))
        return MessageToDict(response, preserving_proto_field_name=True)

    def test_all_services_are_listed(self):
        listed = sorted(self.database.get_services())

        self.assertEqual([it for it in listed if it.startswith("tertulia.")], stack.SERVICES)

    def test_every_method_can_be_described(self):
        for name in stack.SERVICES:
            service = self.pool.FindServiceByName(name)
            self.assertTrue(service.methods)
            for method in service.methods:
                self.assertTrue(method.input_type.full_name.startswith("tertulia.v1."))
        watch = self.pool.FindMethodByName("tertulia.v1.RunService.WatchRun")
        self.assertEqual((watch.client_streaming, watch.server_streaming), (False, True))
        upload = self.pool.FindMethodByName("tertulia.v1.DataSourceService.ImportTable")
        self.assertEqual((upload.client_streaming, upload.server_streaming), (True, False))

    def test_what_is_not_for_clients_is_not_described(self):
        with self.assertRaises(grpc.RpcError) as raised:
            self.pool.FindMessageTypeByName("tertulia.v1.RunWakeUp")

        self.assertEqual(raised.exception.code(), grpc.StatusCode.NOT_FOUND)

    def test_calls_are_made_with_what_was_described(self):
        service = "tertulia.v1.SessionService"

        listed = self.call(service, "ListSessions", search="first questions")["sessions"]
        got = self.call(service, "GetSession", session_id=listed[0]["id"])["session"]

        self.assertEqual(got["title"], "First questions")
        self.assertEqual(got, listed[0])
