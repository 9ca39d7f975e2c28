"""
How a function becomes a verb: it declares its own flags, this adds those that all verbs share.

A verb is `def name(errand: Errand, *, ...)`; Typer reads the rest of its signature. The shared flags may stand before
or after the verb (`ostiary --local keys list`, `ostiary keys list --local`).
"""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Annotated, Any, get_type_hints

import typer

from ostiary.cli.errand import Errand
from ostiary.cli.settings import Given
from ostiary.client.machine import this_machine

__all__ = ["ADMIN", "COMMON", "HELPING", "SIGNING_IN", "Noun", "Verb", "add", "add_noun", "root"]

Body = Callable[..., None]
Verb = tuple[str, Body, Sequence[str]]
"""Its name, its function, and the shared flags it takes."""
Noun = tuple[str, str, Sequence[Verb]]
"""Its name, what it is about, its verbs."""

COMMON = ("server", "profile", "json", "no_input")
SIGNING_IN = ("server", "profile", "store", "json", "no_input")
HELPING = ("server", "profile", "store", "no_input")  # their output is what another program reads
ADMIN = ("server", "profile", "local", "data", "json")

_FLAGS: dict[str, tuple[Any, Any]] = {
    "server": (Annotated[str, typer.Option("--server", metavar="ADDRESS", help="The server's address.")], ""),
    "profile": (Annotated[str, typer.Option("--profile", metavar="NAME", help="The profile to use.")], ""),
    "store": (
        Annotated[
            str,
            typer.Option("--store", metavar="STORE", help="Keep tokens in: keyring, file, memory or plaintext."),
        ],
        "",
    ),
    "data": (
        Annotated[str, typer.Option("--data", metavar="FOLDER", help="The server's data folder, for --local.")],
        "",
    ),
    "local": (
        Annotated[bool, typer.Option("--local", help="Through the socket in the server's data folder, as its owner.")],
        False,
    ),
    "json": (Annotated[bool, typer.Option("--json", help="JSON lines on stdout.")], False),
    "no_input": (Annotated[bool, typer.Option("--no-input", help="Ask nothing.")], False),
}


def add(app: typer.Typer, verb: Verb) -> None:
    """Put *verb* into *app*."""
    name, body, shared = verb
    context = {"allow_extra_args": False, "ignore_unknown_options": False}
    app.command(name, help=inspect.getdoc(body), context_settings=context)(_entry(body, shared))


def add_noun(app: typer.Typer, noun: Noun) -> None:
    """Put *noun* with its verbs into *app*."""
    name, about, verbs = noun
    group = typer.Typer(help=about, no_args_is_help=True, rich_markup_mode=None)
    for verb in verbs:
        add(group, verb)
    app.add_typer(group, name=name)


def root(show_version: Callable[[bool], None]) -> Callable[..., None]:
    """The program's own flags, for all verbs; they wait in the context until the verb is called."""
    kind = Annotated[bool, typer.Option("--version", help="Show the version.", is_eager=True, callback=show_version)]
    version = inspect.Parameter("version", inspect.Parameter.KEYWORD_ONLY, annotation=kind, default=False)

    def entry(context: typer.Context, **values: Any) -> None:
        context.obj = _given(values)

    return _signed(entry, [version], tuple(_FLAGS))


def _entry(body: Body, shared: Sequence[str]) -> Callable[..., None]:
    def entry(context: typer.Context, **values: Any) -> None:
        given = _given({name: values.pop(name) for name in shared})
        before = context.obj if isinstance(context.obj, Given) else Given()
        body(Errand(given.over(before), this_machine()), **values)

    hints = get_type_hints(body, include_extras=True)
    own = [p.replace(annotation=hints[p.name]) for p in list(inspect.signature(body).parameters.values())[1:]]
    return _signed(entry, own, shared)


def _signed(entry: Callable[..., None], own: Sequence[inspect.Parameter], shared: Sequence[str]) -> Callable[..., None]:
    """*entry* with the signature that Typer is to read."""
    keyword = inspect.Parameter.KEYWORD_ONLY
    flags = [inspect.Parameter(n, keyword, annotation=_FLAGS[n][0], default=_FLAGS[n][1]) for n in shared]
    context = inspect.Parameter("context", keyword, annotation=typer.Context)
    parameters = [context, *(p.replace(kind=keyword) for p in own), *flags]
    entry.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    entry.__annotations__ = {p.name: p.annotation for p in parameters}
    return entry


def _given(values: dict[str, Any]) -> Given:
    known = {field.name for field in fields(Given)}
    return Given(**{name: value for name, value in values.items() if name in known and value})
