"""``photochrom app``."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Annotated

from . import option, say


def open_page(
    host: Annotated[str, option(of="ADDRESS", usual=True,
        help="Where to listen; 0.0.0.0 lets other machines in, and their users see the "
        "page.")] = "127.0.0.1",
    port: Annotated[int, option(of="NUMBER", usual=True, min=1, max=65535,
        help="Where to listen.")] = 8501,
    no_browser: Annotated[bool, option("--no-browser",
        help="Only serve the page; open no window.")] = False,
) -> None:  # fmt: skip
    """Open a page in the browser to colour pictures and films.

    Everything stays on this machine. Ctrl-C ends it.
    """
    from ..errors import MissingExtraError

    if importlib.util.find_spec("streamlit") is None:
        raise MissingExtraError.of("streamlit", "web", "The page")
    from streamlit.web.cli import main

    shown = "localhost" if host in ("0.0.0.0", "127.0.0.1") else host  # noqa: S104
    say(f"photochrom: http://{shown}:{port} (Ctrl-C ends it)")
    main(["run", str(script()), *_options(host, port, no_browser)], standalone_mode=False)


def script() -> Path:
    """The file that Streamlit runs."""
    return Path(__file__).parents[1] / "web" / "streamlit_app.py"


def _options(host: str, port: int, no_browser: bool) -> list[str]:
    """Streamlit's options; the others are in the app's ``.streamlit/config.toml``."""
    settings = {
        "server.address": host,
        "server.port": port,
        "server.headless": str(no_browser).lower(),
    }
    return [word for key, value in settings.items() for word in (f"--{key}", str(value))]
