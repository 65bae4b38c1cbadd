"""What all commands share: one line on standard error for each mistake, and the exit codes."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import typer
from typer.core import TyperGroup

from ..errors import DownloadError, ModelImportError, PhotochromError

FAILED, USAGE, STOPPED = 1, 2, 130
"""Exit codes: the work failed, at least in part; it was not begun; Ctrl-C."""


def say(line: str) -> None:
    """Write a line for people, to standard error."""
    typer.echo(line, err=True)


def exit_code(error: PhotochromError) -> int:
    """The exit code of a command that ends with ``error``."""
    return FAILED if isinstance(error, DownloadError | ModelImportError) else USAGE


class Commands(TyperGroup):
    """The top of the command tree; turns every expected exception into a line and an exit code."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """As the base class, but a mistake in the arguments is told in one line."""
        try:
            code = super().main(args, prog_name, complete_var, False, windows_expand_args, **extra)
        except Exception as error:
            # Typer's errors of usage, whose class is private to it or, in older releases, Click's.
            if not standalone_mode or not hasattr(error, "format_message"):
                raise
            context = getattr(error, "ctx", None)
            command = context.command_path if context else "photochrom"
            message = " ".join(error.format_message().split())
            say(f"{command}: {message} (see {command} --help)")
            sys.exit(getattr(error, "exit_code", USAGE))
        if not standalone_mode:
            return code
        sys.exit(code if isinstance(code, int) else 0)

    def invoke(self, ctx: Any) -> Any:
        """As the base class, but Photochrom's errors and Ctrl-C end it with an exit code."""
        try:
            return super().invoke(ctx)
        except PhotochromError as error:
            say(f"photochrom: {error}")
            raise typer.Exit(exit_code(error)) from None
        except KeyboardInterrupt:
            say("photochrom: stopped")
            raise typer.Exit(STOPPED) from None
