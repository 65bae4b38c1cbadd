"""CPU time of the steps of colouring a film, for `benchmarks.video --steps`."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from benchmarks.video import decode, floor, since


class Watch:
    """Thread time and calls of functions while a program runs, without the watched ones inside."""

    def __init__(self) -> None:
        self.seconds: Counter[str] = Counter()
        self.calls: Counter[str] = Counter()
        self._of_thread = threading.local()

    def over(self, step: str, owner: Any, *names: str) -> None:
        """Count the time of functions of a module or class as that of a step."""
        for name in names:
            setattr(owner, name, self._watched(step, getattr(owner, name)))

    def _watched(self, step: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*args: Any, **options: Any) -> Any:
            before = getattr(self._of_thread, "inside", 0.0)
            self._of_thread.inside = 0.0
            start = time.thread_time()
            try:
                return function(*args, **options)
            finally:
                spent = time.thread_time() - start
                self.seconds[step] += spent - self._of_thread.inside
                self.calls[step] += 1
                self._of_thread.inside = before + spent

        return watched


def cpu_of_steps(source: str, target: str, model: str) -> dict[str, Any]:
    """CPU milliseconds and calls per frame of each step; everything but FFmpeg on one thread."""
    import cv2

    from photochrom import Colorizer
    from photochrom.models import Model
    from photochrom.video import colorize_video
    from photochrom.video.color import motion, references, steady
    from photochrom.video.segments import painting
    from photochrom.video.shots import cuts

    decoding, encoding = decode(source)[2], floor(source, target)[2]
    cv2.setNumThreads(1)
    watch = Watch()
    watch.over("Y' to L at the working size", painting, "working_L")
    watch.over("shots", cuts.Shots, "push", "flush")
    watch.over("motion: search", motion, "_flow")
    watch.over("motion: trust", motion, "_places")
    watch.over("motion: the rest of a link", steady, "link")
    watch.over("motion: chains", motion.Places, "then")
    watch.over("network", Model, "predict")
    watch.over("key frames: matching", references, "matched_values", "match")
    watch.over("key frames: references, the rest", references.References, "colors", "add")
    watch.over("key frames: shots of the same place", references.EarlierShots, "keep", "find")
    watch.over("key frames: edges", steady, "joint_bilateral")
    watch.over("key frames: the rest", steady.SteadyColor, "_colored")
    watch.over("colour seen along the motion", steady.KeyFrame, "seen")
    watch.over("between: the rest", steady, "_between")
    watch.over("light without grain", steady, "light_of")
    watch.over("light without grain", steady, "light_of")
    watch.over("steady colour: the rest", steady.SteadyColor, "push", "flush")
    watch.over("colour planes", painting, "chroma_planes")
    colorizer = Colorizer(model, threads=1)
    began = time.perf_counter(), time.process_time()
    frames = colorize_video.colorize_video(source, target, colorizer=colorizer).frames
    seconds, total = since(began)
    spent = {
        "decoding": decoding,
        **watch.seconds,
        "encoding, putting together": encoding - decoding,
    }
    spent["everything else"] = total - sum(spent.values())
    spent["all"], spent["by the clock"] = total, seconds
    calls = {step: watch.calls[step] / frames for step in watch.calls}
    return {"ms": {s: 1e3 * v / frames for s, v in spent.items()}, "calls": calls}
