"""The page's logic, run by Streamlit's own tester: no browser, no server."""

from __future__ import annotations

import io
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.cli_model import grey_picture

pytest.importorskip("streamlit", reason="needs Streamlit (extra web)")

import streamlit as st
from streamlit.testing.v1 import AppTest

from photochrom import ArgumentError, ModelImportError
from photochrom.cli import web_app as command
from photochrom.options import ColorOptions, ranges
from photochrom.web.page.choosing import import_caffe
from photochrom.web.visit.workspace import MEGABYTES
from tests.helpers import tiny_models as tiny
from tests.helpers.caffe_small import small_files

MATROSKA = b"\x1aE\xdf\xa3" + bytes(60)
"""Enough of a film to be taken for one."""


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The page with a tiny model chosen."""
    models = tmp_path / "models"
    models.mkdir()
    tiny.photochrom(models / "tiny.onnx", hints=True, title="A tiny one: for tests")
    monkeypatch.setenv("PHOTOCHROM_HOME", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    st.cache_resource.clear()  # the visits of the test before
    app = AppTest.from_file(str(command.script()), default_timeout=60)
    app.session_state["model"] = "tiny"
    return app.run()


def png(width: int = 90, height: int = 60) -> bytes:
    buffer = io.BytesIO()
    grey_picture(width, height).save(buffer, "PNG")
    return buffer.getvalue()


def drop(page: Any, *files: tuple[str, bytes]) -> Any:
    uploader = page.file_uploader[0]
    return uploader.set_value([(name, data, "image/png") for name, data in files]).run()


def vividness(page: Any) -> Any:
    return next(s for s in page.slider if s.label == "Vividness")


def texts(page: Any) -> str:
    return " ".join(e.value for e in (*page.markdown, *page.caption, *page.info))


def test_the_first_screen(page: Any) -> None:
    assert not page.exception
    assert page.title[0].value == "Give your old photographs colour"
    assert "plausible, not evidence" in texts(page)
    assert "A tiny one" in texts(page)
    assert [s.label for s in page.selectbox] == ["Model"]
    assert not page.slider


def test_a_dropped_picture_is_shown_and_leaves_streamlit_s_memory(page: Any) -> None:
    drop(page, ("grandma.png", png()))
    assert not page.exception
    space = page.session_state["workspace"]
    (item,) = space.items.values()
    assert item.name == "grandma.png"
    assert item.path.read_bytes() == png()
    labels = [button.label for button in page.download_button]
    assert labels == ["Download", "Before and after in one picture"]


def test_every_number_of_the_color_options_has_a_slider(page: Any) -> None:
    drop(page, ("grandma.png", png()))
    assert [s.label.lower() for s in page.slider] == list(ranges(ColorOptions))


def test_sliders_change_one_picture_and_can_be_undone(page: Any) -> None:
    drop(page, ("a.png", png()), ("b.png", png()))
    space = page.session_state["workspace"]
    first, second = space.items.values()
    (canvas,) = space._canvases.values()
    before = canvas._after.cache_info().misses
    vividness(page).set_value(2.0).run()
    assert not page.exception
    assert canvas._after.cache_info().misses == before + 1
    assert first.edits.look.options == ColorOptions(vividness=2.0)
    assert second.edits.look.options == ColorOptions()
    first.edits.undo()
    page.run()
    assert vividness(page).value == 1.0
    first.edits.redo()
    page.run()
    assert vividness(page).value == 2.0


def test_a_visit_is_found_again_after_a_restart(page: Any, tmp_path: Path) -> None:
    drop(page, ("a.png", png()), ("b.png", png()))
    vividness(page).set_value(2.0).run()
    again = AppTest.from_file(str(command.script()), default_timeout=60)
    again.query_params["visit"] = page.query_params["visit"]
    before = page.session_state["workspace"]
    st.cache_resource.clear()  # the process forgets all visits
    again.run()
    space = again.session_state["workspace"]
    assert space is not before
    assert [item.name for item in space.items.values()] == ["a.png", "b.png"]
    assert vividness(again).value == 2.0


def test_hints_survive_what_is_done_elsewhere(page: Any) -> None:
    drop(page, ("grandma.png", png()))
    (item,) = page.session_state["workspace"].items.values()
    item.edits.act({"do": "put", "x": 0.5, "y": 0.5})
    page.run()
    item.edits.act({"do": "paint", "id": 1, "color": "#c0392b"})
    vividness(page).set_value(1.5).run()
    assert not page.exception
    assert [pin.color for pin in item.edits.look.pins] == ["#c0392b"]


def test_how_sure_is_it(page: Any) -> None:
    drop(page, ("grandma.png", png()))
    page.toggle[0].set_value(True).run()
    assert not page.exception
    assert "The more violet, the less sure" in texts(page)


def test_several_pictures_and_what_is_none(page: Any) -> None:
    cut_off = png()[:40]
    drop(page, ("a.png", png()), ("b.png", cut_off))
    space = page.session_state["workspace"]
    space.chosen = list(space.items)[1]
    page.run()
    assert [space.state(item) for item in space.items.values()] == ["coloured", "failed"]
    # One line, with the user's own name for it; the rest is under "Technical details".
    assert "“b.png” cannot be opened" in page.error[0].value
    assert str(page.session_state["workspace"].folder) not in page.text[0].value
    assert not page.exception
    page.button(key="remove").click().run()
    assert not page.error
    assert not page.exception
    assert [item.name for item in page.session_state["workspace"].items.values()] == ["a.png"]
    assert page.slider


def test_all_pictures_at_once(page: Any) -> None:
    drop(page, ("a.png", png()), ("b.png", png(40, 30)))
    page.button(key="batch").click().run()
    job = page.session_state["workspace"].jobs["pictures"]
    for _ in range(100):
        if job.status != "running":
            break
        page.run()
    page.run()
    assert job.status == "done"
    assert not page.exception
    assert "Download the ZIP" in [b.label for b in page.download_button]


def test_a_film_without_the_extra(page: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("photochrom.web.page.film.film_missing", lambda: "Films need more.")
    drop(page, ("clip.mkv", MATROSKA))
    assert not page.exception
    assert page.info[0].value == "Films need more."


def test_a_film_is_coloured_with_progress(page: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fake(
        source: Path, target: Path, model: Any, options: Any, part: Any, progress: Any, cancel: Any
    ) -> list[str]:
        assert options == ColorOptions(vividness=0.5)
        progress(1, 2)
        target.write_bytes(source.read_bytes() + b"!")
        progress(2, 2)
        return []

    monkeypatch.setattr("photochrom.web.page.film.film_missing", lambda: None)
    monkeypatch.setattr("photochrom.web.page.film.color_film", fake)
    monkeypatch.setattr("photochrom.web.page.film.duration", lambda path: 0.5)
    monkeypatch.setattr(
        "photochrom.web.page.film.write_still", lambda film, path, at: path.write_bytes(png())
    )
    monkeypatch.setattr("photochrom.web.page.film.write_shots", lambda *given: None)
    drop(page, ("clip.mkv", MATROSKA))
    vividness(page).set_value(0.5).run()
    page.button(key="film").click().run()
    space = page.session_state["workspace"]
    job = space.jobs[space.chosen]
    while job.status == "running":
        page.run()
    page.run()
    assert not page.exception
    assert job.result.read_bytes() == MATROSKA + b"!"
    assert "Download the film" in [b.label for b in page.download_button]


def test_a_model_that_cannot_be_loaded(page: Any, tmp_path: Path) -> None:
    (tmp_path / "models" / "broken.onnx").write_bytes(b"nothing")
    page.run()
    page.selectbox(key="model").set_value("broken").run()
    assert not page.exception
    assert "This model cannot be used" in page.error[0].value
    page.selectbox(key="model").set_value("tiny").run()
    assert not page.error


def test_the_three_caffe_files_become_a_model(tmp_path: Path) -> None:
    files = small_files(tmp_path)
    given = {
        role: io.BytesIO(path.read_bytes())
        for role, path in {
            "prototxt": files.prototxt,
            "caffemodel": files.caffemodel,
            "points": files.points,
        }.items()
    }
    target = tmp_path / "models"
    assert import_caffe(given, target).family == "zhang16"
    assert [path.name for path in target.iterdir()] == ["zhang16.onnx"]
    with pytest.raises(ArgumentError, match="consists of three files"):
        import_caffe({"points": given["points"]}, target)
    with pytest.raises(ModelImportError):
        import_caffe({role: io.BytesIO(b"x") for role in given}, target)


def test_an_imported_model_is_used_at_once(page: Any, tmp_path: Path) -> None:
    tiny.photochrom(tmp_path / "models" / "other.onnx", title="Another")
    page.session_state["imported"] = "other"
    page.run()
    assert not page.exception
    assert page.selectbox(key="model").value == "other"
    assert page.session_state["workspace"].model == "other"


def test_an_error_nobody_thought_of_shows_no_traceback(
    page: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("photochrom.web.page.intake.welcome", lambda *_: 1 / 0)
    page.run()
    assert not page.exception
    assert "Something went wrong" in page.error[0].value
    assert page.text[0].value == "ZeroDivisionError"


def test_the_settings_hold_for_both_ways_of_starting() -> None:
    text = (command.script().parent / ".streamlit" / "config.toml").read_text()
    settings = tomllib.loads(text)
    assert settings["browser"]["gatherUsageStats"] is False
    assert settings["client"]["showErrorDetails"] == "none"
    assert settings["client"]["showErrorLinks"] == "false"
    assert settings["server"]["maxUploadSize"] == MEGABYTES
    flags = command._options("127.0.0.1", 8501, True)
    assert flags == [
        *("--server.address", "127.0.0.1", "--server.port", "8501"),
        *("--server.headless", "true"),
    ]
