"""``llm-repl ask``: one question, whose answer is all that is printed."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from llm_repl_server.cli.completing import complete_models, complete_providers
from llm_repl_server.cli.errors import as_invalid_input
from llm_repl_server.cli.flowing_text import FlowingText, echo, stream_columns
from llm_repl_server.cli.terminal_text import escape_controls

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llm_repl_core import Application, Ledger, Notebook, Output, PromptCell, Session
    from llm_repl_core.engine.options import RunKeywords
    from llm_repl_core.ledger.record import Mode

__all__ = ["command"]

_STDIN = "-"
_KEPT = "last-question.llmn"
"""The notebook of the last question, in the folder of the calls."""
_LIMIT_BYTES = 20_000_000
_NAME = "Question"
_NOTEBOOK_ID = "b949eee7-3add-5520-b609-941de1a6cee8"
"""All questions are one notebook's: answers are reused within one."""


@click.command("ask")
@click.argument("question")
@click.argument("files", nargs=-1)
@click.option(
    "-m",
    "--model",
    help="The model; `openai/gpt-5.4-mini` names the provider, too.",
    shell_complete=complete_models,
)
@click.option(
    "--provider",
    help="The provider.  [default: the settings']",
    shell_complete=complete_providers,
)
@click.option("--base-url", metavar="URL", help="The provider's address.")
@click.option("-s", "--system", help="The system prompt.")
@click.option(
    "--schema",
    help="A schema of the answer: the short form `name, age int, tags[]`, or a JSON Schema.",
)
@click.option("--temperature", type=click.FloatRange(0, 2), help="From 0 to 2.")
@click.option("--reuse", is_flag=True, help="Take a recorded answer, if there is one.")
@click.option("--max-usd", type=click.FloatRange(min=0), help="What it may cost, in US dollars.")
@click.option(
    "go_on", "-c", "--continue", is_flag=True, help="Go on with the last question and its answer."
)
@click.option("--no-log", is_flag=True, help="Keep neither the call nor the question.")
@click.option(
    "--json", "as_json", is_flag=True, help="Print JSON: the answer, its model, tokens and price."
)
def command(
    question: str,
    files: tuple[str, ...],
    *,
    model: str | None,
    provider: str | None,
    base_url: str | None,
    system: str | None,
    schema: str | None,
    temperature: float | None,
    reuse: bool,
    max_usd: float | None,
    go_on: bool,
    no_log: bool,
    as_json: bool,
) -> None:
    """Ask a model QUESTION, and print its answer alone.

    FILES go with it: the text of text files, and pictures, sound and PDFs as they are. `-` is
    the standard input, as QUESTION or among FILES. The call is kept, as those of notebooks are: see `llm-repl calls`.

    The exit code is 1 if there is no answer, or only a part of one.
    """
    from llm_repl_core import Budget, Notebook, Session
    from llm_repl_server.cli.provider_choice import application_for, check_providers
    from llm_repl_server.cli.run_ledgers import RunLedgers
    from llm_repl_server.cli.termination import Termination

    application, provider, model = application_for(
        provider=provider, model=model, base_url=base_url
    )
    path = _kept_path()
    notebook = _last_notebook(application, path) if go_on else Notebook(_NAME, id=_NOTEBOOK_ID)
    cell = _add_question(notebook, question, files)
    cell.change(
        system=None if system is None else _plain(system), schema=schema, temperature=temperature
    )
    mode: Mode = "reuse" if reuse else "live"
    ledgers = RunLedgers(path, notebook, mode=mode, use_log=not no_log)
    ledgers.choose_provider(application, provider=provider, model=model, base_url=base_url)
    check_providers(application, notebook, ledgers.mode)
    options: RunKeywords = {
        "mode": mode,
        "budget": None if max_usd is None else Budget(usd=max_usd),
    }
    with (
        Termination() as termination,
        ledgers,
        Session(
            notebook,
            application=application,
            kernel="in_process",
            ledger=ledgers.ledger,
            cwd=Path("/"),  # files may be anywhere
        ) as session,
    ):
        with as_invalid_input():
            session.check_prices([cell.id], **options)
        try:
            failed = _ask(session, cell, options, as_json=as_json)
            if as_json:
                document = _described(session, ledgers.ledger, cell)
                click.echo(json.dumps(document, indent=2, ensure_ascii=False))
        except KeyboardInterrupt:
            sys.exit(termination.exit_code)
        finally:
            ledgers.save()
            if not no_log:
                _keep(application, notebook, path)
    sys.exit(int(failed))


def _kept_path() -> Path:
    from llm_repl_server.settings import data_folder

    return data_folder() / _KEPT


def _last_notebook(application: Application, path: Path) -> Notebook:
    from llm_repl_core import InvalidInput

    if not path.exists():
        raise InvalidInput("There is no last question to go on with: leave out -c.")
    return application.load(path)


def _keep(application: Application, notebook: Notebook, path: Path) -> None:
    """Keep the question for `-c`, for its owner alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    application.save(notebook, path)


def _add_question(notebook: Notebook, question: str, files: Sequence[str]) -> PromptCell:
    from llm_repl_core import InvalidInput

    if question == _STDIN:
        question, files = "", (_STDIN, *files)
    texts, attachments = [question], []
    for name in dict.fromkeys(files):  # the standard input is there once
        data = _read(name)
        text = _text_of(data)
        if text is None and name == _STDIN:
            raise click.BadParameter("What comes on the standard input is no text in UTF-8.")
        if text is None:
            attachments.append(str(Path(name).absolute()))
        elif name == _STDIN and not question.strip():
            texts.append(text)
        else:
            texts.append(_fenced("" if name == _STDIN else name, text))
    if not attachments and not any(text.strip() for text in texts):
        raise InvalidInput("There is nothing to ask: the question is empty.")
    return notebook.add_prompt(
        _plain("\n\n".join(text for text in texts if text.strip())),
        context="above",
        attachments=attachments,
        response_var=f"answer_{len(notebook) + 1}",
    )


def _read(name: str) -> bytes:
    from llm_repl_core.files import read_given

    if name != _STDIN:
        with as_invalid_input():
            return read_given(Path(name), _LIMIT_BYTES)
    data = sys.stdin.buffer.read(_LIMIT_BYTES + 1)
    if len(data) > _LIMIT_BYTES:
        raise click.BadParameter(f"The standard input has more than {_LIMIT_BYTES:,} bytes.")
    return data


def _text_of(data: bytes) -> str | None:
    if b"\x00" in data[:4096]:
        return None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None


def _fenced(name: str, text: str) -> str:
    """A text with its name, between fences that it does not have itself."""
    fence = "```"
    while fence in text:
        fence += "`"
    heading = f"{name}:\n\n" if name else ""
    return f"{heading}{fence}\n{text.rstrip()}\n{fence}"


def _plain(text: str) -> str:
    """A template that is the text, whatever braces it has."""
    return text.replace("{", "{{").replace("}", "}}")


class _Printer:
    """Prints an answer as it comes, so that it is there whole in the end.

    What was printed can't be taken back. Where an answer broke off and is asked for again, nothing is
    printed while it is the same as before; one that differs begins on a line of its own.

    Args:
        streams: Whether to print it before it is whole.
    """

    def __init__(self, *, streams: bool) -> None:
        self._streams = streams
        self._for_terminal = sys.stdout.isatty()
        self._said = self._printed = ""
        self._flowing = FlowingText(stream_columns(sys.stdout))

    def add(self, text: str) -> None:
        """More of the answer has come."""
        if not self._streams:
            return
        self._said += text
        if not self._printed.startswith(self._said):
            self._print(self._said)

    def restart(self) -> None:
        """The answer broke off, and begins anew."""
        self._said = ""

    def finish(self, text: str) -> None:
        """The whole answer: what is missing of it is printed, and a line break."""
        self._print(text)
        self._echo(self._flowing.finish())
        if not text.endswith("\n"):
            self._echo("\n")

    def _print(self, text: str) -> None:
        """Print what of a text is not printed yet."""
        if not text.startswith(self._printed):
            self._echo(f"{self._flowing.finish()}\n")
            echo("The answer broke off; the one that follows begins anew.", err=True)
            self._printed = ""
            self._flowing = FlowingText(stream_columns(sys.stdout))
        rest = text[len(self._printed) :]
        self._printed = text
        self._echo(self._flowing.add(self._printable(rest)))

    def break_line(self) -> None:
        """Begin a new line where one is unfinished."""
        if self._printed and not self._printed.endswith("\n"):
            self._echo(f"{self._flowing.finish()}\n")

    def _printable(self, text: str) -> str:
        return escape_controls(text, for_terminal=self._for_terminal)

    @staticmethod
    def _echo(text: str) -> None:
        click.echo(text, nl=False)


def _ask(session: Session, cell: PromptCell, options: RunKeywords, *, as_json: bool) -> bool:
    """Ask, and print the answer; whether there is none, or only a part."""
    from llm_repl_core import CellFailed, CellRetried, CellText

    printer = _Printer(streams=not as_json and not cell.has_schema)
    failure = None
    for event in session.stream([cell.id], **options):
        if isinstance(event, CellText):
            printer.add(event.text)
        elif isinstance(event, CellRetried):
            printer.restart()
        elif isinstance(event, CellFailed):
            failure = event.error
    if as_json:
        return failure is not None
    answer = _answer_of(cell)
    if failure is not None:
        printer.break_line()
        echo(f"Error: {failure}", err=True)
    elif answer is not None and cell.has_schema:
        printer.finish(json.dumps(answer.fields.get("value"), indent=2, ensure_ascii=False))
    elif answer is not None:
        printer.finish(answer.content)
    for output in cell.outputs:
        if output.type == "warning":
            echo(f"Warning: {output.content}", err=True)
    return failure is not None


def _answer_of(cell: PromptCell) -> Output | None:
    return next(
        (output for output in reversed(cell.outputs) if output.type == "llm_response"), None
    )


def _described(session: Session, ledger: Ledger, cell: PromptCell) -> dict[str, Any]:
    """What `--json` prints."""
    answer = _answer_of(cell)
    fields = {} if answer is None else answer.fields
    names = ("value", "provider", "model", "usage", "finish_reason", "source", "call_id")
    error = next((output.content for output in cell.outputs if output.type == "error"), None)
    call_id = fields.get("call_id")
    price_usd = None
    if isinstance(call_id, str):
        found = session.loop.call(ledger.find(session.notebook.id, [call_id]))
        price_usd = found[0].price_usd if found else None
    return {
        "answer": None if answer is None else answer.content,
        **{name: fields[name] for name in names if name in fields},
        "price_usd": price_usd,
        **({} if error is None else {"error": error}),
    }
