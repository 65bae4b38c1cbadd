"""Which family a network is of: by the shape of its ends, by its graph, and by running it.

The candidates colour a grey ramp and two photographs whose colours are known. A network that gets
lightness in a range it was not trained on gives colours that are much further from the truth.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...color import Float
from ...errors import ArgumentError, MissingExtraError
from ..card import FAMILIES
from .conventions import SAME, Affine, Convention
from .graph_evidence import GraphEvidence
from .onnx_contents import Ends, OnnxContents, ends_of
from .trial_runs import CLEAR, colors_of, nearest

_SMALL = 1.05  # largest number of colours that are not in Lab units
_UNITS = {"ab": 1.0, "ab / 110": 110.0, "ab / 128": 128.0}

_LIGHTNESS: dict[str, tuple[float, float]] = {  # of 0...100 to a range: scale, shift
    "0...100": (1.0, 0.0),
    "-50...50": (1.0, -50.0),
    "-0.5...0.5": (0.01, -0.5),
    "-1...1": (0.02, -1.0),
    "0...1": (0.01, 0.0),
}
RANGES = {name.replace("...", ":"): name for name in _LIGHTNESS}
"""Ranges of lightness as they are named on the command line, and in texts."""

_OWN = {  # family -> its range and unit
    "photochrom": ("0...100", "ab"),
    "siggraph17": ("0...100", "ab"),
    "zhang16": ("-50...50", "ab"),
    "plain": ("0...100", "ab / 128"),
}
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet's pictures


def guess(
    contents: OnnxContents, family: str | None, lightness: str | None = None
) -> list[Convention]:
    """The conventions that a network may have, likeliest first.

    Args:
        contents: the network.
        family: key of `FAMILIES` that the user named; None: any.
        lightness: key of `RANGES` that the user named; None: any.

    Returns:
        One convention; or, for networks that give RGB, those that can only be told apart by a run
        of the whole model.

    Raises:
        ArgumentError: the network is of another family than named, or it cannot be told.
        ModelError: its inputs and outputs are those of no family.
        MissingExtraError: it has to be rewritten, and onnx is not installed.
    """
    ends = ends_of(contents)
    possible = {3: ["deoldify" if ends.colors == 3 else "ddcolor"]}.get(ends.channels, [*_OWN])
    if family is not None and family not in possible:
        raise _other(contents, family, f"inputs and outputs as {' or '.join(possible)} has")
    told = possible == ["ddcolor"]  # then a gigabyte need not be read once more
    evidence = None if told else _evidence(contents)
    if ends.channels == 3:
        found = _of_rgb(contents, ends, evidence)
    else:
        found = [_of_lightness(contents, ends, evidence, family, lightness)]
    return [replace(each, channels_last=ends.channels_last) for each in found]


def _evidence(contents: OnnxContents) -> GraphEvidence | None:
    try:
        return GraphEvidence(contents.proto)
    except MissingExtraError:
        return None


def _of_rgb(contents: OnnxContents, ends: Ends, evidence: GraphEvidence | None) -> list[Convention]:
    if ends.colors == 2:
        return [Convention(family="ddcolor", about="grey RGB 0...1 -> ab")]
    given = evidence.ending(contents.outputs[0].name).range if evidence else None
    if given is not None and np.allclose(given, (-1, 1)):
        change = Convention(
            family="deoldify",
            about="grey RGB -1...1 -> RGB",
            taken=(Affine(2.0, -1.0),),
            given=Affine(0.5, 0.5),
        )
        return [change]
    if given is not None and given[0] < -1 and np.isclose(given[0], -given[1]):
        taken = Affine(
            tuple(1 / each for each in _STD),
            tuple(-mean / each for mean, each in zip(_MEAN, _STD, strict=True)),
        )
        about = "grey RGB -> RGB, both normalised as ImageNet's pictures"
        return [
            Convention(family="deoldify", about=about, taken=(taken,), given=Affine(_STD, _MEAN))
        ]
    # A network of 0...1 cannot give back 0...255, but one of 0...255 may do as if the other.
    return [
        Convention(family="deoldify", about=f"grey RGB 0...{scale} -> RGB", scale=scale)
        for scale in (255, 1)
    ]


def _of_lightness(
    contents: OnnxContents,
    ends: Ends,
    evidence: GraphEvidence | None,
    family: str | None,
    lightness: str | None,
) -> Convention:
    logits = "" if evidence is None or ends.distribution else evidence.logits()
    ranges = [RANGES[lightness]] if lightness else _plausible(contents, ends, evidence)
    trials = {name: colors_of(contents, ends, Affine(*_LIGHTNESS[name])) for name in ranges}
    unit, sure = _unit(contents, ends, evidence, trials)
    name, errors = nearest(trials, _UNITS[unit])
    own = _OWN.get(family or "")
    if own is not None and len(ranges) > 1:
        if name is not None and name != own[0]:
            told = ", ".join(f"{error:.1f} with {each}" for each, error in errors.items())
            raise _other(contents, str(family), f"ab errors on photographs of {told}")
        if name is None and not errors[own[0]] - min(errors.values()) > CLEAR:
            name = own[0]
    if own is not None and (not sure or "ab" not in (unit, own[1])):
        unit = own[1]
    if name is None and len(ranges) > 1 and ends.channels == 4:
        name = ranges[0]
    if name is None:
        told = ", ".join(f"{error:.1f} with lightness {each}" for each, error in errors.items())
        raise ArgumentError(
            f"{contents.path} does not say what it is",
            expected="a network whose colours tell",
            got=f"ab errors of {told}",
            fix=f"add --lightness with one of {', '.join(RANGES)}, "
            f"or --family with one of {', '.join(FAMILIES)}",
        )
    hints = ends.inputs == 3 or ends.channels == 4
    return _convention(family, name, unit, hints, ends, logits)


def _convention(
    family: str | None, name: str, unit: str, hints: bool, ends: Ends, logits: str
) -> Convention:
    """The range and unit as differences from a family's own."""
    if family is None:
        if ends.distribution or logits:
            family = "photochrom" if hints or (name == "0...100" and not logits) else "zhang16"
        elif unit == "ab" and name == "-50...50" and not hints:
            family = "zhang16"
        elif (name, unit) == ("0...100", "ab / 128") and not hints:
            family = "plain"
        else:
            family = "siggraph17"
    own_name, own_unit = _OWN[family]
    (scale, shift), (own_scale, own_shift) = _LIGHTNESS[name], _LIGHTNESS[own_name]
    by = scale / own_scale
    lightness = Affine(round(by, 9), round(shift - by * own_shift, 9))
    # Networks that take lightness 0...1 or so take the hints' colours in the unit of their own.
    small = 1 / 110 if hints and scale < 1 else 1.0
    return Convention(
        family=family,
        about=f"lightness {name} -> {unit}",
        taken=(lightness, Affine(small), SAME) if hints else (lightness,),
        given=Affine(_UNITS[unit] / _UNITS[own_unit]),
        stacked=ends.channels == 4,
        logits=logits if family in ("zhang16", "photochrom") else "",
    )


def _plausible(contents: OnnxContents, ends: Ends, evidence: GraphEvidence | None) -> list[str]:
    """Names of the ranges that the first operations on lightness leave possible."""
    if ends.channels == 4:
        return ["-0.5...0.5", "0...100", "-50...50", "-1...1", "0...1"]
    ways = evidence.beginnings(contents.inputs[0].name) if evidence else []
    for scale, shift in ways:
        found = []
        for name, (by, plus) in _LIGHTNESS.items():
            low, high = sorted(scale * x + shift for x in (plus, 100 * by + plus))
            width = high - low
            centred = abs(low + high) / 2 < 0.05 * width or abs(low) < 0.05 * width
            if centred and 0.4 < width < 4.5:
                found.append(name)
        if found:
            return found
    return list(_LIGHTNESS)


def _unit(
    contents: OnnxContents,
    ends: Ends,
    evidence: GraphEvidence | None,
    trials: dict[str, list[Float]],
) -> tuple[str, bool]:
    """Of the colours, and whether the graph tells: from its end, or else from their size."""
    if ends.distribution:
        return "ab", True
    axis = 3 if ends.channels_last else 1
    names = [s.name for s in contents.outputs if len(s.shape) == 4 and s.shape[axis] in (2, None)]
    if evidence is not None and names:
        ending = evidence.ending(names[0])
        if abs(ending.scale) > 20:
            return "ab", True
        if ending.bounds is not None and abs(ending.scale) <= 2:
            return "ab / 110", True
    largest = max((float(np.abs(ab).max()) for each in trials.values() for ab in each), default=0)
    return ("ab" if largest > _SMALL else "ab / 110"), False


def _other(contents: OnnxContents, family: str, got: str) -> ArgumentError:
    return ArgumentError(
        f"{contents.path} is not of the family {family}",
        expected=f"what the family {family} takes and gives",
        got=got,
        fix="leave --family out, and it is found out",
    )
