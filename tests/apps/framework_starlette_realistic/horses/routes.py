from starlette.responses import PlainTextResponse
from starlette.routing import Route


async def horse(request):
    return PlainTextResponse(f"horse {request.path_params['number']}")


routes = [Route("/{number:int}", horse, name="horse")]
