"""The command line: the tree of commands, each in a file that is imported when it is used.

Help is in groups, messages have one line, and every way to end has its exit code.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from .._io import show
from ..errors import DownloadError, ModelImportError, PhotochromError

if TYPE_CHECKING:
    from ..errors import CancelToken

FAILED, USAGE, STOPPED = 1, 2, 130
"""Exit codes: the work failed, at least in part; it was not begun; it was stopped by a signal."""

COMMANDS = {
    "colorize": "colorize:colorize",
    "uncolor": "uncolor_files:uncolor_files",
    "shots": "shots:shots",
    "evaluate": "networks.evaluate:evaluate",
    "evaluate-video": "networks.evaluate_video:evaluate_video",
    "leaderboard": "networks.evaluate:leaderboard",
    "train": "networks.train:train",
    "app": "web_app:open_page",
    "serve": "serve:serve",
    "models": "networks.models:models_app",
}
"""Name -> module and function."""

_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")


def option(
    *names: str, help: str, of: str | None = None, usual: str | bool = False, **more: Any
) -> Any:
    """An option of a command.

    Args:
        names: default: that of the parameter.
        help: one or a few sentences.
        of: what stands for its value.
        usual: whether the default is shown, or words for it.
        more: of `typer.Option`.
    """
    return typer.Option(*names, help=help, metavar=of, show_default=usual, **more)


def say(line: str) -> None:
    """Write a line for people, to standard error, if there is one."""
    with suppress(OSError):  # a terminal that was closed
        typer.echo(line, err=True)


def complain(line: str) -> None:
    """Say what went wrong."""
    say(f"photochrom: {line}")


def exit_code(error: PhotochromError) -> int:
    """The exit code of a command that ends with ``error``."""
    return FAILED if isinstance(error, DownloadError | ModelImportError) else USAGE


def is_terminal(stream: Any) -> bool:
    """Whether a standard stream is a terminal; one that is closed is none."""
    return stream is not None and bool(stream.isatty())


def stop_on_signals() -> None:
    """Have SIGTERM and SIGHUP end this process as Ctrl-C does, unless they are ignored (nohup)."""
    for name in _SIGNALS[1:]:
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, signal.default_int_handler)


@contextmanager
def cancelled_by_signals(token: CancelToken) -> Iterator[None]:
    """While this is open, the first signal to stop sets ``token``; the second interrupts."""

    def stop(number: int, frame: object) -> None:
        if token.is_set():
            raise KeyboardInterrupt
        token.set()

    before = {}
    for number in (getattr(signal, name, None) for name in _SIGNALS):
        if number is not None and signal.getsignal(number) is signal.default_int_handler:
            before[number] = signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Command(TyperCommand):
    """A command whose help shows options in groups, by their ``rich_help_panel``."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the arguments, then each group of options."""
        groups: dict[str, list[tuple[str, str]]] = {}
        for param in self.get_params(ctx):
            if (record := param.get_help_record(ctx)) is not None:
                plain = "Options" if param.param_type_name == "option" else "Arguments"
                group = getattr(param, "rich_help_panel", None) or plain
                groups.setdefault(group, []).append(record)
        groups["Options"] = groups.pop("Options", [])  # those without a group at the end
        for title, records in groups.items():
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Write the epilog line by line, as it is."""
        if self.epilog:
            formatter.write_paragraph()
            for line in self.epilog.splitlines():
                formatter.write(f"{line}\n")


class Commands(TyperGroup):
    """The top of the tree; turns every expected exception into a line and an exit code."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = dict.fromkeys(COMMANDS)  # type: ignore[assignment]  # see get_command

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Import a command."""
        if cmd_name not in COMMANDS:
            return None
        name, function = COMMANDS[cmd_name].split(":")
        module = import_module(f".{name}", __package__)
        found = getattr(module, function)
        if isinstance(found, typer.Typer):
            command = typer.main.get_command(found)
        else:
            one = typer.Typer(
                add_completion=False,
                rich_markup_mode=None,
                context_settings={"help_option_names": ["-h", "--help"]},
            )
            epilog = getattr(module, "EPILOG", None)
            one.command(cmd_name, cls=Command, epilog=epilog)(found)
            command = typer.main.get_command(one)
        command.name = cmd_name
        return command

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
        """As the base class, but Photochrom's errors and signals end it with an exit code."""
        try:
            return super().invoke(ctx)
        except PhotochromError as error:
            complain(str(error))
            raise typer.Exit(exit_code(error)) from None
        except KeyboardInterrupt:
            complain("stopped")
            raise typer.Exit(STOPPED) from None
        except OSError as error:
            complain(_system_error(error))
            raise typer.Exit(FAILED) from None


def _system_error(error: OSError) -> str:
    try:
        Path.cwd()
    except FileNotFoundError:
        return "the working folder does not exist any more; change to another one"
    where = f"{show(error.filename)}: " if error.filename else ""
    return f"{where}{error.strerror or error}"


app = typer.Typer(
    cls=Commands,
    rich_markup_mode=None,  # plain help is shorter, and 0.06 s faster
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from .. import __version__

        typer.echo(f"photochrom {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def photochrom(
    context: typer.Context,
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Show the version and exit.", callback=_print_version, is_eager=True
        ),
    ] = False,
) -> None:
    """Colour for black-and-white photographs and films.

    For example: photochrom colorize grandma.jpg
    """
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def main() -> None:
    """Run the command line on the arguments of this process."""
    stop_on_signals()
    code: object = 0
    try:
        app()
    except SystemExit as end:
        code = end.code
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError as error:  # a full disk, or a reader that has ended
        complain(f"standard output: {error.strerror}")
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # the interpreter would try once more
        code = code or FAILED
    sys.exit(code)  # type: ignore[arg-type]
