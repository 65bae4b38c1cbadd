"""The colour of skin by group."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from photochrom.color import lab_to_srgb
from photochrom.errors import ArgumentError
from photochrom.evaluate import evaluate
from photochrom.evaluate.accumulators import Truth
from photochrom.evaluate.report.text_table import rows
from photochrom.evaluate.skin import skin

TONES = {"dark": (34.0, 14.0, 18.0), "light": (76.0, 12.0, 18.0)}


def portrait(tone: tuple[float, float, float]) -> NDArray[np.uint8]:
    """A face of one tone before a blue wall, ``(64, 64, 3)``."""
    lab = np.empty((64, 64, 3), np.float32)
    lab[:] = 60, -5, -30
    lab[14:50, 14:50] = tone
    lab[..., 0] += np.random.default_rng(1).normal(0, 1, (64, 64))
    return np.asarray(lab_to_srgb(lab))


@pytest.fixture
def faces(tmp_path: Path) -> Path:
    for group, tone in TONES.items():
        (tmp_path / group).mkdir()
        for number in range(3):
            Image.fromarray(portrait(tone)).save(tmp_path / group / f"{number}.png")
    Image.fromarray(portrait((60.0, -40.0, 30.0))).save(tmp_path / "dark" / "mask.png")
    return tmp_path


def pale_where_it_is_dark(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Paints light skin as it is, and dark skin grey."""
    result = np.repeat(grey[..., None], 3, 2)
    lighter = portrait(TONES["light"])
    return lighter if abs(int(grey[32, 32]) - int(lighter[32, 32].mean())) < 40 else result


def test_groups(faces: Path) -> None:
    (report,) = evaluate([faces], [pale_where_it_is_dark], size=64, minimum=1, groups=True)
    grey, _, method = report.scores
    assert [(one.group, one.pictures) for one in method.skin] == [("dark", 3), ("light", 3)]
    dark, light = method.skin
    assert dark.ciede2000 == pytest.approx(grey.skin[0].ciede2000)
    assert dark.ciede2000 > 10 > light.ciede2000 + 8
    assert dark.chroma < 1
    assert dark.truth_chroma == pytest.approx(np.hypot(14, 18), abs=1)
    assert light.chroma == pytest.approx(light.truth_chroma, abs=1)
    (apart,) = (row for row in rows(report) if row.title.startswith("skin, worst"))
    assert float(apart.cells[2]) == pytest.approx(dark.ciede2000 - light.ciede2000, abs=0.01)
    assert report.to_dict()["scores"][2]["skin"][1]["group"] == "light"


def test_without_groups_there_is_none(faces: Path) -> None:
    (report,) = evaluate([faces], [pale_where_it_is_dark], size=64, minimum=1)
    assert all(score.skin == () for score in report.scores)
    assert not [row for row in rows(report) if "skin" in row.title]


def test_a_picture_beside_the_groups_is_refused(faces: Path) -> None:
    Image.fromarray(portrait(TONES["dark"])).save(faces / "who.png")
    with pytest.raises(ArgumentError, match=r"who.png belongs to no group"):
        evaluate([faces], [pale_where_it_is_dark], size=64, groups=True)


def test_skin_is_in_the_middle_and_of_its_hues() -> None:
    truth = Truth(portrait(TONES["dark"]))
    here = skin(truth).reshape(16, 16)
    assert here[4:12, 4:12].all()
    assert here.sum() == 64
    assert not skin(Truth(portrait((60.0, -40.0, 30.0)))).any()
