#!/usr/bin/env python3
"""A gRPC server (grpcio) with the health service: grpc_server.py health|none ADDRESS [KEY CERT].
SERVING of itself and of "good"; "bad" is NOT_SERVING, "slow" never answers in time, others
are not known; with a name of "token" the metadata must have x-token: t."""
import sys
import time
from concurrent import futures

import grpc


def service_of(message):
    """HealthCheckRequest: field 1, a short string."""
    return message[2:2 + message[1]].decode() if message else ""


def check(message, context):
    name = service_of(message)
    if name == "slow":
        time.sleep(5)
    if name == "token" and ("x-token", "t") not in context.invocation_metadata():
        context.abort(grpc.StatusCode.UNAUTHENTICATED, "no token: stay out")
    if name not in ("", "good", "bad", "slow", "token"):
        context.abort(grpc.StatusCode.NOT_FOUND, "unknown service")
    return b"\x08\x02" if name == "bad" else b"\x08\x01"


class Health(grpc.GenericRpcHandler):
    def service(self, details):
        if details.method == "/grpc.health.v1.Health/Check":
            return grpc.unary_unary_rpc_method_handler(check)
        return None


def main():
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=8))
    if sys.argv[1] != "none":
        server.add_generic_rpc_handlers((Health(),))
    if len(sys.argv) > 3:
        with open(sys.argv[3], "rb") as key, open(sys.argv[4], "rb") as cert:
            credentials = grpc.ssl_server_credentials([(key.read(), cert.read())])
        server.add_secure_port(sys.argv[2], credentials)
    else:
        server.add_insecure_port(sys.argv[2])
    server.start()
    server.wait_for_termination()


main()
