"""A health probe: the whole server, and each service by its name."""

import unittest

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

import stack


class Health(unittest.TestCase):
    def setUp(self):
        channel = stack.channel()
        self.addCleanup(channel.close)
        self.health = health_pb2_grpc.HealthStub(channel)

    def check(self, service):
        return self.health.Check(health_pb2.HealthCheckRequest(service=service)).status

    def test_the_server_and_each_service_are_serving(self):
        for service in ["", *stack.SERVICES]:
            with self.subTest(service):
                self.assertEqual(self.check(service), health_pb2.HealthCheckResponse.SERVING)

    def test_a_service_that_is_not_there_is_not_found(self):
        with self.assertRaises(grpc.RpcError) as raised:
            self.check("tertulia.v1.NoService")

        self.assertEqual(raised.exception.code(), grpc.StatusCode.NOT_FOUND)

    def test_a_watch_begins_with_the_state(self):
        watch = self.health.Watch(health_pb2.HealthCheckRequest(service=""))
        self.addCleanup(watch.cancel)

        self.assertEqual(next(watch).status, health_pb2.HealthCheckResponse.SERVING)
