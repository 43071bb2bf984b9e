"""Command-line options made from the fields of the settings: one place for name, help, default."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import Annotated, Any, TypeVar, get_origin

import typer
from pydantic import BaseModel

from server.setting_fields import option_name, shown, variable_name
from server.settings import Settings, load

STORAGE = ("data_dir", "database_url")
MEDIA = (
    *("speech_url", "speech_key", "speech_model", "speech_voices"),
    *("image_url", "image_key", "image_model"),
)
LOGGING = ("log_level", "log_format")

M = TypeVar("M", bound=BaseModel)


def settings_command(
    run: Callable[[Settings], None], *, fields: Iterable[str] | None = None
) -> Callable[..., None]:
    """A command whose options are fields of `Settings`: all of them, or those named.

    Fields that are no option of the command still come from the environment and `.env`.
    """
    names = list(Settings.model_fields) if fields is None else list(fields)

    def command(context: typer.Context, **values: Any) -> None:
        run(load(Settings, _given(context, values)))

    return _sign(command, run, [(Settings, name) for name in names])


def own_command(
    run: Callable[[Settings, M], None], own: type[M], fields: Iterable[str]
) -> Callable[..., None]:
    """A command with options of its own, the fields of `own`, beside these of `Settings`."""
    names = list(own.model_fields)

    def command(context: typer.Context, **values: Any) -> None:
        given = _given(context, values)
        wanted = load(own, {name: given[name] for name in names if name in given})
        rest = {name: value for name, value in given.items() if name not in names}
        run(load(Settings, rest), wanted)

    options: list[tuple[type[BaseModel], str]] = [(own, name) for name in names]
    return _sign(command, run, [*options, *((Settings, name) for name in fields)])


def _given(context: typer.Context, values: dict[str, Any]) -> dict[str, Any]:
    # Variables are shown by the help but read by the settings, which know how to name them in
    # an error; here only what stands on the command line counts.
    sources = ((name, context.get_parameter_source(name)) for name in values)
    return {
        name: values[name]
        for name, source in sources
        if source is not None and source.name == "COMMANDLINE"
    }


def _shown_default(default: str | None) -> str | bool:
    return False if default in (None, "none") else default


def _sign(
    command: Callable[..., None],
    run: Callable[..., None],
    fields: Iterable[tuple[type[BaseModel], str]],
) -> Callable[..., None]:
    parameters = [
        inspect.Parameter("context", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)
    ]
    for model, name in fields:
        field = model.model_fields[name]
        look = shown(field)
        flag = field.annotation is bool and not look.metavar
        several = get_origin(field.annotation) is tuple
        said = look.default is not None or field.is_required() or flag
        if look.argument:
            annotation = typer.Argument(help=field.description, metavar=look.metavar)
            parameters.append(
                inspect.Parameter(
                    name,
                    inspect.Parameter.KEYWORD_ONLY,
                    annotation=Annotated[list[str], annotation],
                )
            )
            continue
        option = typer.Option(
            option_name(name),
            help=field.description,
            metavar=look.metavar or None,
            envvar=variable_name(name),
            show_default=_shown_default(look.default) if said else True,
            rich_help_panel=look.group,
        )
        kind: Any = bool if flag else list[str] | None if several else str | None
        parameters.append(
            inspect.Parameter(
                name,
                inspect.Parameter.KEYWORD_ONLY,
                default=False if flag else None if said else str(field.default),
                annotation=Annotated[kind, option],
            )
        )
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {p.name: p.annotation for p in parameters}
    command.__name__ = run.__name__
    command.__doc__ = run.__doc__
    return command
