"""The command that shows the notebook in the page."""

from __future__ import annotations

from llm_repl_server.cli.browser import open_in_browser
from llm_repl_server.repl.commands.base import Command, CommandContext
from llm_repl_server.repl.target import RunChoice

__all__ = ["COMMANDS"]


def _web(context: CommandContext, _text: str) -> None:
    ran = sum(cell.status == "completed" for cell in context.target.cells())
    is_shared = "://" in context.target.place
    address = context.share()
    context.say(f"The page has the same notebook: {address}")
    open_in_browser(address)
    if is_shared or not ran:
        return
    context.say("A server runs it now, with a kernel of its own, until you leave the terminal.")
    what = "the cell" if ran == 1 else f"the {ran} cells"
    if context.confirm(f"Run {what} there, with the recorded answers?"):
        context.run(RunChoice(mode="reuse"))


COMMANDS = (
    Command(
        name="web",
        summary="Show the notebook in the page; the terminal goes on with the same one.",
        example="/web",
        run=_web,
        details="A server is started for it, unless it is a server's already. Variables are made "
        "again there by running the cells; answers come from the record.",
    ),
)
