"""A provider that answers with the prompt reversed."""

from __future__ import annotations

from collections.abc import Iterator

from llm_repl_core import Delta, ModelNotFound, Provider, Request, hookimpl


class ReverseProvider(Provider):
    """Needs no key. Its one model is `reverse`."""

    name = "reverse"
    default_model = "reverse"

    def stream(self, request: Request) -> Iterator[Delta]:
        # A plain generator is enough: LLM-REPL runs it in a thread.
        if request.model != self.default_model:
            raise ModelNotFound(f"There is no model `{request.model}`; there is `reverse`.")
        words = request.messages[-1].content[::-1].split(" ")
        yield Delta(text=words[0])
        for word in words[1:]:
            yield Delta(text=f" {word}")
        yield Delta(finish_reason="stop", model=self.default_model)


@hookimpl
def llm_repl_providers() -> list[type[Provider]]:
    return [ReverseProvider]
