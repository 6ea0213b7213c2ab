"""The server's settings. Each field's annotation says what it is for."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import platformdirs
from msgspec import Meta

from llm_repl_core.settings import APPLICATION_NAME, Settings

__all__ = ["ServerSettings", "data_folder"]


class ServerSettings(Settings, frozen=True, kw_only=True):
    """The settings of the server, and those of the core."""

    section: ClassVar[str | None] = "server"

    host: Annotated[str, Meta(description="The address to listen on.")] = "127.0.0.1"
    port: Annotated[
        int, Meta(ge=0, le=65535, description="The port to listen on; 0: any free port.")
    ] = 5000
    debug: Annotated[bool, Meta(description="Reload when code changes, and log every request.")] = (
        False
    )
    auth: Annotated[
        Literal["auto", "token", "none"],
        Meta(
            description="Who needs the token: `auto`: everyone except programs on this machine; "
            "`token`: everyone; `none`: no one."
        ),
    ] = "auto"
    token: Annotated[
        str | None, Meta(description="The access token; not set: generated at each start.")
    ] = None
    allow_origin: Annotated[
        tuple[str, ...],
        Meta(description="Origins of pages that may use the server (CORS), besides local ones."),
    ] = ()
    root: Annotated[
        str | None,
        Meta(description="The folder for notebook files; not set: the working directory."),
    ] = None
    page: Annotated[
        bool, Meta(description="Whether the page is served, and not the API alone.")
    ] = True
    base_path: Annotated[
        str | None,
        Meta(description="The path that a proxy serves this under: `/notebooks`; not set: none."),
    ] = None
    trust_proxy: Annotated[
        bool,
        Meta(
            description="Whether to take that path from `X-Forwarded-Prefix`: only behind a proxy "
            "that sets or removes it."
        ),
    ] = False
    database_url: Annotated[
        str | None,
        Meta(description="The database for notebooks; not set: a file in the data folder."),
    ] = None
    body_limit_bytes: Annotated[
        int,
        Meta(
            ge=1,
            description="The largest request body that is accepted.",
            extra_json_schema={"unit": "bytes"},
        ),
    ] = 64_000_000
    threads: Annotated[
        int,
        Meta(
            ge=2,
            description="How many requests are served at once, including those that wait for a "
            "cell.",
        ),
    ] = 512

    kernel_idle_timeout_s: Annotated[
        float,
        Meta(
            ge=0,
            description="How long a kernel may go unused before it is ended, and its variables with "
            "it; 0: no limit.",
            extra_json_schema={"unit": "seconds"},
        ),
    ] = 0.0

    bin_days: Annotated[
        float,
        Meta(
            ge=0,
            le=36_500,
            description="How long deleted cells and notebooks can be brought back.",
            extra_json_schema={"unit": "days"},
        ),
    ] = 30.0
    bin_limit: Annotated[
        int,
        Meta(
            ge=0,
            le=10_000,
            description="How many deleted notebooks can be brought back, and how many deleted cells "
            "of each notebook; the oldest go first.",
        ),
    ] = 1000

    ask_above_usd: Annotated[
        Annotated[float, Meta(ge=0)] | None,
        Meta(
            description="In the terminal: what may cost more than this asks first; not set: "
            "nothing does.",
            extra_json_schema={"unit": "US dollars"},
        ),
    ] = None

    def root_folder(self) -> Path:
        """The folder of notebook files, resolved."""
        return Path(self.root or Path.cwd()).resolve()

    def storage_url(self) -> str:
        """Where notebooks are kept."""
        return self.database_url or f"sqlite:///{data_folder() / 'llm-repl.db'}"


def data_folder() -> Path:
    """The folder of the database: ``LLM_REPL_DATA_DIR``, else the platform's."""
    chosen = os.environ.get("LLM_REPL_DATA_DIR")
    return Path(chosen).absolute() if chosen else platformdirs.user_data_path(APPLICATION_NAME)
