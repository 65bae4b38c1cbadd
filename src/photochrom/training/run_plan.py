"""Plan, shares of the sources and card of a run, made from its options and its computer."""

from __future__ import annotations

import math
import platform
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from .._system import cores
from ..errors import ArgumentError
from ..models.card import Card
from .data.cache import Cache
from .data.crops import aside, capped
from .loop.batches import Batches
from .loop.plan import Plan
from .loop.run_module import RunModule
from .presets import Preset
from .run_options import Options

_MOST_ASIDE = 0.15  # of the pictures that a run is given
_SHARD = re.compile(r"(-\d+)?(\.zip|\.tar|\.tar\.gz|\.tgz)$", re.IGNORECASE)


def card_of(
    options: Options,
    preset: Preset,
    module: RunModule,
    batches: Batches,
    history: Mapping[str, Mapping[int, float]],
    name: str,
    begun: nn.Module | None,
    say: Callable[[str], None],
) -> Card:
    """The card of a trained model; the last choices after training are made for it."""
    names = ", ".join(batches.cache.sources)
    plan = module.plan
    length = f"{plan.minutes:g} minutes" if plan.minutes is not None else f"{plan.steps} batches"
    encoder = f"; encoder {options.encoder or preset.encoder}" if preset.encoder else ""
    metrics = {
        f"validation_{name.removeprefix('val/')}": round(list(values.values())[-1], 4)
        for name, values in history.items()
        if name.startswith("val/") and values
    }
    chosen = preset.card(module, batches, begun, say)
    metrics |= chosen.pop("metrics", {}) | {"validation_pictures": float(len(batches.squares))}
    return Card(
        name=name,
        family=preset.family,
        title=f"{name}: trained with the preset {preset.name}{encoder}",
        licence="That of your pictures" + (" and of the encoder's weights" if encoder else ""),
        source="photochrom train",
        data=f"{len(batches.cache)} pictures, as given by you: {names}",
        training=f"{length} of {plan.batch} crops of {plan.size} pixels on {describe()}",
        metrics=metrics,
        **chosen,
    )


def tuned(options: Options, preset: Preset, say: Callable[[str], None]) -> Options:
    """The options of a run that fine-tunes a network."""
    values = {k: v for k, v in preset.tuning.items() if getattr(options, k) is None}
    if values:
        say(f"fine-tuning: {', '.join(f'--{name} {value:g}' for name, value in values.items())}")
    return replace(options, **values)


def plan_of(options: Options, preset: Preset, *, pictures: int, held: bool = False) -> Plan:
    """The plan of a run.

    Args:
        options: of the user.
        preset: what they leave open.
        pictures: how many there are.
        held: whether it is measured on others; else a part of them is set aside.

    Raises:
        ArgumentError: an option is out of range.
    """
    size, final_size, _ = preset.sizes(options.size, options.data)
    values: dict[str, Any] = dict(preset.values)
    values |= {"size": size, "final_size": final_size, "seed": options.seed}
    if options.batch is not None:
        values["batch"] = options.batch
    if options.lr is not None:
        values["rate"] = options.lr
    minutes, epochs = options.minutes, options.epochs
    if minutes is None and epochs is None:
        minutes, epochs = preset.minutes, preset.epochs
    some = Plan(steps=1, **values)
    least = min(preset.aside / pictures, _MOST_ASIDE)
    values["validation"] = max(some.validation, least)
    if epochs is None:
        return Plan(minutes=minutes, **values)
    if not 0 < epochs < math.inf:
        raise ArgumentError("--epochs cannot be used", expected="more than 0", got=str(epochs))
    trained = pictures if held else pictures - aside(pictures, values["validation"])
    return Plan(steps=max(1, round(epochs * trained / some.batch)), **values)


def shares_of(options: Options, preset: Preset, cache: Cache) -> list[float] | None:
    """Part of the crops of each source, if not each picture is to count alike.

    The shards of a source (``streets-0.zip``, ``streets-1.zip``) count as one.

    Raises:
        ArgumentError: a source that is named is not there.
    """
    most = preset.most if options.most is None else options.most
    names = [_SHARD.sub("", name) for name in cache.sources]
    if unknown := sorted(options.shares.keys() - set(names)):
        raise ArgumentError(
            "the shares of the sources",
            expected=f"names of sources: {', '.join(dict.fromkeys(names))}",
            got=", ".join(unknown),
        )
    counts = np.bincount(cache.sources_of(np.arange(len(cache))), minlength=len(names)).tolist()
    together = {n: sum(c for m, c in zip(names, counts, strict=True) if m == n) for n in names}
    if not options.shares and (most is None or len(together) == 1):
        return None
    weights = [options.shares.get(n, 0.0) for n in together] if options.shares else None
    share = dict(zip(together, capped(list(together.values()), weights, most or 1.0), strict=True))
    return [share[n] * c / together[n] if c else 0.0 for n, c in zip(names, counts, strict=True)]


def model_name(folder: Path) -> str:
    """A model's name from the folder's."""
    name = re.sub(r"[^a-z0-9._-]+", "-", folder.resolve().name.lower()).strip("._-")
    return name or "model"


def describe() -> str:
    """The devices that train, for people."""
    if torch.cuda.is_available():
        count = torch.cuda.device_count()
        return f"{count} x {torch.cuda.get_device_name()}"
    return f"{cores()} cores of {_processor()}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, "") or platform.processor() or platform.machine()
