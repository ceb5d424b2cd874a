from pathlib import Path

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
from fastapi.middleware.trustedhost import TrustedHostMiddleware
from fastapi.staticfiles import StaticFiles

from .routers import items

HERE = Path(__file__).parent

app = FastAPI(title="Shop")
app.add_middleware(CORSMiddleware, allow_origins=["*"])
app.add_middleware(TrustedHostMiddleware, allowed_hosts=["shop.example", "*.shop.example"])
app.include_router(items.router)
app.mount("/static", StaticFiles(directory=HERE / "static"), name="static")

admin = FastAPI(root_path="/never-the-sites")
admin.mount("/assets", StaticFiles(directory=HERE / "static"), name="assets")
app.mount("/admin", admin)


@app.get("/")
async def home():
    return {"shop": "open"}
