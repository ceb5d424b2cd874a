from fastapi import APIRouter

router = APIRouter(prefix="/items")


@router.get("/")
async def items():
    return []
