"""What is known of the models of one server, because it has been tried."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from llm_repl_providers.openai.api import Api, ApiName
from llm_repl_providers.openai.limitations import Body, Limitation

__all__ = ["KnownLimitations"]


class KnownLimitations:
    """Remembers what helped with a model. It may be used in any thread."""

    def __init__(self) -> None:
        self._names: dict[tuple[ApiName, str], frozenset[str]] = {}
        self._apis: dict[str, ApiName] = {}

    def adapt(self, api: Api, body: Body) -> Body:
        """Write a body as its model is known to accept it."""
        known = self._names.get((api.name, _model(body)), frozenset())
        for limitation in api.limitations:
            if limitation.name in known and limitation.concerns(body):
                body = limitation.adapt(body)
        return body

    def add(self, api: Api, body: Body, limitations: Iterable[Limitation]) -> None:
        """Remember what helped, where it will help again."""
        lasting = {limitation.name for limitation in limitations if limitation.is_lasting}
        key = (api.name, _model(body))
        self._names[key] = self._names.get(key, frozenset()) | lasting

    def only_api(self, model: str) -> ApiName | None:
        """The one API that has a model; None: it is not known that only one has."""
        return self._apis.get(model)

    def set_only_api(self, model: str, api: ApiName) -> None:
        """Remember which API has a model, where another one does not."""
        self._apis[model] = api


def _model(body: dict[str, Any]) -> str:
    return str(body.get("model"))
