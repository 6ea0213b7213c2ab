"""What requests about single providers hold."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from llm_repl_server.services.providers import BASE_URL_PATTERN

__all__ = ["CustomProviderChange", "NewKey"]

# The patterns are for the description alone: the services say in words what is wrong.
ProvidersKey = Annotated[
    str,
    Meta(
        description="Stored in the keys file, for this address alone, and never shown again.",
        extra_json_schema={"pattern": "^[ -~]*$"},
    ),
]


class CustomProviderChange(Struct):
    """Where a server is that has a name of its own."""

    base_url: Annotated[
        str,
        Meta(
            description="Its address, without a user name or a key.",
            examples=["http://localhost:11434/v1"],
            extra_json_schema={"pattern": BASE_URL_PATTERN},
        ),
    ]
    model: Annotated[
        str | None, Meta(description="Its default model; null: that of the provider `type`.")
    ] = None
    type: Annotated[str, Meta(description="The installed provider that speaks with it.")] = "openai"
    api_key: ProvidersKey | None = None


class NewKey(Struct):
    """A key to be kept."""

    api_key: ProvidersKey
