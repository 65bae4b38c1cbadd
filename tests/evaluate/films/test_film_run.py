"""Methods that give colour to clips, measured: streams, reports and strips."""

from __future__ import annotations

import math
import sys
import time
import weakref
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from photochrom import ArgumentError, MissingExtraError, VideoError
from photochrom.evaluate.films.film_clips import Footage
from photochrom.evaluate.films.film_metrics import BT601, luma
from photochrom.evaluate.films.film_report import (
    ClipScores,
    FilmReport,
    FilmScore,
    heads,
    rows,
    summary,
)
from photochrom.evaluate.films.film_run import FilmStrip, Method, evaluate_films
from tests.helpers.film_files import colour_frames

pytest.importorskip("cv2", reason="measures motion with OpenCV (extra video)")

Array = NDArray[Any]


def clip(count: int = 9, name: str = "film", seed: int = 0) -> Footage:
    frames = [np.roll(rgb, seed, axis=2) for rgb in colour_frames(count)]
    return Footage(name, lambda: iter(frames), length=count)


def grey_again(frames: Iterable[Array]) -> Iterator[Array]:
    return (np.repeat(grey[..., None], 3, axis=2) for grey in frames)


def true_colours(footage: Footage, late: int = 0) -> Method:
    """A method that knows the truth, and gives it `late` frames after it was asked."""

    def method(frames: Iterable[Array]) -> Iterator[Array]:
        waiting: deque[Array] = deque()
        for _, rgb in zip(frames, footage.play(), strict=False):
            waiting.append(rgb)
            if len(waiting) > late:
                yield waiting.popleft()
        yield from waiting

    return method


def test_every_result_is_compared_with_its_own_frame() -> None:
    """However late it comes."""
    film = clip()
    for late in (0, 3, 12):
        report = evaluate_films([film], {"grey 2": grey_again, "true": true_colours(film, late)})
        grey, same, true, truth = report.clips[0].scores
        assert [s.name for s in report.clips[0].scores] == ["grey", "grey 2", "true", "truth"]
        assert true.psnr == true.psnr_ab == 100
        assert same.psnr is not None
        assert 0 < same.psnr < 40
        assert (same.psnr, same.cdc, same.warp) == (grey.psnr, grey.cdc, grey.warp)
        assert (true.cf, true.cf_abs, true.cdc) == (truth.cf, truth.cf_abs, truth.cdc)
        assert (true.warp, true.warp_ab) == (truth.warp, truth.warp_ab)
        assert truth.psnr is truth.psnr_ab is None
        assert grey.cf == 0
        assert grey.warp_ab == pytest.approx(0, abs=1e-6)
        assert report.clips[0].frames == 9
        assert (report.clips[0].width, report.clips[0].height) == (64, 48)


def test_methods_see_the_luma_of_every_frame() -> None:
    seen: list[Array] = []

    def watching(frames: Iterable[Array]) -> Iterator[Array]:
        for grey in frames:
            seen.append(grey)
            yield np.zeros((*grey.shape, 3), np.uint8)

    frames = colour_frames(5)
    evaluate_films([Footage("film", lambda: iter(frames), BT601)], {"watching": watching})
    np.testing.assert_array_equal(seen, [luma(rgb, BT601) for rgb in frames])


def test_frames_are_held_only_while_a_method_waits() -> None:
    """A clip of any length: frames are let go once the slowest method has answered."""
    alive: set[int] = set()
    most = 0

    def play() -> Iterator[Array]:
        nonlocal most
        for place, rgb in enumerate(colour_frames(60)):
            frame = rgb.copy()
            weakref.finalize(frame, alive.discard, place)
            alive.add(place)
            most = max(most, len(alive))
            yield frame

    def late(frames: Iterable[Array]) -> Iterator[Array]:
        waiting: deque[Array] = deque()
        for grey in frames:
            waiting.append(grey)
            if len(waiting) > 12:
                yield from grey_again([waiting.popleft()])
        yield from grey_again(waiting)

    evaluate_films([Footage("film", play)], {"grey 2": grey_again})
    assert most < 6
    assert not alive
    evaluate_films([Footage("film", play)], {"late": late, "grey 2": grey_again})
    assert 12 < most < 18


def test_a_method_may_read_in_a_thread() -> None:
    """While others read too, and the clip takes its time."""

    def play() -> Iterator[Array]:
        for rgb in colour_frames(30):
            time.sleep(0.003)
            yield rgb

    def ahead(frames: Iterable[Array]) -> Iterator[Array]:
        done: Queue[Array | None] = Queue()

        def read() -> None:
            try:
                for grey in frames:
                    done.put(grey)
            finally:
                done.put(None)

        thread = Thread(target=read)
        thread.start()
        while (grey := done.get()) is not None:
            yield from grey_again([grey])
        thread.join()

    report = evaluate_films([Footage("film", play)], {"ahead": ahead, "grey 2": grey_again})
    assert report.clips[0].frames == 30
    grey, threaded, same, _ = report.clips[0].scores
    assert threaded.psnr == grey.psnr == same.psnr
    assert threaded.cdc == grey.cdc


def test_a_method_must_answer_every_frame() -> None:
    def lazy(frames: Iterable[Array]) -> Iterator[Array]:
        yield from list(grey_again(frames))[1:]

    with pytest.raises(ValueError, match="shorter"):
        evaluate_films([clip()], {"lazy": lazy})


def test_limit_and_progress() -> None:
    told: list[tuple[int, int | None]] = []
    films = [clip(9, "a"), clip(4, "b")]
    report = evaluate_films(films, {}, limit=6, progress=lambda *step: told.append(step))
    assert [c.frames for c in report.clips] == [6, 4]
    assert told == [(k, 10) for k in range(1, 11)]
    told.clear()
    unknown = Footage("c", films[0].play)
    evaluate_films([unknown], {}, progress=lambda *step: told.append(step))
    assert told[-1] == (9, None)


def test_a_bad_clip_does_not_stop_the_others() -> None:
    grey = [np.full((48, 64, 3), 90, np.uint8)] * 3
    bad = Footage("bad", lambda: iter(grey))
    report = evaluate_films([bad, clip(6, "good")], {})
    assert [c.name for c in report.clips] == ["good"]
    ((name, why),) = report.unreadable
    assert name == "bad"
    assert "black-and-white" in why
    with pytest.raises(VideoError, match=r"bad .* black-and-white"):
        evaluate_films([bad], {})


def test_mistakes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ArgumentError, match="1 or more, got 0"):
        evaluate_films([clip()], {}, limit=0)
    (tmp_path / "file").write_text("")
    with pytest.raises(ArgumentError, match="file cannot be written"):
        evaluate_films([clip()], {}, strips=tmp_path / "file")
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(MissingExtraError, match=r"photochrom\[video\]"):
        evaluate_films([clip()], {})


# --- the report --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def report() -> FilmReport:
    films = [clip(6, "first"), clip(3, "second", seed=1)]
    methods = {"grey 2": grey_again, "true": true_colours(films[0])}
    return evaluate_films(films, methods)


def test_the_mean_is_over_clips_not_frames(report: FilmReport) -> None:
    first, second = (c.scores[1].psnr for c in report.clips)
    assert first is not None
    assert second is not None
    assert abs(first - second) > 0.05
    assert report.mean[1].psnr == pytest.approx((first + second) / 2)
    # Three frames have no CDC, and without it for all there is no mean.
    assert report.clips[0].scores[1].cdc is not None
    assert report.clips[1].scores[1].cdc is None
    assert report.mean[1].cdc is None


def test_rows(report: FilmReport) -> None:
    assert heads(report) == ["grey", "grey 2", "true", "truth"]
    table = rows(report)
    assert [row.title for row in table[:3]] == ["PSNR of RGB, dB", "    first", "    second"]
    assert len(table) == 8 * 3
    assert table[0].cells[3] == "–"
    assert table[0].best == {2}
    cdc = next(row for row in table if row.title == "CDC")
    assert cdc.cells == ("–",) * 4
    assert not cdc.best
    assert summary(report) == (
        "2 clips, 9 frames, 64 x 48 pixels; the figures of all are means over the clips"
    )
    only = FilmReport(clips=report.clips[:1])
    assert len(rows(only)) == 8
    assert summary(only) == "1 clip, 6 frames, 64 x 48 pixels"


def test_the_best_is_the_nearest_to_the_truth(report: FilmReport) -> None:
    """Grey is steadier than the truth, which is no merit."""
    by_title = {row.title: row for row in rows(FilmReport(clips=report.clips[:1]))}
    assert by_title["colourfulness (cf)"].best == {2}
    error = by_title["warp error of ab"]
    assert float(error.cells[0]) == 0
    assert error.best == {2}


def test_grey_is_never_the_best() -> None:
    figures = {"grey": 0.5, "a": 0.9, "b": 0.3, "c": 0.7, "truth": 0.5}
    scores = tuple(FilmScore(name=name, cdc=value) for name, value in figures.items())
    only = ClipScores(name="film", frames=5, width=64, height=48, scores=scores)
    (cdc,) = (row for row in rows(FilmReport(clips=(only,))) if row.title == "CDC")
    assert cdc.best == {2, 3}


def test_json(report: FilmReport) -> None:
    values = report.to_dict()
    assert list(values) == ["clips", "mean", "unreadable"]
    assert values["clips"][0]["name"] == "first"
    assert [s["name"] for s in values["mean"]] == heads(report)
    assert values["mean"][0]["cdc"] is None
    figures = [v for s in values["mean"] for v in s.values() if isinstance(v, float)]
    assert all(map(math.isfinite, figures))


# --- the strip ---------------------------------------------------------------------------------


def test_a_strip_of_each_clip(tmp_path: Path) -> None:
    films = [clip(5, "a/one film.mkv"), clip(5, "b/one film.mp4"), clip(5, "slow pan")]
    evaluate_films(films, {}, strips=tmp_path / "new" / "strips")
    names = sorted(path.name for path in (tmp_path / "new" / "strips").iterdir())
    assert names == ["one-film-2.png", "one-film.png", "slow-pan.png"]
    with Image.open(tmp_path / "new" / "strips" / "slow-pan.png") as image:
        assert image.format == "PNG"
        # Two rows, grey and truth; five frames of 64 x 48 made 120 pixels high.
        assert image.height == 20 + 2 * 124
        assert image.width > 5 * 164
        sheet = np.asarray(image).astype(int)
    upper, lower = sheet[22:138, -160:], sheet[146:262, -160:]
    assert np.ptp(upper, axis=2).max() == 0
    assert np.ptp(lower, axis=2).max() > 100


@pytest.mark.parametrize(("count", "kept"), [(1, 1), (12, 12), (13, 7), (25, 7), (100, 7)])
def test_a_strip_has_at_most_twelve_frames(count: int, kept: int) -> None:
    strip = FilmStrip()
    for t in range(count):
        strip.add({"truth": np.full((20, 30, 3), t, np.uint8)})
    sheet = np.asarray(strip.image())
    levels = sheet[80, :, 0]
    shown = sorted({int(level) for level in levels} - {255})
    assert len(shown) == kept
    assert shown[0] == 0
    assert len(set(np.diff(shown))) <= 1  # every k-th
