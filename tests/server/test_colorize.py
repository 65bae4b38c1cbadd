"""Pictures over HTTP: what is asked for is what is answered."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from photochrom import Colorizer, ColorOptions, Hint, Picture, open_picture
from photochrom.media import FORMATS
from photochrom.server.http.request_options import PictureOptions
from tests.helpers import tiny_models
from tests.helpers.server_running import Running, check_error, opened, picture, running

JPEG = picture()


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("server"), max_hints=3) as found:
        yield found


def post(live: Running, data: bytes = JPEG, **options: Any) -> Any:
    return live.client.post("/v1/colorize", content=data, params=options)


def expected(live: Running, data: bytes = JPEG, **options: Any) -> Any:
    """The pixels that the library gives."""
    colorizer = Colorizer(live.service.settings.models[0])
    return np.asarray(colorizer.colorize(data, **options).to_pil())


def test_a_body_of_bytes(live: Running) -> None:
    answer = post(live, format="png")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["photochrom-model"] == "tiny"
    assert answer.headers["photochrom-size"] == "48x32"
    steps = [part.split(";")[0] for part in answer.headers["server-timing"].split(", ")]
    assert steps == ["decode", "predict", "paint", "encode", "total"]
    assert np.array_equal(np.asarray(opened(answer.content)), expected(live))


def test_a_form(live: Running) -> None:
    hints = [{"x": 5, "y": 6, "color": "#c0392b", "radius": 4}]
    answer = live.client.post(
        "/v1/colorize",
        files={"file": ("a.jpg", JPEG)},
        data={"hints": json.dumps(hints), "format": "png", "vividness": "0.5", "size": ""},
    )
    assert answer.status_code == 200, answer.text
    colorizer = Colorizer(live.service.settings.models[0])
    options = ColorOptions(vividness=0.5, hints=[Hint(5, 6, (0xC0, 0x39, 0x2B), 4)])
    made = colorizer.colorize(JPEG, options)
    assert np.array_equal(np.asarray(opened(answer.content)), np.asarray(made.to_pil()))


def test_the_form_counts_before_the_query(live: Running) -> None:
    answer = live.client.post(
        "/v1/colorize?vividness=0&format=png", files={"file": JPEG}, data={"vividness": "1"}
    )
    assert np.array_equal(np.asarray(opened(answer.content)), expected(live))


def test_size_reaches_the_network_of_this_request_only(live: Running) -> None:
    small, own = post(live, size=32, format="png"), post(live, format="png")
    assert small.status_code == own.status_code == 200
    assert small.content != own.content
    assert post(live, format="png").content == own.content


@pytest.mark.parametrize("format", ["jpeg", "png", "tiff", "webp", "bmp", "jpeg2000"])
def test_the_same_format(live: Running, format: str) -> None:
    answer = post(live, picture(format))
    assert answer.status_code == 200
    assert opened(answer.content).format == format.upper()
    kind = "jp2" if format == "jpeg2000" else format
    assert answer.headers["content-type"] == f"image/{kind}"


def test_quality(live: Running) -> None:
    data = picture(width=200, height=200)
    assert len(post(live, data, quality=20).content) < len(post(live, data, quality=95).content)


def test_every_page_of_a_tiff(live: Running) -> None:
    buffer = io.BytesIO()
    pages = [opened(picture("png", width)) for width in (40, 50)]
    pages[0].save(buffer, "TIFF", save_all=True, append_images=pages[1:])
    answer = post(live, buffer.getvalue())
    assert answer.headers["content-type"] == "image/tiff"
    result = opened(answer.content)
    assert getattr(result, "n_frames", 1) == 2
    assert answer.headers["photochrom-size"] == "40x32"
    check_error(post(live, buffer.getvalue(), format="png"), 422, "invalid", "one page")


def test_analysis(live: Running) -> None:
    answer = live.client.post("/v1/analyze?places=[[1,2],[40,30]]", content=JPEG)
    found = answer.json()
    assert (found["width"], found["height"], found["model"]) == (48, 32, "tiny")
    assert [(place["x"], place["y"]) for place in found["palette"]] == [(1, 2), (40, 30)]
    prepared = Colorizer(live.service.settings.models[0]).prepare(JPEG)
    colors = [each.color for each in prepared.palette(40, 30)]
    assert [each["color"] for each in found["palette"][1]["colors"]] == colors
    assert all(each["name"] for each in found["palette"][1]["colors"])
    assert found["confidence"]["mean"] == pytest.approx(1 - prepared.entropy.mean(), abs=1e-3)
    map = opened(base64.b64decode(found["confidence"]["map"]))
    assert (map.height, map.width) == prepared.entropy.shape


def test_analysis_has_nine_places_unless_asked(live: Running) -> None:
    answer = live.client.post("/v1/analyze", content=picture("png", 3, 1))
    assert len(answer.json()["palette"]) == 9


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"vividness": 5}, "vividness"),
        ({"vividness": "nan"}, "vividness"),
        ({"vividness": "loud"}, "vividness"),
        ({"size": 0}, "size"),
        ({"size": 1024}, "at most 512"),
        ({"quality": 0}, "quality"),
        ({"format": "gif"}, "format"),
        ({"model": "other"}, "tiny"),
        ({"colour": 1}, "colour"),
        ({"hints": "[1"}, "JSON"),
        ({"hints": '[{"x": 100, "y": 1, "color": "#ffffff"}]'}, "outside the picture"),
        ({"hints": '[{"x": 1, "y": 1, "color": "redish"}]'}, "#rrggbb"),
        ({"hints": json.dumps([{"x": 1, "y": 1, "color": "#ffffff"}] * 4)}, "at most 3"),
    ],
)
def test_wrong_options(live: Running, options: dict[str, Any], words: str) -> None:
    check_error(post(live, **options), 422, "invalid", words)
    answer = live.client.post("/v1/colorize", files={"file": JPEG}, data=options)
    check_error(answer, 422, "invalid", words)


@pytest.mark.parametrize("places", ["[[1]]", "7", "[[1, NaN]]", "[[99, 1]]", "[[1,1]," * 9, "{}x"])
def test_wrong_places(live: Running, places: str) -> None:
    answer = live.client.post("/v1/analyze", params={"places": places}, content=JPEG)
    check_error(answer, 422, "invalid", "place")


@pytest.mark.parametrize(
    ("data", "status", "code", "words"),
    [
        (b"", 422, "invalid", "nothing"),
        (b"hello", 415, "unsupported", "got text"),
        (b"%PDF-1.7", 415, "unsupported", "PDF"),
        (b"\0\0\0 ftypisom" + bytes(100), 415, "unsupported", "film"),
        (JPEG[:200], 422, "invalid", "the picture cannot be read"),
    ],
)
def test_what_is_no_picture(live: Running, data: bytes, status: int, code: str, words: str) -> None:
    check_error(post(live, data), status, code, words)
    if data:
        answer = live.client.post("/v1/colorize", files={"file": data})
        check_error(answer, status, code, words)


def test_a_form_without_a_file_and_a_broken_form(live: Running) -> None:
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    whole = b'--x\r\nContent-Disposition: form-data; name="vividness"\r\n\r\n1\r\n--x--\r\n'
    for body in (whole, whole[:-10], b"nonsense", b""):
        answer = live.client.post("/v1/colorize", content=body, headers=kind)
        check_error(answer, 422, "invalid")
    answer = live.client.post(
        "/v1/colorize", content=whole, headers={"Content-Type": "multipart/form-data"}
    )
    check_error(answer, 422, "invalid", "boundary")


def test_two_files_are_one_too_many(live: Running) -> None:
    answer = live.client.post("/v1/colorize", files=[("file", JPEG), ("file", JPEG)])
    check_error(answer, 413, "too_large", "Too many files")


def test_a_compressed_body(live: Running) -> None:
    answer = live.client.post("/v1/colorize", content=JPEG, headers={"Content-Encoding": "gzip"})
    check_error(answer, 415, "unsupported", "compressed")


def test_models(live: Running) -> None:
    (found,) = live.client.get("/v1/models").json()["models"]
    assert found["name"] == "tiny"
    assert found["default"]
    assert found["distribution"]
    assert found["hints"]
    assert post(live, model="tiny").status_code == 200


@pytest.mark.parametrize("name", ["../tiny", "/etc/passwd", "http://127.0.0.1/x.onnx", "tiny.onnx"])
def test_no_model_but_those_of_the_operator(live: Running, name: str) -> None:
    path = live.service.settings.models[0]
    check_error(post(live, model=name), 422, "invalid", "there is no model")
    check_error(post(live, model=path), 422, "invalid", "there is no model")


def test_health_and_metrics(live: Running) -> None:
    assert live.client.get("/healthz").json() == {"status": "ok"}
    assert live.client.get("/readyz").json() == {"status": "ready", "jobs": {}}
    post(live)
    live.client.get("/v1/jobs/../../secret")
    text = live.client.get("/metrics").text
    assert (
        'photochrom_requests_total{key="",method="POST",route="/v1/colorize",status="200"}' in text
    )
    assert 'photochrom_step_seconds_count{model="tiny",step="predict"}' in text
    assert 'route="other"' in text
    assert "secret" not in text


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "not_found"),
        ("GET", "/v1/colorize", 405, "method_not_allowed"),
        ("TRACE", "/v1/models", 405, "method_not_allowed"),
        ("GET", "/v1/jobs/x", 422, "invalid"),
        ("GET", f"/v1/jobs/{'0' * 32}", 404, "not_found"),
    ],
)
def test_other_paths(live: Running, method: str, path: str, status: int, code: str) -> None:
    check_error(live.client.request(method, path), status, code)


def test_request_ids(live: Running) -> None:
    asked = {"X-Request-ID": "client-id.0001"}
    assert live.client.get("/healthz", headers=asked).headers["x-request-id"] == "client-id.0001"
    evil = {"X-Request-ID": 'x" onload="y'}
    assert live.client.get("/healthz", headers=evil).headers["x-request-id"] != 'x" onload="y'


def test_the_formats_are_those_that_can_be_written(live: Running) -> None:
    choice = PictureOptions.model_json_schema()["properties"]["format"]["enum"]
    assert {name for name, row in FORMATS.items() if row.write} <= set(choice)
    for name in choice:
        extra = name in ("heic", "dpx", "exr")  # which may be missing here
        assert post(live, format=name).status_code in ((200, 415) if extra else (200,))


def test_deep_pictures_and_transparency(live: Running) -> None:
    grey = np.linspace(0, 65535, 40 * 30, dtype=np.uint16).reshape(30, 40)
    alpha = np.full((30, 40), 30000, np.uint16)
    answer = post(live, Picture(grey, alpha).to_bytes("png"))
    back = open_picture(answer.content)
    assert back.pixels.dtype == np.uint16
    assert back.alpha is not None
    assert (back.alpha == 30000).all()


def in_color() -> bytes:
    """Half red, half blue, dark and bright as `JPEG`."""
    grey = open_picture(JPEG).pixels
    rgb = np.repeat(grey[..., None], 3, 2)
    rgb[:, :24, 2] //= 2
    rgb[:, 24:, 0] //= 2
    return Picture(rgb).to_bytes("png")


def test_references(tmp_path: Path) -> None:
    """Files of the form's field; with a model that has features."""
    tiny_models.photochrom(model := tmp_path / "lending.onnx", features=True)
    with running(tmp_path, models=(str(model),), max_pixels=2000) as live:
        form = [("file", ("a.jpg", JPEG)), ("reference", ("b.png", in_color()))]
        answer = live.client.post("/v1/colorize", files=form, data={"format": "png"})
        assert answer.status_code == 200, answer.text
        assert 0 <= float(answer.headers["photochrom-matched"]) <= 1
        colorizer = Colorizer(live.service.settings.models[0])
        options = ColorOptions(reference=colorizer.reference(in_color()))
        assert np.array_equal(
            np.asarray(opened(answer.content)),
            np.asarray(colorizer.colorize(JPEG, options).to_pil()),
        )
        two = [*form, ("reference", ("c.png", in_color()))]
        assert live.client.post("/v1/colorize", files=two).status_code == 200
        many = [*form, *[form[1]] * 4]
        check_error(live.client.post("/v1/colorize", files=many), 413, "too_large")
        check_error(
            live.client.post("/v1/colorize", files=[*form[:1], ("reference", b"text")]),
            415,
            "unsupported",
        )
        grey = [form[0], ("reference", ("d.jpg", JPEG))]
        check_error(live.client.post("/v1/colorize", files=grey), 422, "invalid", "no colours")
        wide = [form[0], ("reference", ("e.png", picture("png", 300, 200)))]
        check_error(live.client.post("/v1/colorize", files=wide), 413, "too_large")
        twice = [form[0], form[0], form[1]]
        check_error(live.client.post("/v1/colorize", files=twice), 413, "too_large")
        assert not list(live.service.jobs.files.uploads.iterdir())
