"""The command line.

Exit codes: 0 done (also after SIGTERM and SIGINT), 1 could not start or failed, with one line on
standard error that says why and what to do, 2 wrong usage. What a command needs is imported when
it runs, so that `cocut token` starts at once.
"""

from __future__ import annotations

import errno
import signal
import sys
import time
from typing import TYPE_CHECKING, Any

import typer

from collab.errors import CocutError
from server.command_settings import DoctorSettings, LibrarySettings, TokenSettings
from server.options import LOGGING, MEDIA, STORAGE, own_command, settings_command
from server.settings import (
    LOAD_PREFIX,
    Settings,
    SettingsError,
    read_variables,
    without_backtraces,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from typer.core import TyperCommand


def serve(settings: Settings) -> None:
    """Run the server.

    Prints the line `ready http://HOST:PORT` when it accepts connections.
    Logs go to standard error. SIGTERM and SIGINT end it in good order.
    """
    settings.require_servable()
    from server import observe, supervisor

    observe.configure_logging(settings.log_level, settings.log_format)
    raise typer.Exit(_run(supervisor.serve, settings))


def token(settings: Settings, wanted: TokenSettings) -> None:
    """Print a token, and nothing else, for a server with the same secret or data directory."""
    from api.identity import mint
    from server.secret import signing_secret

    secret = signing_secret(settings)
    print(mint(secret, wanted.user, wanted.tier, wanted.name, wanted.ttl, time.time()))


def migrate(settings: Settings) -> None:
    """Bring the database's schema up to date, and say what was done; `serve` does it by itself."""
    from server import observe, storage

    observe.configure_logging(settings.log_level, settings.log_format)
    raise typer.Exit(_run(storage.bring_up_to_date, settings))


def seed(settings: Settings) -> None:
    """Fill the libraries with a small stock of music, effects, pictures and avatars.

    All of it is made on this machine by Cocut's own code. What is there already stays.
    """
    from server import observe
    from server.stock import seed as stock

    observe.configure_logging(settings.log_level, settings.log_format)
    raise typer.Exit(_run(stock.seed, settings))


def library_add(settings: Settings, wanted: LibrarySettings) -> None:
    """Add files of your own to the libraries, for everybody.

    A JSON file beside one (song.mp3.json) may say more of it: title, artist, category, tags,
    is_premium; that wins over the options. A file that is added again gets a new description.
    """
    from functools import partial

    from server import observe
    from server.stock.imports import add

    observe.configure_logging(settings.log_level, settings.log_format)
    raise typer.Exit(_run(partial(add, wanted=wanted), settings))


def worker(settings: Settings) -> None:
    """Run a worker for jobs: speech, images, films. `serve` runs one by itself."""
    from server import handlers, observe

    observe.configure_logging(settings.log_level, settings.log_format)
    raise typer.Exit(_run(handlers.work, settings))


def doctor(settings: Settings, wanted: DoctorSettings) -> None:
    """Check what is stored, and say what is wrong; with --repair, mend it.

    Looks at the database, the log, snapshots and tables of every video, the journal, and the files.
    Ends with 0 when all is well, with 1 when something was found, also when it was mended.
    """
    from functools import partial

    from server import observe
    from server.doctor import check_up

    observe.configure_logging(settings.log_level, settings.log_format)
    raise typer.Exit(_run(partial(check_up, wanted=wanted), settings))


def load(context: typer.Context) -> None:
    """Simulate editors and measure what a server does; see `cocut load --help`."""
    command = load_command()
    variables = {LOAD_PREFIX + (one.name or "").upper(): one.name for one in command.params}
    values = read_variables(variables)
    written = {name: values[variable] for variable, name in variables.items() if variable in values}
    command.main(context.args, prog_name="cocut load", standalone_mode=True, default_map=written)


def load_command() -> TyperCommand | Any:
    """`cocut load` with its own options, which are no settings of a server."""
    from server.load import command

    app = typer.Typer(
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"auto_envvar_prefix": LOAD_PREFIX.rstrip("_")},
    )
    app.command("load")(command.load)
    return typer.main.get_command(app)


def _run(main: Callable[[Settings], Awaitable[int]], settings: Settings) -> int:
    import asyncio

    import uvloop

    async def call() -> int:
        return await main(settings)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(call())


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(version("cocut"))
        raise typer.Exit


def application() -> typer.Typer:
    """The commands, with their options."""
    root = typer.Typer(
        name="cocut",
        help="Real-time collaborative editing server for short videos.",
        epilog="Every option has an environment variable; a .env file in the working directory is "
        "read. The option wins, then the variable, then the file, then the default.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode="rich",
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    root.callback()(_root)
    root.command()(settings_command(serve))
    root.command()(own_command(token, TokenSettings, ["data_dir", "jwt_secret"]))
    root.command()(settings_command(worker, fields=[*STORAGE, "blob_url", *MEDIA, *LOGGING]))
    root.command()(settings_command(seed, fields=[*STORAGE, "blob_url", *LOGGING]))
    library = typer.Typer(help="Add to the libraries.", no_args_is_help=True)
    adding = own_command(library_add, LibrarySettings, [*STORAGE, "blob_url", *LOGGING])
    library.command("add")(adding)
    root.add_typer(library, name="library")
    root.command()(settings_command(migrate, fields=[*STORAGE, *LOGGING]))
    root.command()(own_command(doctor, DoctorSettings, [*STORAGE, "blob_url", *LOGGING]))
    everything = {"allow_extra_args": True, "ignore_unknown_options": True}
    root.command(context_settings={**everything, "help_option_names": []})(load)
    return root


def _root(
    _version: bool = typer.Option(
        False,
        "--version",
        help="Print the version and end.",
        is_eager=True,
        callback=_print_version,
    ),
) -> None:
    """Hold the options that come before the command."""


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and end the process with its exit code."""
    sys.exit(run(sys.argv[1:] if arguments is None else arguments))


def run(arguments: list[str]) -> int:
    """Run the command line; returns the exit code."""
    signal.signal(signal.SIGTERM, _end)
    without_backtraces()
    command: TyperCommand | Any = typer.main.get_command(application())
    try:
        code = command.main(arguments, prog_name="cocut", standalone_mode=True)
    except SettingsError as error:
        return _fail(error, 2 if error.usage else 1)
    except KeyboardInterrupt:
        return 0
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(bool(end.code))
    except OSError as error:
        return _fail(_advice(error), 1)
    except CocutError as error:
        return _fail(error, 1)
    return code if isinstance(code, int) else 0


def _end(_signal: int, _frame: object) -> None:
    raise SystemExit(0)


def _advice(error: OSError) -> str:
    known = {
        errno.EADDRINUSE: "the port is taken; stop what listens there, or choose another --port",
        errno.EADDRNOTAVAIL: "this machine does not have that address; choose another --host",
        errno.EROFS: "the file system is read-only; choose another --data-dir",
        errno.EACCES: "not allowed here; choose a --port above 1023 and a --data-dir of your own",
        errno.EEXIST: "a file is where a directory is to be; choose another --data-dir",
        errno.ENOTDIR: "a file is where a directory is to be; choose another --data-dir",
        errno.ENOSPC: "the disk is full; make room, or move --data-dir",
    }
    advice = known.get(error.errno or 0)
    return f"{advice} ({error})" if advice else str(error)


def _fail(error: Exception | str, code: int) -> int:
    sentence = " ".join(str(error).split()) or type(error).__name__
    print(f"cocut: {sentence}", file=sys.stderr)
    return code
