from litestar import Controller, get


class HorseController(Controller):
    path = "/horses"

    @get("/{number:int}", name="horse")
    async def show(self, number: int) -> str:
        return f"horse {number}"
