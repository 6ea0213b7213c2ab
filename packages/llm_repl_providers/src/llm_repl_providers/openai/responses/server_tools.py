"""What a server's own tools did, and all items of no other kind, as parts of a turn."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

from llm_repl_core.providers.parts import Media, Part, ServerToolCall
from llm_repl_providers.openai.api import RESPONSES_ITEM
from llm_repl_providers.openai.lenient_json import without_surrogates
from llm_repl_providers.openai.responses.items import OutputItem

__all__ = ["item_parts"]


def item_parts(item: OutputItem) -> tuple[Part, ...]:
    """What the server's own tools, and all other items, are to a turn."""
    data = without_surrogates(item.data)
    if item.kind == "image_generation_call" and isinstance(result := data.get("result"), str):
        picture = _picture(data, result)
        if picture is not None:
            return (picture,)
    name, arguments, result, failed = _read_call(item.kind, data)
    return (
        ServerToolCall(
            id=item.id,
            name=name,
            arguments=arguments,
            result=result,
            failed=failed or data.get("status") == "failed",
            provider_data={RESPONSES_ITEM: data},
        ),
    )


def _picture(data: dict[str, Any], result: str) -> Media | None:
    try:
        picture = base64.b64decode(result)
    except (ValueError, binascii.Error):
        return None
    form = data.get("output_format")
    form = form if isinstance(form, str) and form else "png"
    prompt = data.get("revised_prompt")
    return Media(
        media_type="image/svg+xml" if form == "svg" else f"image/{form}",
        data=picture,
        text=prompt if isinstance(prompt, str) else "",
        provider_data={
            RESPONSES_ITEM: {name: value for name, value in data.items() if name != "result"}
        },
    )


def _read_call(kind: str, data: dict[str, Any]) -> tuple[str, str, str, bool]:
    """Name, arguments, result and failure of a tool that the server has run."""
    if kind == "web_search_call":
        action = data.get("action")
        action = dict(action) if isinstance(action, dict) else {}
        sources = action.pop("sources", None)
        urls = [str(source.get("url", "")) for source in _objects(sources)]
        return "web_search", _json(action), "\n".join(urls), False
    if kind == "file_search_call":
        results = [
            f"{result.get('filename', '')}:\n{result.get('text', '')}"
            for result in _objects(data.get("results"))
        ]
        return "file_search", _json({"queries": data.get("queries")}), "\n\n".join(results), False
    if kind == "code_interpreter_call":
        outputs = [
            str(output.get("logs") or output.get("url") or "")
            for output in _objects(data.get("outputs"))
        ]
        return "code_interpreter", _json({"code": data.get("code")}), "\n".join(outputs), False
    if kind == "mcp_call":
        error = data.get("error")
        result = data.get("output") or ("" if error is None else _text(error))
        name = ".".join(str(data[field]) for field in ("server_label", "name") if data.get(field))
        arguments = data.get("arguments")
        return (
            name or kind,
            arguments if isinstance(arguments, str) else "{}",
            _text(result),
            bool(error),
        )
    if kind == "mcp_list_tools":
        names = [str(tool.get("name")) for tool in _objects(data.get("tools"))]
        error = data.get("error")
        return (
            kind,
            _json({"server_label": data.get("server_label")}),
            "\n".join(names),
            bool(error),
        )
    return kind.removesuffix("_call"), "{}", "", False


def _text(value: Any) -> str:
    return value if isinstance(value, str) else _json(value)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _objects(value: Any) -> list[dict[str, Any]]:
    return [entry for entry in _list(value) if isinstance(entry, dict)]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
