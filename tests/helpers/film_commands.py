"""Films of 12 and 60 frames for tests of the command line, and what it leaves beside them."""

from __future__ import annotations

from pathlib import Path

from tests.helpers.video_files import Recipe, make_film

SHORT = Recipe(times=tuple(range(0, 12 * 512, 512)))
LONG = Recipe(times=tuple(range(0, 60 * 512, 512)))


def film(path: str, recipe: Recipe = SHORT) -> Path:
    """A film of that name, whatever kind of file the name stands for."""
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    usual = target.suffix in (".mp4", ".mkv", ".avi", ".mov", ".webm")
    made = make_film(target if usual else target.with_name("made.mp4"), recipe)
    return made if usual else made.replace(target)


def here() -> set[str]:
    """Every file, hidden ones too, but for the model and what an archive keeps for itself."""
    files = {p.as_posix() for p in Path().rglob("*") if p.is_file()}
    return {f for f in files if not f.startswith(("home/", "tiny")) and ".photochrom/" not in f}
