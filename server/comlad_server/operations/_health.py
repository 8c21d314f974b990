"""What orchestrators and tools ask a server: is it well, and what does it offer."""

import asyncio

import grpc
import grpc.aio
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_reflection.v1alpha import reflection

__all__ = ["Health"]

_HEALTH_SERVICE = health_pb2.DESCRIPTOR.services_by_name["Health"].full_name
_Context = grpc.aio.ServicerContext[HealthCheckRequest, HealthCheckResponse]


class Health(health_pb2_grpc.HealthServicer):
    """The standard health service (grpc.health.v1), and reflection.

    SERVING while devices may come, for the server as a whole ("") and for each of its
    services; NOT_SERVING once the run is over or about to stop. Unlike grpcio's own
    servicer it ends the streams of those who watch then: a server that stops waits for
    open ones.

    Args:
        services: Full names of what the server offers besides.
    """

    def __init__(self, *services: str) -> None:
        self._services = services
        self._over = asyncio.Event()

    def add_to(self, server: grpc.aio.Server) -> None:
        """Offer both services."""
        health_pb2_grpc.add_HealthServicer_to_server(self, server)
        names = (*self._services, _HEALTH_SERVICE, reflection.SERVICE_NAME)
        reflection.enable_server_reflection(names, server)

    def end(self) -> None:
        """NOT_SERVING from now on."""
        self._over.set()

    async def Check(self, request: HealthCheckRequest, context: _Context) -> HealthCheckResponse:
        """The status of a service; NOT_FOUND if there is none of this name."""
        if not self._has(request.service):
            await context.abort(grpc.StatusCode.NOT_FOUND, f"no service {request.service!r} here")
        if self._over.is_set():
            return HealthCheckResponse(status=HealthCheckResponse.NOT_SERVING)
        return HealthCheckResponse(status=HealthCheckResponse.SERVING)

    async def Watch(self, request: HealthCheckRequest, context: _Context) -> None:
        """The status now, and the other one when it changes, which it does once."""
        if not self._has(request.service):
            await context.write(HealthCheckResponse(status=HealthCheckResponse.SERVICE_UNKNOWN))
        elif not self._over.is_set():
            await context.write(HealthCheckResponse(status=HealthCheckResponse.SERVING))
        await self._over.wait()
        if self._has(request.service):
            await context.write(HealthCheckResponse(status=HealthCheckResponse.NOT_SERVING))

    def _has(self, service: str) -> bool:
        return service == "" or service in self._services
