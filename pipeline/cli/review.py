"""`audit review` and `audit password`: the relabel app, and who may come in."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.options import WorkspaceOption

if TYPE_CHECKING:
    from pipeline.workspace.workspace import Workspace


def review(
    workspace: WorkspaceOption = Path(),
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Port; by default a free one from 8501 on.")] = None,
    host: Annotated[
        str, typer.Option(help="Address to listen on; 0.0.0.0 lets colleagues in who have the password (audit password).")
    ] = "localhost",
    browser: Annotated[bool, typer.Option(help="Open the page in a browser.")] = True,
) -> None:
    """Relabel suspect segments frame by frame in the browser. Ctrl+C ends it.

    Example: audit review -w my-audit --port 8600 --no-browser
    """
    from pipeline.cli.serving import app_command, app_script, require_free_port, serve
    from pipeline.review.access import database_of
    from pipeline.review.passwords import is_loopback
    from pipeline.workspace.workspace import Workspace

    place = Workspace(workspace)
    place.finished()  # raises where there is nothing to show
    database_of(place)  # a broken audit.toml is reported here, not in the middle of the server's start
    if not is_loopback(host):
        _require_sign_in(place, host=host)
    if port is not None:
        require_free_port(port, host=host)
    raise typer.Exit(serve(place, app_command(app_script(), port=port, host=host, browser=browser)))


def password(workspace: WorkspaceOption = Path()) -> None:
    """Set the password that reviewers type before they see the app; audit.toml keeps its hash.

    Example: audit password -w my-audit
    """
    from pipeline.review.passwords import store_password
    from pipeline.workspace.workspace import Workspace

    place = Workspace(workspace)
    store_password(place.config_path, _typed_password())
    typer.echo(f"wrote {place.config_path}\nnext: audit review -w {workspace} --host 0.0.0.0  (start it anew where it runs)")


def _require_sign_in(place: Workspace, *, host: str) -> None:
    """Say what listening beyond this machine means, and have a password set where there is neither one nor a login."""
    from data_schemas.errors import UsageError
    from pipeline.cli.serving import app_script, exposure_warning
    from pipeline.review.passwords import login_configured, store_password

    review = place.config().review
    typer.echo("\n".join(exposure_warning(host, hosts=review.hosts)), err=True)
    if review.password or login_configured(app_script()):
        return
    if not sys.stdin.isatty():
        way = f"audit password -w {place.root}  (or [auth] in Streamlit's secrets.toml)"
        raise UsageError(f"--host {host} needs a password or a login", hint=way)
    store_password(place.config_path, _typed_password())


def _typed_password() -> str:
    """Ask for a password twice, unseen; where nobody types, it is the first line that comes in."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    return str(typer.prompt("Password for all reviewers", hide_input=True, confirmation_prompt=True, err=True))
