"""The form that an answer must have: how it is told to the model, checked, and kept."""

from __future__ import annotations

import abc
import asyncio
import json
from typing import Any, cast

from llm_repl_core.engine.prompts.answer_json import read_answer_json
from llm_repl_core.engine.prompts.answer_schema import (
    SchemaChecker,
    object_schema,
    schema_name,
)
from llm_repl_core.engine.prompts.inspected import NAMESPACE, ask, listed, reason
from llm_repl_core.engine.prompts.schema_cost import SchemaCost
from llm_repl_core.engine.prompts.schema_process import check_apart
from llm_repl_core.engine.prompts.short_schema import parse_short_schema
from llm_repl_core.errors import AnswerMisfit, InvalidInput, KernelError
from llm_repl_core.kernels.state import Failed, KernelState
from llm_repl_core.model.json_value import JSONValue
from llm_repl_core.model.names import is_variable, named_variable
from llm_repl_core.providers.base import AnswerSchema

__all__ = ["AnswerForm", "ModelForm", "SchemaForm", "resolve_form"]


class AnswerForm(abc.ABC):
    """The form that the answers of one prompt must have.

    Args:
        schema: What the model is told.
    """

    def __init__(self, schema: AnswerSchema) -> None:
        self.schema = schema

    async def read(self, text: str, kernel: KernelState) -> JSONValue:
        """The value of an answer, checked in every way: `parse`, and then `check`.

        Raises:
            AnswerMisfit: It does not fit; the message, for the model, says where and what.
        """
        value = self.parse(text)
        await self.check(kernel, value)
        return value

    @abc.abstractmethod
    def parse(self, text: str) -> JSONValue:
        """The value of an answer, as far as it can be checked without the kernel.

        Args:
            text: The answer: JSON, which may stand in a fence or in other text.

        Raises:
            AnswerMisfit: There is not one JSON value in it, or it does not fit.
        """

    @abc.abstractmethod
    async def check(self, kernel: KernelState, value: JSONValue) -> None:
        """Check what needs the kernel to be checked.

        Raises:
            AnswerMisfit: It does not fit.
        """


class SchemaForm(AnswerForm):
    """A form that a JSON Schema says: the variable is the JSON value. It needs no kernel.

    What takes no time to be checked is checked by `parse`; for anything else there are processes.

    Args:
        schema: What the model is told.
        checker: Checks by it; None: that may take long, also for a short answer.
    """

    def __init__(self, schema: AnswerSchema, checker: SchemaChecker | None) -> None:
        super().__init__(schema)
        self._checker = checker
        self._cost = SchemaCost(schema.schema)

    def parse(self, text: str) -> JSONValue:
        """The value of an answer; see `AnswerForm.parse`."""
        value = read_answer_json(text)
        if self._checker is not None and self._cost.allows(value):
            self._checker.check(value)
        return value

    async def check(self, kernel: KernelState, value: JSONValue) -> None:  # noqa: ARG002  # not here
        """Check what may take for ever; see `AnswerForm.check`."""
        if self._checker is None or not self._cost.allows(value):
            await check_apart(self.schema.schema, value)


class ModelForm(AnswerForm):
    """A form that a class of the state says: the variable is an instance of it.

    Args:
        schema: What the model is told.
        model: The class's name in the state.
    """

    def __init__(self, schema: AnswerSchema, model: str) -> None:
        super().__init__(schema)
        self._model = model

    def parse(self, text: str) -> JSONValue:
        """The value of an answer; see `AnswerForm.parse`."""
        return read_answer_json(text)

    async def check(self, kernel: KernelState, value: JSONValue) -> None:
        """Have the class read it; see `AnswerForm.check`."""
        word = await self._make(kernel, [value])
        await ask(kernel, "forget", repr(word))

    async def deliver(
        self,
        kernel: KernelState,
        variable: str,
        value: JSONValue,
        *,
        many: bool = False,
    ) -> None:
        """Set a variable of the state to what `parse` gave.

        Args:
            kernel: Where the state is.
            variable: Its name.
            value: The value; a list of values where ``many``, in which None stays None.
            many: Whether the variable is a list of answers, of a prompt over items.

        Raises:
            AnswerMisfit: It does not fit.
        """
        if not is_variable(variable):
            raise ValueError(f"{variable!r} is not the name of a variable")
        word = await self._make(kernel, value if many and isinstance(value, list) else [value])
        # Without `extra`, so that it is the state itself that changes.
        sources = (NAMESPACE, repr(variable), repr(word), repr(many))
        if await ask(kernel, "place_answers", *sources) is not True:
            raise KernelError(f"`{variable}` could not be set in the kernel.")

    async def _make(self, kernel: KernelState, values: list[JSONValue]) -> str:
        """Have instances made; the word by which they are found in the kernel."""
        texts: list[JSONValue] = [None if value is None else json.dumps(value) for value in values]
        made = await ask(
            kernel, "make_answers", self._model, "_llm_repl_texts",
            extra={"_llm_repl_texts": texts},
        )  # fmt: skip
        if isinstance(made, Failed):
            raise KernelError(f"`{self._model}` could not read the answer: {reason(made)}.")
        outcome = cast("dict[str, str]", made)
        if "misfit" in outcome:
            raise AnswerMisfit(
                f"The answer does not fit `{self._model}`: {outcome['misfit'].rstrip('.')}."
            )
        if "problem" in outcome:
            raise InvalidInput(f"`schema`: `{self._model}` {outcome['problem']}.")
        return outcome["word"]


async def resolve_form(
    schema: str | dict[str, JSONValue] | None, kernel: KernelState
) -> AnswerForm | None:
    """The form that a prompt asks for.

    Args:
        schema: A JSON Schema, also as text; the name of a model in the state; or the short form.
        kernel: Where the state is.

    Returns:
        None where any text will do.

    Raises:
        InvalidInput: It is none of these; the message says what is wrong, and where.
        KernelError: The kernel cannot tell.
    """
    if schema is None or (isinstance(schema, str) and not schema.strip()):
        return None
    if (model := named_variable(schema)) is not None:
        return await _model_form(model, kernel)
    return await _schema_form(_document_of(schema))


async def _schema_form(schema: dict[str, JSONValue]) -> SchemaForm:
    document = object_schema(schema)
    told = AnswerSchema(name=schema_name(document.get("title")), schema=document)
    if SchemaCost(document).is_small:
        # In a thread, as the library that checks schemas takes a while to be imported.
        return SchemaForm(told, await asyncio.to_thread(SchemaChecker, document))
    await check_apart(document)
    return SchemaForm(told, None)


def _document_of(schema: str | dict[str, JSONValue]) -> dict[str, JSONValue]:
    if isinstance(schema, dict):
        return schema
    if schema.lstrip().startswith("{"):
        return _read_document(schema)
    return parse_short_schema(schema)


def _read_document(text: str) -> dict[str, JSONValue]:
    try:
        document: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(
            f"`schema` looks like a JSON Schema, but is not valid JSON: {error}; "
            "the short form, such as `name, age int`, has no braces around it."
        ) from None
    if not isinstance(document, dict):
        raise InvalidInput("`schema` must be a JSON object.")
    return document


async def _model_form(name: str, kernel: KernelState) -> ModelForm:
    found = await ask(kernel, "model_schema", name)
    if isinstance(found, Failed):
        if found.ename == "NameError":
            raise InvalidInput(
                f"`schema`: there is no variable `{name}`; "
                f"the state has: {listed(list(found.names), 'nothing')}. For a field of that name "
                f"write `{name} str`."
            )
        raise InvalidInput(f"`schema`: `{name}` could not be inspected: {reason(found)}.")
    described = cast("dict[str, Any]", found)
    if "problem" in described:
        raise InvalidInput(f"`schema`: `{name}` {described['problem']}.")
    document = object_schema(described["schema"])
    return ModelForm(AnswerSchema(name=schema_name(described["name"]), schema=document), name)
