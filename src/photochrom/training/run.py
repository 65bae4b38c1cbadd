"""`photochrom train`: from the user's pictures to a model file."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

import torch
from filelock import FileLock, Timeout
from lightning.pytorch import Callback
from lightning.pytorch.utilities import rank_zero_only

from .._system import cores
from ..errors import ArgumentError, PhotochromError, reason
from ..models.registry import Registry
from . import run_pictures
from .data.cache import Cache, build_cache
from .data.opening import open_source
from .data.sources import Source
from .loop import compiling
from .loop.batches import Batches
from .loop.callbacks import Progress
from .loop.fit import BEST, HISTORY, LAST, STEADY, Settings, fit
from .loop.history import check_loggers, read_history
from .loop.run_module import RunModule
from .network.weights import write_network
from .presets import PRESETS, Preset
from .run_options import BUNDLED, FILE, Options
from .run_plan import card_of, describe, model_name, plan_of, shares_of, tuned

MODEL = "model.onnx"
"""The result, in the folder of a run."""

_CACHE, _HELD = "pictures", "validation"
_LOCK = ".lock"
_WEIGHTS = "weights.safetensors"
_START = LAST.with_name("start.safetensors")


class Watch(Protocol):
    """Sees what a run does."""

    def say(self, line: str) -> None:
        """A line for the user."""

    def pictures(self, done: int, total: int) -> None:
        """Pictures are read."""

    def step(self, progress: Progress) -> None:
        """The network is trained; called twice a second at most."""


class _Silent:
    def say(self, line: str) -> None: ...

    def pictures(self, done: int, total: int) -> None: ...

    def step(self, progress: Progress) -> None: ...


def train(
    given: Mapping[str, Any],
    folder: Path,
    *,
    resume: bool = False,
    watch: Watch | None = None,
    recipe: Preset | None = None,
    callbacks: Sequence[Callback] = (),
) -> Path | None:
    """Train a network and write it as a model.

    Args:
        given: the options of the user, by the names of `Options`; without those left out.
        folder: for the model, its pictures and logs; new or empty, unless `resume`.
        resume: whether to go on with the run in the folder; then `given` may be empty.
        watch: sees what happens.
        recipe: a preset of your own, in the place of the one that `given` names; a run is resumed
            with the same.
        callbacks: of Lightning, beside the run's own.

    Returns:
        The model's file; None in all processes of the run but the first.

    Raises:
        PhotochromError: an option is wrong, the data or weights cannot be had, the disk is full.
        KeyboardInterrupt: asked to stop; what was done is kept, and `resume` goes on with it.
    """
    first: bool = rank_zero_only.rank == 0  # type: ignore[attr-defined]  # of all processes
    watch = watch if first and watch is not None else _Silent()
    new = first and not resume
    if new:
        _check_empty(folder)
    options, changed = Options.stored(folder, given) if resume else (Options.given(given), False)
    preset = recipe or _preset(options.preset)
    plan_of(options, preset, pictures=100)  # complains before anything is begun
    check_loggers(options.loggers)
    model = folder / MODEL
    if changed and first:
        _lengthen(options, folder)
    if resume and model.is_file():
        watch.say("the run is finished")
        return model
    with _explained(folder), _alone(folder, first):
        _run(options, preset, folder, watch, callbacks, new=new, first=first)
    return model if first else None


def _run(
    options: Options,
    preset: Preset,
    folder: Path,
    watch: Watch,
    callbacks: Sequence[Callback],
    *,
    new: bool,
    first: bool,
) -> None:
    cache, held = _cache(folder / _CACHE), _cache(folder / _HELD)
    sources = [open_source(spec) for spec in options.data] if cache is None else []
    measured = [open_source(spec) for spec in options.validation] if held is None else []
    kept = next((p for p in (folder / _WEIGHTS, folder / _START) if p.is_file()), None)
    with torch.random.fork_rng():
        torch.manual_seed(options.seed)
        if kept:
            network = preset.restored(options.encoder, kept)
        else:
            weights = [_weights(path) for path in options.weights]
            network, whole = preset.network(options.encoder, weights, watch.say)
            options = tuned(options, preset, watch.say) if whole else options
    if new:
        options.store(folder)
    side = preset.sizes(options.size, options.data)[2]
    if cache is None:
        cache = _filled(sources, folder, _CACHE, side, watch, new)
    if measured:
        held = _filled(measured, folder, _HELD, side, watch, new)
    if first and not kept:
        (folder / _START).parent.mkdir(exist_ok=True)
        write_network(network, folder / _START)
    plan = plan_of(options, preset, pictures=len(cache), held=held is not None)
    batches = Batches(
        cache,
        plan,
        scale=preset.scale,
        workers=_workers(preset) if options.workers is None else options.workers,
        validation=held,
        shares=shares_of(options, preset, cache),
        measured=preset.measured,
    )
    compiled = preset.compiles and compiling.pays(plan, watch.say)
    module = preset.module(network, batches, compiled=compiled)
    module.sets = batches.sets
    if kept is None or kept.name != _WEIGHTS:
        watch.say(
            f"training on {len(batches.train)} pictures, measured on {len(batches.squares)}"
            f" others; {describe()}"
        )
        fit(
            module,
            batches,
            folder,
            settings=Settings(
                device=options.device,
                precision=options.precision or preset.precision(),
                loggers=options.loggers,
                patience=options.patience,
            ),
            resume=(folder / LAST).is_file(),
            say=watch.say,
            tell=watch.step,
            callbacks=callbacks,
        )
        if first:
            if options.patience and (folder / BEST).is_file():
                module.network = preset.restored(options.encoder, folder / BEST)
            write_network(module.network, folder / _WEIGHTS)
    if first:
        _finish(options, preset, module, batches, folder, watch)


def _finish(
    options: Options,
    preset: Preset,
    module: RunModule,
    batches: Batches,
    folder: Path,
    watch: Watch,
) -> None:
    """Pictures of the run, then the model, whose file says that all is done."""
    watch.say("writing the model")
    module.cpu().eval()
    module.to(memory_format=torch.contiguous_format)
    history = read_history(folder / HISTORY)
    tuning = getattr(module.network, "point", None) is not None and (folder / _START).is_file()
    begun = preset.restored(options.encoder, folder / _START) if tuning else None
    name = model_name(folder)
    card = card_of(options, preset, module, batches, history, name, begun, watch.say)
    run_pictures.curves(history, folder / "curves.png", batches.epoch)
    run_pictures.sheet(module, batches, folder / "sheet.png")
    preset.export(module.network, card, folder / MODEL)
    for left in (_CACHE, _HELD):
        shutil.rmtree(folder / left, ignore_errors=True)
        (folder / f".{left}.lock").unlink(missing_ok=True)
    for file in (LAST, BEST) if tuning else (LAST, BEST, _START):  # a longer run needs it again
        (folder / file).unlink(missing_ok=True)


def _lengthen(options: Options, folder: Path) -> None:
    """Let a run go on from before its learning rate fell, and note its new length.

    Raises:
        ArgumentError: it is finished and nothing is kept to go on from.
    """
    steady = folder / STEADY
    if steady.is_file():
        steady.replace(folder / LAST)
    elif (folder / MODEL).is_file():
        raise ArgumentError(
            f"the run in {folder} cannot be made longer",
            expected=f"its {STEADY}",
            got="no such file",
            fix=f"begin a new run with --weights {folder / _WEIGHTS}",
        )
    options.store(folder)
    for made in (MODEL, _WEIGHTS):
        (folder / made).unlink(missing_ok=True)


def _weights(path: str) -> Path:
    return Registry().resolve(BUNDLED) if path == BUNDLED else Path(path)


def _cache(folder: Path) -> Cache | None:
    """The pictures that an interrupted run has kept."""
    try:
        return Cache(folder)
    except ArgumentError:
        return None


def _filled(
    sources: list[Source], folder: Path, name: str, side: int, watch: Watch, new: bool
) -> Cache:
    watch.say(f"reading the pictures of {', '.join(source.name for source in sources)}")
    try:
        cache = build_cache(sources, folder / name, side=side, progress=watch.pictures)
    except ArgumentError:
        if new:  # nothing of use was begun, and the folder can be given again
            (folder / FILE).unlink()
        raise
    watch.say(f"{len(cache)} pictures can be used")
    for why, count in cache.skipped.items():
        watch.say(f"{count} left out, {why}: {cache.examples[why]}")
    return cache


def _workers(preset: Preset) -> int:
    """Processes that make batches, beside the one that trains."""
    if torch.cuda.is_available():
        return max(1, min(8, cores() // torch.cuda.device_count() - 1))
    return 1 if preset.scale != (1.0, 1.0) and cores() > 1 else 0


def _preset(name: str) -> Preset:
    if name not in PRESETS:
        raise ArgumentError("--preset cannot be used", expected=" or ".join(PRESETS), got=name)
    return PRESETS[name]


def _check_empty(folder: Path) -> None:
    if folder.is_file() or (folder.is_dir() and any(p.name != _LOCK for p in folder.iterdir())):
        raise ArgumentError(
            f"{folder} cannot take a new run",
            expected="a folder that is new or empty",
            got="a file" if folder.is_file() else "one with files in it",
            fix="name another with -o, or go on with the run in it with --resume",
        )


@contextmanager
def _alone(folder: Path, first: bool) -> Iterator[None]:
    """While this is open no other run can use the folder."""
    if not first:
        yield
        return
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / _LOCK, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise ArgumentError(
            f"the run in {folder} cannot go on here",
            expected="a folder that nobody else uses",
            got="one in which a run is going on",
            fix="wait for it, or stop it",
        ) from None
    try:
        yield
    finally:
        with suppress(OSError):  # another system's locked files cannot be removed
            (folder / _LOCK).unlink()
        lock.release()
        with suppress(OSError):  # it is not empty
            folder.rmdir()


@contextmanager
def _explained(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise PhotochromError(
            f"the run in {folder} cannot go on",
            expected="a disk with room that can be written to",
            got=reason(error),
            fix="see to that, then go on with --resume",
        ) from error
