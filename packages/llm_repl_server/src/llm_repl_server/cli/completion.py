"""``llm-repl completion``: what a shell needs to complete commands, options and names."""

from __future__ import annotations

import click

from llm_repl_server.cli.entry import COMPLETION_VARIABLE

__all__ = ["command"]

_ADDS = "COMPREPLY+=($value)"
_ADDS_NAMES = """[[ $value == */ ]] && compopt -o nospace
            [[ $value == *' '* ]] && printf -v value %q "$value"
            COMPREPLY+=("$value")"""
"""As names of files want it: one goes on behind a folder, and a blank in a name is no end."""


_HELP = """\
Print the script that lets SHELL complete commands, options, notebooks, cells, providers and models.

\b
bash  in ~/.bashrc:  eval "$(llm-repl completion bash)"
zsh   in ~/.zshrc:   eval "$(llm-repl completion zsh)"
fish  once:          llm-repl completion fish
                     > ~/.config/fish/completions/llm-repl.fish
"""
"""Its second paragraph is shown as it is written, as click has it by that escape."""


@click.command("completion", help=_HELP)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print the script."""
    from click.shell_completion import get_completion_class

    found = get_completion_class(shell)
    if found is None:
        raise click.UsageError(f"There is no completion for {shell}.")
    root = click.get_current_context().find_root()
    # Not by `source`, which asks an installed bash for its version: the script may be for another machine.
    script = found(root.command, {}, root.info_name or "llm-repl", COMPLETION_VARIABLE)
    text = script.source_template % script.source_vars()
    click.echo(text.replace(_ADDS, _ADDS_NAMES) if shell == "bash" else text)
