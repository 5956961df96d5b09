"""The command line: one module per family of commands, each imported only when it is used."""

from __future__ import annotations

import gc
from importlib import import_module

import click

from callrouter import __version__

# command -> module of this package that defines a click command of that name (dashes become underscores)
COMMANDS: dict[str, str] = {
    "explain": "routing",
    "simulate": "simulate",
    "whatif": "whatif",
    "staff": "staff",
    "scenarios": "scenarios",
    "route-test": "routing",
    "run": "service",
    "replay": "replay",
    "demo": "demo",
    "check": "config",
    "schema": "config",
    "hours": "hours",
    "prompts": "prompts",
    "dialplan": "dialplan",
    "doctor": "doctor",
    "callbacks": "callbacks",
    "forget": "records",
    "report": "report",
    "user": "user",
    "story": "story",
}


class _Lazy(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        module = COMMANDS.get(cmd_name)
        if module is None:
            return None
        gc.disable()  # what is imported stays: to search it for garbage meanwhile is a sixth of the start, in vain
        try:
            command = getattr(import_module(f"callrouter.cli.{module}"), cmd_name.replace("-", "_"))
        finally:
            gc.enable()
        assert isinstance(command, click.Command)
        return command


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="%(version)s")
def main() -> None:
    """Route the calls of public service centres over several Asterisk sites; nobody pays to wait."""
