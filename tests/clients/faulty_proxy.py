"""A proxy that refuses the first call of each method with UNAVAILABLE, and counts."""

import collections
from concurrent import futures

import grpc

import stack


class FaultyProxy(grpc.GenericRpcHandler):
    def __init__(self):
        self.calls = collections.Counter()
        self._channel = stack.channel(service_config=None)
        self._server = grpc.server(futures.ThreadPoolExecutor(max_workers=4))
        self._server.add_generic_rpc_handlers([self])
        port = self._server.add_insecure_port("127.0.0.1:0")
        self.target = f"127.0.0.1:{port}"
        self._server.start()

    def stop(self):
        self._server.stop(grace=None).wait()
        self._channel.close()

    def service(self, details):
        def answer(requests, context):
            self.calls[details.method] += 1
            if self.calls[details.method] == 1:
                context.abort(grpc.StatusCode.UNAVAILABLE, "the first is refused")
            metadata = [
                (key, value) for key, value in details.invocation_metadata if key == "authorization"
            ]
            call = self._channel.stream_stream(details.method)(requests, metadata=metadata)
            try:
                yield from call
            except grpc.RpcError as error:
                context.abort(error.code(), error.details())

        return grpc.stream_stream_rpc_method_handler(answer)
