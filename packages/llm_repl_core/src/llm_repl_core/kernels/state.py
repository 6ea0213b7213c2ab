"""What a prompt is filled from: the state of a kernel, or a copy of it that is only looked at."""

from __future__ import annotations

import abc
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Annotated, Any, Literal, Self

from msgspec import UNSET, Meta, Struct, UnsetType, field

from llm_repl_core.model.json_value import JSONValue

__all__ = [
    "Evaluated",
    "Expression",
    "Failed",
    "KernelFork",
    "KernelOptions",
    "KernelState",
    "Value",
]


class KernelOptions(Struct, frozen=True, kw_only=True):
    """The options and limits of a kernel.

    Attributes:
        cwd: The folder in which the code runs; None: the caller's.
        env: Environment variables added for the code; never a key.
        output_limit_bytes: The output limit of a cell, in UTF-8; the rest is dropped, with a
            notice.
        memory_limit_bytes: The memory limit of the kernel's process; 0: none.
        value_limit_bytes: The limit of one value's text in `Kernel.evaluate` and `Kernel.snapshot`.
        value_timeout_s: The timeout of one value's ``__repr__`` in ``Kernel.snapshot``.
        insert_limit_chars: How many characters of a value, of a cell with its outputs, or of a
            tool's result are sent to a model; a string value is sent in full.
        preload: Modules that a worker's zygote imports once, for all kernels.
        kernelspec: The name of the Jupyter kernelspec, for a kernel that uses one.
        withheld_variables: Environment variables that the code must not see, besides those that
            `llm_repl_core.kernels.environment` always withholds.
    """

    cwd: str | None = None
    env: dict[str, str] = field(default_factory=dict)
    output_limit_bytes: Annotated[int, Meta(ge=1)] = 10_000_000
    memory_limit_bytes: Annotated[int, Meta(ge=0)] = 0
    value_limit_bytes: Annotated[int, Meta(ge=1)] = 1_000_000
    value_timeout_s: Annotated[float, Meta(gt=0)] = 1.0
    insert_limit_chars: Annotated[int, Meta(ge=100)] = 100_000
    preload: tuple[str, ...] = ()
    kernelspec: str | None = None
    withheld_variables: tuple[str, ...] = ()


class Expression(Struct, frozen=True):
    """A Python expression, and how its value becomes text: one field of an f-string.

    Attributes:
        source: The expression.
        conversion: ``r``, ``s``, ``a`` or None, as after ``!``.
        format_spec: What stands behind ``:``: texts and, nested, expressions.
        insert_limit_chars: Of what a prompt inserts: libraries do not abbreviate the value's text; it
            has at most so many characters, unless the value is a text itself, and
            `Value.notice` says what it lacks. None: the text is as usual.
    """

    source: str
    conversion: Literal["r", "s", "a"] | None = None
    format_spec: tuple[str | Expression, ...] = ()
    insert_limit_chars: int | None = None


class Value(Struct, frozen=True, tag="value"):
    """A value of the state, as far as it can leave the kernel.

    Attributes:
        text: As an f-string would show it; text that UTF-8 can't hold is escaped.
        type_name: The class's name.
        json: The value, where JSON can hold it and it is within the limit; else ``UNSET``.
        truncated: Whether ``text`` was cut at the limit.
        notice: What the text of an expression with an ``insert_limit_chars`` lacks, as the end of a
            sentence about the value; empty where it is whole.
    """

    text: str
    type_name: str
    json: JSONValue | UnsetType = UNSET
    truncated: bool = False
    notice: str = ""


class Failed(Struct, frozen=True, tag="failed"):
    """What became of an expression that raised.

    Attributes:
        ename: The exception's class name.
        evalue: Its text.
        names: The names that do exist, sorted, where ``ename`` is ``NameError``.
        is_explained: Whether ``evalue`` ends with a sentence that says what LLM-REPL has to do with it,
            such as that a variable waits for the answer of a prompt; ``names`` is empty then.
    """

    ename: str
    evalue: str
    names: tuple[str, ...] = ()
    is_explained: bool = False


Evaluated = Value | Failed


class KernelState(abc.ABC):
    """Variables that expressions are evaluated over.

    What leaves it is data, never a live object, and is not to be trusted: it is bounded and is text
    or JSON.

    Args:
        options: What the kernel may use.
    """

    def __init__(self, options: KernelOptions | None = None) -> None:
        self.options = options or KernelOptions()

    @property
    @abc.abstractmethod
    def alive(self) -> bool:
        """Whether it can be asked: it has been started and has not ended since."""

    @abc.abstractmethod
    async def evaluate(
        self,
        expressions: Sequence[Expression],
        *,
        restricted: bool = False,
        extra: Mapping[str, JSONValue] | None = None,
    ) -> list[Evaluated]:
        """Evaluate expressions over the state, in order; one that raises does not stop the rest.

        Args:
            expressions: What to evaluate.
            restricted: Whether only the builtins of `llm_repl_core.safe_builtins` are in reach.
            extra: Names that are visible to these expressions only.

        Returns:
            One entry an expression.

        Raises:
            KernelDied: The kernel ended meanwhile.
        """

    @abc.abstractmethod
    async def assign(self, values: Mapping[str, Any]) -> None:
        """Set variables to JSON values.

        Raises:
            KernelDied: The kernel ended meanwhile.
        """

    @abc.abstractmethod
    async def names(self) -> list[str]:
        """The user's variables, sorted: no modules, and nothing that starts with ``_``."""


class KernelFork(KernelState):
    """A copy of a kernel's state as it was at one moment, which is only looked at.

    Nothing that is done to it reaches the kernel or the world. What it is asked is bounded in time;
    after that, or where it has ended otherwise, it raises `llm_repl_core.errors.KernelDied`, and its
    kernel goes on as if there had been no fork. It ends with its kernel.
    """

    @abc.abstractmethod
    async def close(self) -> None:
        """End it, and free what it held. May be called twice, and at any time."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()
