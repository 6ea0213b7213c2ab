"""A kernel that `jupyter_client` runs, and that is talked to over its channels."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import os
import queue
import re
import subprocess
from collections.abc import AsyncGenerator, Callable, Collection, Mapping, Sequence
from typing import Any, ClassVar, TypeVar

import msgspec

from llm_repl_core.errors import (
    InvalidInput,
    KernelDied,
    KernelError,
    KernelStartFailed,
    KernelUnsupported,
)
from llm_repl_core.kernels.base import Evaluated, Expression, Kernel, KernelOptions, Value
from llm_repl_core.kernels.environment import kernel_environment
from llm_repl_core.kernels.explanations import explain_results, explained
from llm_repl_core.kernels.jupyter.kernelspecs import make_manager, spec_languages
from llm_repl_core.kernels.jupyter.outputs import PublishedOutputs
from llm_repl_core.kernels.orphan_guard import OrphanGuard
from llm_repl_core.kernels.pending import PendingVariables
from llm_repl_core.kernels.private_folder import PrivateFolder
from llm_repl_core.kernels.stopping import end_request
from llm_repl_core.kernels.values import clean_text
from llm_repl_core.kernels.worker.exit_reasons import UNKNOWN_EXIT, exit_reason
from llm_repl_core.model.json_value import JSONValue
from llm_repl_core.model.language import PYTHON
from llm_repl_core.model.names import by_variable
from llm_repl_core.model.output import Output
from llm_repl_core.model.output_changes import OutputChange

__all__ = ["JupyterKernel"]

T = TypeVar("T")

_DEFAULT_KERNELSPEC = "python3"
_READY_TIMEOUT_S = 60
_SILENCE_S = 10.0
"""How long after a cell's answer nothing is heard until its outputs are taken for lost."""
_LOST = "The kernel did not say that all outputs of the cell were sent: some may be lost."
_POLL_S = 0.5
"""How often a kernel that says nothing is asked whether it lives."""
_EDITOR_TIMEOUT_S = 1.0
_MAX_MATCHES = 200
_MAX_DOCUMENTATION = 4000
_VERSION_LIMIT_CHARS = 40

_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


class JupyterKernel(Kernel):
    """A kernel run by ``jupyter_client``, with whatever provisioner its kernelspec names.

    Values can be read and set where the kernel's language is Python. ``memory_limit_bytes`` and
    ``preload`` have no meaning here. Needs the extra ``llm-repl-core[jupyter]``.

    Args:
        options: What the kernel may use; ``kernelspec`` says which, ``python3`` by default.
    """

    name: ClassVar[str] = "jupyter"

    def __init__(self, options: KernelOptions | None = None) -> None:
        super().__init__(options)
        self._lock = asyncio.Lock()
        self._manager: Any = None
        self._folder: PrivateFolder | None = None
        self._guard: OrphanGuard | None = None
        self._client: Any = None
        self._pending = PendingVariables({})
        """What is pending in the kernel, by names only."""
        self._published: PublishedOutputs | None = None
        self._language = ""
        self._language_version: str | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._alive = False
        self._busy = False

    @property
    def language(self) -> str | None:
        """The language that its kernelspec names, as notebooks do."""
        return self._spec_language

    @property
    def language_version(self) -> str | None:
        """The version that the kernel tells when it starts."""
        return self._language_version

    @functools.cached_property
    def _spec_language(self) -> str | None:
        return spec_languages().get(self._kernelspec)

    @property
    def _kernelspec(self) -> str:
        return self.options.kernelspec or _DEFAULT_KERNELSPEC

    @property
    def alive(self) -> bool:
        """Whether its process runs, as far as it was noticed."""
        return self._alive

    async def start(self) -> None:
        """Start with an empty state; see `Kernel.start`."""
        if self._alive:
            return
        await self.shutdown()
        spec = self._kernelspec
        self._folder = PrivateFolder()
        try:
            self._manager = make_manager(spec, self._folder.path)
            # Its own sockets and files; the process itself comes from the provisioner.
            await self._manager.start_kernel(
                cwd=self.options.cwd,
                # What the user's code prints comes by messages; this is the kernel's own talk.
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=kernel_environment(
                    self.options.env, withheld_variables=self.options.withheld_variables
                ),
            )
            self._guard = _guarded(self._manager.provisioner)
            self._client = self._manager.client()
            self._client.start_channels()
            await self._client.wait_for_ready(timeout=_READY_TIMEOUT_S)
            self._published = PublishedOutputs(self._client, self.options.output_limit_bytes)
            self._pending = PendingVariables({})
            self._alive = True
            await self._prepare()
        except asyncio.CancelledError:
            await self.shutdown()
            raise
        except Exception as error:  # a provisioner's author may raise anything
            await self.shutdown()
            if isinstance(error, KernelStartFailed):
                raise
            if isinstance(error, KernelError):
                raise KernelStartFailed(str(error)) from None
            raise KernelStartFailed(
                f"The Jupyter kernel {spec!r} did not start: {error}."
            ) from error
        self._watcher = asyncio.create_task(self._watch())

    async def execute(self, code: str) -> AsyncGenerator[OutputChange, None]:
        """Run code and yield its outputs as they come; see `Kernel.execute`."""
        async with self._lock:
            self._require_alive()
            published = self._published
            assert published is not None
            number = self._take_number()
            if number and self._speaks_python:
                from llm_repl_core.kernels.jupyter.source import number_code

                self._client.execute(number_code(number), silent=True)
            id_ = self._client.execute(clean_text(code), allow_stdin=False, stop_on_error=False)
            published.begin(id_)
            self._busy = True
            answering = asyncio.create_task(self._reply(id_))
            answering.add_done_callback(lambda _: published.wake())
            try:
                async for change in self._published_until(published, answering):
                    yield change
                self._busy = False
            finally:
                if self._busy:
                    answering.cancel()
                    await asyncio.wait({answering})
                    await self._end_request(id_)
                    published.buffer.take()  # nobody reads what was left
            content = answering.result()["content"]
            for page in _pages(content):
                published.buffer.write("stdout", page)
            if published.failed(content):
                failure = _failure(published.failure or content)
                pending = self._pending.explanation
                published.buffer.error(
                    *explained(failure, environment=self.options.env, pending=pending)
                )
            elif published.failure is not None:
                name, text, _ = _failure(published.failure)
                published.buffer.write(
                    "stderr", f"One form of a value can't be shown: {name}: {text}\n"
                )
            published.buffer.end()
            for change in published.buffer.take():
                yield change

    async def _published_until(
        self, published: PublishedOutputs, answering: asyncio.Task[Any]
    ) -> AsyncGenerator[OutputChange, None]:
        """The outputs of a cell until it has ended and was answered.

        Raises:
            KernelDied: It will not be.
        """
        loop = asyncio.get_running_loop()
        heard_s = loop.time()
        while not (published.ended and answering.done()):
            if answering.done() and answering.exception() is not None:
                answering.result()
            if published.ended:
                await asyncio.wait({answering}, timeout=_POLL_S)
            else:
                await published.wait(_POLL_S)
            for change in published.buffer.take():
                heard_s = loop.time()
                yield change
            if answering.done() and loop.time() - heard_s > _SILENCE_S:
                published.buffer.append(Output.warning(_LOST))
                break

    async def evaluate(
        self,
        expressions: Sequence[Expression],
        *,
        restricted: bool = False,
        extra: Mapping[str, JSONValue] | None = None,
    ) -> list[Evaluated]:
        """Evaluate expressions over the state of a Python kernel; see `Kernel.evaluate`."""
        arguments = {
            "expressions": msgspec.to_builtins(list(expressions)),
            "restricted": restricted,
            "extra": dict(extra or {}),
            "limit_bytes": self.options.value_limit_bytes,
        }
        results = await self._ask("evaluate", arguments, list[dict[str, Any]], put=self._put_output)
        explain_results(results, environment=self.options.env, pending=self._pending)
        return msgspec.convert(results, list[Evaluated])

    async def assign(self, values: Mapping[str, Any]) -> None:
        """Set variables of a Python kernel to JSON values; see `Kernel.assign`."""
        await self._ask("assign", by_variable(values), type(None))

    async def set_pending(self, names: Sequence[str], token: str, why: str) -> None:
        """Say that variables of a Python kernel get their values later; see `Kernel.set_pending`."""
        why = clean_text(why)
        arguments = {"names": list(names), "token": token, "why": why}
        await self._ask("set_pending", arguments, type(None))
        self._pending.set_pending(names, token, why)

    async def resolve_pending(self, resolved: Mapping[str, Mapping[str, Any] | None]) -> None:
        """Give variables the values that were to come; see `Kernel.resolve_pending`."""
        values = {
            token: None if answers is None else dict(answers) for token, answers in resolved.items()
        }
        await self._ask("resolve_pending", values, type(None))
        self._pending.resolve(
            {token: answers and dict.fromkeys(answers) for token, answers in values.items()}
        )

    @property
    def _speaks_python(self) -> bool:
        return self._language == PYTHON

    async def names(self) -> list[str]:
        """The user's variables, sorted; none in another language. See `Kernel.names`."""
        if not self._speaks_python:
            return []
        return await self._ask("names", {}, list[str])

    async def snapshot(self, names: Collection[str] | None = None) -> dict[str, Value]:
        """Variables and values; none in another language. See `Kernel.snapshot`."""
        if not self._speaks_python:
            return {}
        arguments = {
            "limit_bytes": self.options.value_limit_bytes,
            "timeout_s": self.options.value_timeout_s,
            "names": None if names is None else list(names),
        }
        return await self._ask("snapshot", arguments, dict[str, Value])

    async def complete(self, code: str, cursor: int) -> dict[str, Any] | None:
        """Ask by Jupyter's own message, where helpers can't; see `llm_repl_core.kernels.views.EditorKernel`."""
        if self._speaks_python:
            return None
        content = await self._ask_editor(lambda: self._client.complete(code, cursor))
        # Kernels of others may leave out anything.
        typed = (content.get("metadata") or {}).get("_jupyter_types_experimental")
        kinds = {
            str(match.get("text", "")): str(match.get("type", ""))
            for match in typed or ()
            if isinstance(match, dict)
        }
        start, end = content.get("cursor_start"), content.get("cursor_end")
        return {
            "start": start if isinstance(start, int) else cursor,
            "end": end if isinstance(end, int) else cursor,
            "matches": [
                {"text": text, "type": kinds.get(text, "")}
                for text in map(str, (content.get("matches") or ())[:_MAX_MATCHES])
            ],
        }

    async def inspect(self, code: str, cursor: int) -> dict[str, Any] | None:
        """Ask by Jupyter's own message, where helpers can't; see `complete`."""
        if self._speaks_python:
            return None
        content = await self._ask_editor(lambda: self._client.inspect(code, cursor))
        data = (content.get("data") or {}) if content.get("found") else {}
        text = str(data.get("text/plain", ""))
        return {"documentation": _ANSI.sub("", text)[:_MAX_DOCUMENTATION]} if text else {}

    async def _ask_editor(self, send: Callable[[], str]) -> Any:
        """Ask what an editor asks, and give it up after a moment: the answer that is late is passed over."""
        async with self._lock:
            self._require_alive()
            id_ = send()
            try:
                async with asyncio.timeout(_EDITOR_TIMEOUT_S):
                    return (await self._reply(id_))["content"]
            except TimeoutError:
                return {}

    async def interrupt(self) -> None:
        """End what is running; see `Kernel.interrupt`."""
        if self._busy and self._alive:
            await self._manager.interrupt_kernel()

    async def shutdown(self) -> None:
        """End the kernel's process and remove its connection file."""
        self._alive = False
        self._busy = False
        watcher, self._watcher = self._watcher, None
        if watcher is not None:
            watcher.cancel()
            await asyncio.wait({watcher})
        published, self._published = self._published, None
        if published is not None:
            await published.close()
        client, self._client = self._client, None
        if client is not None:
            client.stop_channels()
        manager, self._manager = self._manager, None
        if manager is not None:
            with contextlib.suppress(RuntimeError, OSError):
                await manager.shutdown_kernel(now=True)
            # It keeps its own context of ZeroMQ, with threads, until told otherwise.
            manager.context.destroy(linger=0)
        self._release_guard()
        folder, self._folder = self._folder, None
        if folder is not None:
            await asyncio.to_thread(folder.remove, with_content=True)

    # Talking -----------------------------------------------------------------------------------

    async def _prepare(self) -> None:
        """Learn the kernel's language, and give a Python kernel the helpers."""
        id_ = self._client.kernel_info()
        info = (await self._reply(id_))["content"]
        told = info.get("language_info", {})
        self._language = str(told.get("name", "")).lower()
        self._language_version = str(told.get("version") or "")[:_VERSION_LIMIT_CHARS] or None
        if self._speaks_python:
            # Here, as it reads the sources of two dozen modules, and few notebooks have such a kernel.
            from llm_repl_core.kernels.jupyter.source import bootstrap_code

            id_ = self._client.execute(bootstrap_code(), silent=True, allow_stdin=False)
            content = (await self._reply(id_))["content"]
            if content.get("status") != "ok":
                raise KernelError(
                    f"The helper code did not run in it: {content.get('evalue', 'no reason given')}"
                )

    async def _ask(
        self,
        what: str,
        arguments: dict[str, Any],
        kind: type[T],
        *,
        put: Callable[[OutputChange], object] | None = None,
    ) -> T:
        self._require_alive()
        if not self._speaks_python:
            raise KernelUnsupported(
                f"Variables can only be read and set in Python kernels, and this one runs "
                f"{self._language or 'another language'}."
            )
        from llm_repl_core.kernels.jupyter.source import request_expression

        try:
            expression = request_expression(what, arguments)
        except (TypeError, ValueError, RecursionError) as error:
            raise InvalidInput(
                f"Only JSON values can be sent to a kernel in another process: {error}."
            ) from None
        async with self._lock:
            self._require_alive()
            id_ = self._client.execute(
                "", silent=True, user_expressions={"answer": expression}, allow_stdin=False
            )
            published = self._published
            if put is not None and published is not None:
                published.collect(id_)
            self._busy = True
            try:
                content = (await self._reply(id_))["content"]
                if put is not None and published is not None:
                    for output in await published.collected(_SILENCE_S):
                        put(output)
            except asyncio.CancelledError:
                await self._end_request(id_)
                raise
            finally:
                self._busy = False
        answer = content.get("user_expressions", {}).get("answer", {})
        if answer.get("status") != "ok":
            raise KernelError(
                "The kernel could not answer: "
                f"{answer.get('evalue') or content.get('evalue') or 'it gives no reason'}."
            )
        try:
            return msgspec.convert(json.loads(answer["data"]["text/plain"]), kind)
        except (ValueError, KeyError, TypeError) as error:
            raise KernelError(f"The kernel's answer can't be read: {error}.") from None

    async def _reply(self, id_: str) -> Any:
        while True:
            message = await self._next(self._client.get_shell_msg)
            if message["parent_header"].get("msg_id") == id_:
                return message

    async def _next(self, receive: Callable[..., Any]) -> Any:
        """The next message of a channel.

        Raises:
            KernelDied: There will be none.
        """
        while True:
            try:
                return await receive(timeout=_POLL_S)
            except queue.Empty:
                if self._manager is None or not await self._manager.is_alive():
                    raise await self._death() from None
            except asyncio.CancelledError:
                task = asyncio.current_task()
                if self._client is not None or (task is not None and task.cancelling()):
                    raise
                # Not we are cancelled: the channel was closed under us.
                raise KernelDied("The kernel was shut down while running code.") from None

    async def _end_request(self, id_: str) -> None:
        """End what nobody waits for any more, and pass over what is left of its answer."""

        async def answered() -> None:
            with contextlib.suppress(KernelDied):
                await self._reply(id_)

        try:
            await end_request(answered(), interrupt=self.interrupt, end_kernel=self.shutdown)
        finally:
            self._busy = False

    async def _watch(self) -> None:
        """Notice the end of a kernel that nobody talks to."""
        while await self._manager.is_alive():  # noqa: ASYNC110  there is no event to wait for
            await asyncio.sleep(_POLL_S)
        self._alive = False
        self._release_guard()  # its number may soon be another's

    def _release_guard(self) -> None:
        guard, self._guard = self._guard, None
        if guard is not None:
            guard.release()

    async def _death(self) -> KernelDied:
        self._alive = False
        self._busy = False
        status = None
        if self._manager is not None and self._manager.provisioner is not None:
            status = await self._manager.provisioner.poll()
        return KernelDied(exit_reason(status) if isinstance(status, int) else UNKNOWN_EXIT)

    def _require_alive(self) -> None:
        if not self._alive:
            raise KernelDied("The Jupyter kernel is not running; start it first.")


def _guarded(provisioner: Any) -> OrphanGuard | None:
    """Have a kernel of this machine end with this process; those of others are not ours to end."""
    group = getattr(provisioner, "pgid", None)
    if os.name != "posix" or not group or group == os.getpgrp():
        return None
    with contextlib.suppress(OSError):
        return OrphanGuard(group)
    return None


def _pages(content: Mapping[str, Any]) -> list[str]:
    """What a frontend is to show in a pager: ``?`` and some magics answer with it."""
    pages = [part for part in content.get("payload") or () if part.get("source") == "page"]
    texts = [_ANSI.sub("", str(page.get("data", {}).get("text/plain", ""))) for page in pages]
    return [text if text.endswith("\n") else f"{text}\n" for text in texts if text]


def _failure(content: Mapping[str, Any]) -> tuple[str, str, list[str]]:
    lines = "\n".join(_ANSI.sub("", str(line)) for line in content.get("traceback", []))
    return str(content.get("ename", "")), str(content.get("evalue", "")), lines.split("\n")
