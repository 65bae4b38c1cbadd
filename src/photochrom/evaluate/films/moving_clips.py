"""Test clips with motion, made from still colour pictures.

A film of which every true colour is known, and whose motion, cuts, fades, flashes, flicker and
grain are of the kind that makes colours unsteady. Each scenario is a generator of frames built of
small ones: a camera looks at a picture, pieces of others fly over it, shots are joined, light is
changed. Light and grain change L alone; the true ab stays.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, cycle, islice

import numpy as np
from numpy.typing import NDArray

from ...color import Float, lab_to_srgb, srgb_to_lab
from ...errors import ArgumentError, PhotochromError
from ..image_metrics import colourfulness
from ..picture_set import list_pictures, squares
from .film_clips import Footage
from .film_metrics import Rgb
from .film_motion import opencv

SHAPE = (256, 384)
"""Height and width of a frame."""

SIDE = 512
"""Side of the squares that the camera looks at."""

FRAMES = 60
"""Length of each clip."""

_COLOURFUL = 15.0  # "slightly colourful" to the people Hasler and Suesstrunk (2003) asked

_Draw = np.random.Generator
_Shot = Iterator[Rgb]
_Light = Callable[[int, Float], Float]  # number of the frame, its L -> another L, 0...100


@dataclass(frozen=True)
class View:
    """What the camera sees of a picture."""

    # x, y: pixels from the picture's centre to the frame's
    x: float = 0.0
    y: float = 0.0
    scale: float = 1.0  # pixels of the picture for one of the frame
    angle: float = 0.0  # the camera's turn, in radians, clockwise


def look(picture: Rgb, view: View) -> Rgb:
    """The frame, ``SHAPE``, between pixels by cubic interpolation; mirrored beyond the edge."""
    cv2 = opencv()
    across, along = view.scale * np.cos(view.angle), view.scale * np.sin(view.angle)
    turn = np.array([[across, -along], [along, across]])
    (high, wide), (height, width) = picture.shape[:2], SHAPE
    centre = np.array([(wide - 1) / 2 + view.x, (high - 1) / 2 + view.y])
    start = centre - turn @ [(width - 1) / 2, (height - 1) / 2]
    matrix, flags = np.column_stack([turn, start]), cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    frame = cv2.warpAffine(
        picture, matrix, (width, height), flags=flags, borderMode=cv2.BORDER_REFLECT_101
    )
    return np.asarray(frame, np.uint8)


def shot(picture: Rgb, views: Iterable[View]) -> _Shot:
    """A frame of the picture for each view."""
    return (look(picture, view) for view in views)


# --- the camera: a view for each frame ---------------------------------------------------------


def pan(draw: _Draw, speed: float, frames: int = FRAMES) -> list[View]:
    """A straight pan in a direction drawn at random, `speed` pixels a frame."""
    angle = draw.uniform(0, 2 * np.pi)
    x, y = speed * np.cos(angle), speed * np.sin(angle)
    return [View(x * t, y * t) for t in np.arange(frames) - (frames - 1) / 2]


def swing(frames: int = FRAMES) -> list[View]:
    """A fast pan to and fro, up to 12 pixels a frame."""
    turns = 2 * np.pi * np.arange(frames)
    return [
        View(x, y) for x, y in zip(60 * np.sin(turns / 45), 110 * np.sin(turns / 75), strict=True)
    ]


def zoom(start: float, end: float, frames: int = FRAMES) -> list[View]:
    """From one scale to another, evenly on a logarithmic scale."""
    return [View(scale=scale) for scale in np.geomspace(start, end, frames)]


def turning(degrees: float, frames: int = FRAMES) -> list[View]:
    """The camera turns from one side to the other while it moves on slowly."""
    angles = np.radians(np.linspace(-degrees, degrees, frames))
    return [View(x, 0, 1, a) for x, a in zip(np.linspace(-12, 12, frames), angles, strict=True)]


def weaving(draw: _Draw, views: Sequence[View], size: float = 0.8) -> list[View]:
    """The same views, but the film weaves in the gate by some `size` pixels."""
    jumps = draw.normal(0, size, (len(views), 2)).clip(-2 * size, 2 * size)
    return [
        View(v.x + x, v.y + y, v.scale, v.angle) for v, (x, y) in zip(views, jumps, strict=True)
    ]


# --- what happens to shots ---------------------------------------------------------------------


def flying(
    ground: _Shot, picture: Rgb, draw: _Draw, leftwards: bool = False, frames: int = FRAMES
) -> _Shot:
    """An elliptical piece of `picture` flies over the shot, from outside to outside."""
    height, width = SHAPE
    wide, high = draw.uniform(55, 75), draw.uniform(70, 95)
    middle, sway = draw.uniform(-25, 25), draw.uniform(0.5, 1.5)
    places = np.linspace(-1, 1, frames) * (width / 2 + wide + 2) * (-1 if leftwards else 1)
    v, u = np.mgrid[:height, :width].astype(np.float32)
    for t, frame in enumerate(ground):
        x, y = float(places[t]), middle + 20 * np.sin(sway * 2 * np.pi * t / frames)
        piece = look(picture, View(-x, -y))  # the picture flies with the hole it is seen through
        across, down = u - (width - 1) / 2 - x, v - (height - 1) / 2 - y
        inside = (1 - np.hypot(across / wide, down / high)) * min(wide, high) / 1.5 + 0.5
        yield blend(frame, piece, inside.clip(0, 1)[..., None])


def blend(first: Rgb, second: Rgb, share: float | NDArray[np.floating]) -> Rgb:
    """Between two frames: 0 is the first, 1 the second."""
    mixed = first + (second.astype(np.float32) - first) * np.float32(share)
    return np.asarray(np.rint(mixed), np.uint8)


def dissolve(first: _Shot, second: _Shot, start: int, length: int) -> _Shot:
    """The first shot turns into the second, which runs along, in `length` frames."""
    for t, (a, b) in enumerate(zip(first, second, strict=True)):
        yield blend(a, b, float(np.clip((t - start + 1) / (length + 1), 0, 1)))


def fading(frames: _Shot, black: Iterable[float]) -> _Shot:
    """Each frame with its share of black, 0...1."""
    for frame, share in zip(frames, black, strict=True):
        yield blend(frame, np.zeros_like(frame), share)


def lit(frames: _Shot, *lights: _Light) -> _Shot:
    """Another L for each frame, by one light after the other; ab stay if sRGB has them there."""
    for t, frame in enumerate(frames):
        lab = srgb_to_lab(frame)
        for light in lights:
            lab[..., 0] = light(t, lab[..., 0]).clip(0, 100)
        yield np.asarray(lab_to_srgb(lab), np.uint8)


def flashes(draw: _Draw, count: int = 3) -> _Light:
    """Some flashes, each bright at once and gone after three frames."""
    strength = np.zeros(FRAMES + 3, np.float32)
    for place in 6 + (np.arange(count) + draw.random(count) * 0.8) * (FRAMES - 12) / count:
        strength[int(place) : int(place) + 3] = 0.65, 0.35, 0.12
    return lambda t, L: L + (100 - L) * strength[t]


def flicker(draw: _Draw, size: float = 0.05) -> _Light:
    """The exposure of each frame is off by some `size` of it."""
    gains = (1 + draw.normal(0, size, FRAMES).clip(-2 * size, 2 * size)).astype(np.float32)
    return lambda t, L: L * gains[t]


def grain(draw: _Draw, size: float = 4.0) -> _Light:
    """Grain of about a pixel and a half, of standard deviation `size` in L, new in each frame."""
    cv2 = opencv()

    def light(_: int, L: Float) -> Float:
        noise = cv2.GaussianBlur(draw.standard_normal(L.shape, np.float32), (0, 0), 0.7)
        return np.asarray(L + noise * np.float32(size / noise.std()))

    return light


# --- the scenarios -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Scenario:
    """A kind of clip."""

    name: str  # of the clip
    pictures: int  # how many it is made of
    # makes its frames of them, ``(SIDE, SIDE, 3)`` each
    shoot: Callable[[Sequence[Rgb], _Draw], _Shot]


def _cuts(pictures: Sequence[Rgb], draw: _Draw) -> _Shot:
    """Four shots, the third of the same picture as the first, as people talk in films."""
    ends = [0, *(15 * k + int(draw.integers(-4, 5)) for k in (1, 2, 3)), FRAMES]
    order = (pictures[0], pictures[1], pictures[0], pictures[2])
    lengths = np.diff(ends).tolist()
    shots = zip(order, lengths, strict=True)
    return chain.from_iterable(shot(picture, pan(draw, 0.7, n)) for picture, n in shots)


def _dissolve(pictures: Sequence[Rgb], draw: _Draw) -> _Shot:
    first, second = (shot(picture, pan(draw, 0.7)) for picture in pictures)
    return dissolve(first, second, 22, 16)


def _fades(pictures: Sequence[Rgb], draw: _Draw) -> _Shot:
    half = FRAMES // 2
    down = np.interp(np.arange(half), [half - 14, half - 3], [0, 1]).tolist()
    first, second = (shot(picture, pan(draw, 0.7, half)) for picture in pictures)
    return chain(fading(first, down), fading(second, reversed(down)))


def _cut_outs(pictures: Sequence[Rgb], draw: _Draw) -> _Shot:
    ground, *pieces = pictures
    frames = shot(ground, pan(draw, 0.5))
    for place, piece in enumerate(pieces):
        frames = flying(frames, piece, draw, leftwards=place == 1)
    return frames


def _still(pictures: Sequence[Rgb], draw: _Draw) -> _Shot:
    return lit(shot(pictures[0], [View()] * FRAMES), flicker(draw), grain(draw))


def _old_film(pictures: Sequence[Rgb], draw: _Draw) -> _Shot:
    """A cut, a piece that flies, weave, flashes, flicker and grain: all at once."""
    cut = 38
    first = shot(pictures[0], weaving(draw, pan(draw, 0.6, cut)))
    second = shot(pictures[1], weaving(draw, zoom(0.95, 0.8, FRAMES - cut)))
    frames = chain(flying(first, pictures[2], draw, frames=cut), second)
    return lit(frames, flashes(draw, 1), flicker(draw), grain(draw))


SCENARIOS = (
    Scenario("slow pan", 1, lambda p, d: shot(p[0], pan(d, 0.6))),
    Scenario("fast pan", 1, lambda p, d: shot(p[0], swing())),
    Scenario("zoom in", 1, lambda p, d: shot(p[0], zoom(1.0, 0.55))),
    Scenario("zoom out", 1, lambda p, d: shot(p[0], zoom(0.55, 1.0))),
    Scenario("rotation", 1, lambda p, d: shot(p[0], turning(8))),
    Scenario("cut-outs", 3, _cut_outs),
    Scenario("cuts", 3, _cuts),
    Scenario("cross fade", 2, _dissolve),
    Scenario("fades to black", 2, _fades),
    Scenario("flashes", 1, lambda p, d: lit(shot(p[0], pan(d, 0.6)), flashes(d))),
    Scenario("flicker and grain", 1, _still),
    Scenario("old film", 3, _old_film),
)
"""What `motion_clips` makes, in this order."""


def motion_clips(sources: Sequence[str | os.PathLike[str]], *, seed: int = 0) -> list[Footage]:
    """A clip of each scenario, from pictures drawn at random; the same for the same seed.

    Args:
        sources: folders (with all folders inside), zip files, or pictures; two in colour at least.
        seed: of the choice of pictures, and of all motion.

    Raises:
        ArgumentError: no such file, or fewer than two colour pictures.
        PictureError: a zip file is damaged, or a folder cannot be looked into.
    """
    pictures = cycle(_drawn(sources, seed, sum(s.pictures for s in SCENARIOS)))
    return [
        _footage(scenario, list(islice(pictures, scenario.pictures)), (seed, place))
        for place, scenario in enumerate(SCENARIOS)
    ]


def _footage(scenario: Scenario, pictures: list[Rgb], seed: tuple[int, int]) -> Footage:
    def play() -> _Shot:
        return scenario.shoot(pictures, np.random.default_rng(seed))

    return Footage(scenario.name, play, length=FRAMES)


def _drawn(sources: Sequence[str | os.PathLike[str]], seed: int, count: int) -> list[Rgb]:
    """Colour squares in an order drawn at random: `count`, or as many as there are."""
    items = list_pictures(sources)
    random.Random(seed).shuffle(items)  # noqa: S311
    found: list[Rgb] = []
    for _, square in squares(items, SIDE):
        if not isinstance(square, PhotochromError) and colourfulness(square) >= _COLOURFUL:
            found.append(square)
        if len(found) == count:
            break
    if len(found) < 2:
        raise ArgumentError(
            f"no clips can be made from {', '.join(map(str, sources))}",
            expected="at least two pictures in colour",
            got="one" if found else "none",
        )
    return found
