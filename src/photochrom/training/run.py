"""`photochrom train`: from the user's pictures to a model file."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import torch
from lightning.pytorch import Callback
from lightning.pytorch.utilities import rank_zero_only

from .._system import cores
from ..errors import ArgumentError
from ..models.registry import Registry
from . import run_pictures
from .data.cache import Cache, build_cache
from .data.opening import open_source
from .data.region_maps import RegionPictures
from .data.sources import Source
from .loop.batches import Batches
from .loop.callbacks import Progress
from .loop.color_module import ColorModule
from .loop.fit import BEST, HISTORY, LAST, STEADY, Settings, compiling_pays, fit
from .loop.history import check_loggers, read_history
from .loop.region_phase import RegionPhase
from .loop.run_module import RunModule
from .network.weights import write_network
from .presets import PRESETS, Preset
from .run_folder import alone, check_empty, explained
from .run_options import BUNDLED, FILE, Options
from .run_plan import card_of, describe, model_name, plan_of, shares_of, tuned

MODEL = "model.onnx"
"""The result, in the folder of a run."""

_CACHE, _HELD = "pictures", "validation"
_WEIGHTS = "weights.safetensors"
_START = LAST.with_name("start.safetensors")
_REGIONS = LAST.with_name("regions.ckpt")
_REGION_MINUTES = 0.1  # of the run's, that the region head is trained after it at most


class Watch(Protocol):
    """Sees what a run does."""

    def say(self, line: str) -> None:
        """A line for the user."""

    def pictures(self, done: int, total: int) -> None:
        """Pictures are read."""

    def step(self, progress: Progress) -> None:
        """The network is trained; called twice a second at most, and after each step of the phase
        of the region head.
        """


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
        check_empty(folder)
    options, changed = Options.stored(folder, given) if resume else (Options.given(given), False)
    preset = recipe or _preset(options.preset)
    regions = _regions(options, preset)
    plan_of(options, preset, pictures=100)  # complains before anything is begun
    check_loggers(options.loggers)
    model = folder / MODEL
    if changed and first:
        _lengthen(options, folder)
    if resume and model.is_file():
        watch.say("the run is finished")
        return model
    with explained(folder), alone(folder, first):
        _run(options, preset, folder, watch, callbacks, regions, new=new, first=first)
    return model if first else None


def _run(
    options: Options,
    preset: Preset,
    folder: Path,
    watch: Watch,
    callbacks: Sequence[Callback],
    regions: RegionPictures | None,
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
    compiled = preset.compiles and compiling_pays(plan, watch.say)
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
        if regions is not None:
            _learn_regions(regions, module, folder, watch, options.precision or preset.precision())
        _finish(options, preset, module, batches, folder, watch)


def _learn_regions(
    pictures: RegionPictures, module: RunModule, folder: Path, watch: Watch, precision: str
) -> None:
    """The phase of the region head, after which the run's weights have it."""
    assert isinstance(module, ColorModule)
    plan = module.plan
    phase = RegionPhase(
        module.network.eval(),
        pictures,
        folder / _REGIONS,
        size=plan.final_size * 3 // 64 * 32,  # clicks look at pictures 1.5 times as large
        minutes=None if plan.minutes is None else _REGION_MINUTES * plan.minutes,
        seed=plan.seed,
        bfloat16=precision == "bf16-mixed",
    )
    if phase.done < 1:
        watch.say(f"learning regions from {len(pictures)} pictures")
        phase.run(watch.step)
        if (found := phase.ranking()) is not None:
            watch.say(f"pairs of cells of one region are the more alike in {found:.1%}")
    write_network(module.network, folder / _WEIGHTS)


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
    for file in (LAST, BEST, _REGIONS, *(() if tuning else (_START,))):  # it is needed to lengthen
        (folder / file).unlink(missing_ok=True)


def _lengthen(options: Options, folder: Path) -> None:
    """Let a run go on from before its learning rate fell; ArgumentError if nothing is kept."""
    steady = folder / STEADY
    if steady.is_file():
        steady.replace(folder / LAST)
    elif (folder / MODEL).is_file():
        raise ArgumentError(
            f"the run in {folder} cannot be made longer",
            expected=f"its {STEADY}",
            fix=f"begin a new run with --weights {folder / _WEIGHTS}",
        )
    options.store(folder)
    for made in (MODEL, _WEIGHTS, _REGIONS):
        (folder / made).unlink(missing_ok=True)


def _weights(path: str) -> Path:
    return Registry().resolve(BUNDLED) if path == BUNDLED else Path(path)


def _regions(options: Options, preset: Preset) -> RegionPictures | None:
    """The pictures with region maps that a run was given.

    Raises:
        ArgumentError: they cannot be used.
    """
    if options.regions and not preset.regions:
        raise ArgumentError(
            "--regions cannot be used",
            expected=f"a preset whose network has a region head, not {preset.name}",
            got=" ".join(options.regions),
        )
    if not options.regions:
        return None
    pictures = RegionPictures([Path(path) for path in options.regions])
    if len(pictures) < 2:
        raise ArgumentError(
            "--regions cannot be used",
            expected="two pictures or more, one of them to measure on",
            got=str(len(pictures)),
        )
    return pictures


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
