"""Puts registered models on a running server and takes them away, in the shape of vLLM's adapter routes."""

from __future__ import annotations

from fastapi import Request, Response
from pydantic import BaseModel, ConfigDict, Field

from tunesmith.http import finding

_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}(@[A-Za-z0-9._-]{1,40})?"


class LoadRequest(BaseModel):
    """A registered model, and the name by which requests call it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    lora_name: str = Field(pattern=f"^{_NAME}$", description="what requests call it")
    lora_path: str | None = Field(
        None,
        pattern=f"^{_NAME}$",
        description="the registered model, name@3; default: lora_name.  Never a path",
    )
    load_inplace: bool | None = Field(None, description="taken for compatibility; not used")


class UnloadRequest(BaseModel):
    """A served model."""

    model_config = ConfigDict(extra="forbid", strict=True)

    lora_name: str = Field(min_length=1, max_length=200)
    lora_int_id: int | None = Field(None, description="taken for compatibility; not used")


async def load(body: LoadRequest, request: Request) -> Response:
    """Open a registered model, prove its golden rows, and answer by it from then on; others answer meanwhile."""
    added = await finding.shelf(request).load(body.lora_path or body.lora_name, body.lora_name)
    return Response(f"Success: LoRA adapter '{added.alias}' added successfully.", media_type="text/plain")


async def unload(body: UnloadRequest, request: Request) -> Response:
    """Answer by a model no longer; answers that are being written are written to their end."""
    await finding.shelf(request).unload(body.lora_name)
    return Response(
        f"Success: LoRA adapter '{body.lora_name}' removed successfully.", media_type="text/plain"
    )
