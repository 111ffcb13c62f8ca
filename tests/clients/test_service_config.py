"""docs/service-config.json as grpcio applies it."""

import collections
import copy
import json
import socket
import time
import unittest

import grpc

import stack
from api import Stubs
from faulty_proxy import FaultyProxy
from tertulia.v1 import session_pb2

CONFIG = json.loads(stack.SERVICE_CONFIG)


# By how much timeouts are shortened for a test.
HASTE = 4
# What is not waited for, shortened as it is.
LONG = 10
INACCURACY = 1


def methods(service_config):
    """Each method that is named, with its timeout and whether it is tried again."""
    for config in service_config["methodConfig"]:
        timeout = config.get("timeout")
        seconds = float(timeout.removesuffix("s")) if timeout else None
        for name in config["name"]:
            yield f"/{name['service']}/{name['method']}", seconds, "retryPolicy" in config


def shortened(service_config):
    shorter = copy.deepcopy(service_config)
    for config in shorter["methodConfig"]:
        if "timeout" in config:
            config["timeout"] = f"{float(config['timeout'].removesuffix('s')) / HASTE}s"
    return shorter


class ServiceConfig(unittest.TestCase):
    def setUp(self):
        self.proxy = FaultyProxy()
        self.addCleanup(self.proxy.stop)

    def channel(self, **options):
        channel = stack.channel(self.proxy.target, **options)
        self.addCleanup(channel.close)
        return channel

    def test_what_only_reads_is_tried_again_and_answered(self):
        stubs = Stubs(self.channel())

        response = stubs.sessions.ListSessions(
            session_pb2.ListSessionsRequest(), metadata=stack.bearer(stack.DEMO_TOKEN)
        )

        self.assertTrue(response.sessions)
        self.assertEqual(self.proxy.calls["/tertulia.v1.SessionService/ListSessions"], 2)

    def test_without_it_nothing_is_tried_again(self):
        stubs = Stubs(self.channel(service_config=None))

        with self.assertRaises(grpc.RpcError) as raised:
            stubs.sessions.ListSessions(session_pb2.ListSessionsRequest())

        self.assertEqual(raised.exception.code(), grpc.StatusCode.UNAVAILABLE)
        self.assertEqual(self.proxy.calls["/tertulia.v1.SessionService/ListSessions"], 1)

    def test_each_method_is_tried_as_often_as_it_says(self):
        channel = self.channel()
        for method, _, is_retried in methods(CONFIG):
            # No token: what is tried again comes through and is refused.
            with self.subTest(method), self.assertRaises(grpc.RpcError) as raised:
                list(channel.unary_stream(method)(b""))
            with self.subTest(method):
                code = raised.exception.code().name
                self.assertEqual(code, "UNAUTHENTICATED" if is_retried else "UNAVAILABLE")
                self.assertEqual(self.proxy.calls[method], 2 if is_retried else 1)


class Timeouts(unittest.TestCase):
    def test_each_method_is_given_the_time_that_it_says(self):
        # A server that never says anything.
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)
        config = shortened(CONFIG)
        channel = stack.channel(f"127.0.0.1:{listener.getsockname()[1]}", json.dumps(config))
        self.addCleanup(channel.close)
        began = time.monotonic()
        calls = {method: channel.unary_unary(method).future(b"") for method, *_ in methods(config)}

        ended = collections.defaultdict(list)
        for method, seconds, _ in sorted(methods(config), key=lambda it: it[1] or LONG):
            with self.subTest(method):
                if seconds is None or seconds > LONG:
                    self.assertFalse(calls[method].done())
                    calls[method].cancel()
                    continue
                self.assertEqual(calls[method].code(), grpc.StatusCode.DEADLINE_EXCEEDED)
                ended[seconds].append(time.monotonic() - began)

        # grpcio ends all of them too early by the same, which differs from process to process.
        (short, first), (long, second) = sorted(ended.items())
        self.assertAlmostEqual(second[0] - first[0], long - short, delta=INACCURACY)
        for times in (first, second):
            self.assertAlmostEqual(times[0], times[-1], delta=INACCURACY)
        self.assertLess(second[-1], long + INACCURACY)
