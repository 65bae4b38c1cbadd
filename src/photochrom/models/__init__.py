"""One session class for every model: an ONNX file, run by ONNX Runtime."""

from __future__ import annotations

import math
import os
from dataclasses import replace
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np

from ..color import Float
from ..errors import ArgumentError, ModelError
from ..gamut import BIN_COUNT
from .card import FAMILIES, FEATURES, METADATA_KEY, REGIONS, Card, Prediction

__all__ = ["Card", "Model", "Prediction"]

PROVIDERS = (
    "CUDAExecutionProvider",
    "CoreMLExecutionProvider",
    "OpenVINOExecutionProvider",
    "DmlExecutionProvider",
    "CPUExecutionProvider",
)
"""Execution providers, best first; the first ones that the installed ONNX Runtime has are used."""

NUMBERS: dict[str, type[np.generic]] = {
    "tensor(float16)": np.float16,
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
}
"""Types of inputs, by ONNX Runtime's names."""

_LONGEST = 4  # an input side is at most this many times the card's size, however long the picture


def import_onnxruntime() -> Any:
    """The module onnxruntime with its telemetry off; it is imported nowhere else.

    Official builds since 1.29 report every session to their maker and keep an identifier of the
    machine in the user's cache folder, unless the variable ORT_DISABLE_TELEMETRY is set before the
    first import. Older builds for Windows know only the function.
    """
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import onnxruntime

    onnxruntime.disable_telemetry_events()
    return onnxruntime


class Model:
    """A loaded model.

    Args:
        path: the ``.onnx`` file.
        threads: for one prediction; None: as many as there are cores.

    Attributes:
        card: what the model is.
        path: where it was loaded from.

    Raises:
        ModelError: the file is no ONNX model, has no card, or does not fit its family.
    """

    def __init__(self, path: Path, *, threads: int | None = None) -> None:
        ort = import_onnxruntime()
        self.path = path
        options = ort.SessionOptions()
        options.log_severity_level = 3  # errors only: they come as exceptions too
        # Else its threads stay busy waiting after each run, on cores that then paint or encode.
        options.add_session_config_entry("session.force_spinning_stop", "1")
        if threads is not None:
            options.intra_op_num_threads = threads
        installed = ort.get_available_providers()
        providers = [name for name in PROVIDERS if name in installed]
        try:
            self._session: Any = ort.InferenceSession(str(path), options, providers=providers)
        except Exception as error:  # ONNX Runtime's exceptions share no base class
            raise _bad_file(path, error) from None
        self.card = self._read_card()
        self._outputs = [o.name for o in self._session.get_outputs()]
        self._check()

    @property
    def providers(self) -> list[str]:
        """The execution providers that run this model, first choice first."""
        return [str(name) for name in self._session.get_providers()]

    @property
    def has_distribution(self) -> bool:
        """Whether predictions have logits over the gamut bins."""
        return any(o.shape[1:2] == [BIN_COUNT] for o in self._session.get_outputs())

    @property
    def has_features(self) -> bool:
        """Whether predictions have features."""
        return FEATURES in self._outputs

    def fit(self, height: int, width: int, size: int | None = None) -> tuple[int, int]:
        """The input size for a picture.

        Args:
            height, width: of the picture, in pixels.
            size: side of the square with the input's area; None: the card's.

        Returns:
            ``(h, w)``: the card's fixed size if it has one, else sides in the picture's
            proportion, each a multiple of the card's ``multiple``.

        Raises:
            ArgumentError: `size` out of range, or not the only one that the model takes.
        """
        for side in (height, width):
            ArgumentError.check("the picture's size", side, Real, "numbers of pixels")
        card = self.card
        if size is not None and not card.multiple <= size <= 4096:
            raise ArgumentError(
                "the model's input size",
                expected=f"{card.multiple} to 4096 pixels",
                got=str(size),
                fix=f"leave it out for this model's own, {card.size}",
            )
        if card.fixed is not None:
            if size not in (None, *card.fixed):
                raise ArgumentError(
                    "the model's input size",
                    expected=f"{card.fixed[1]} x {card.fixed[0]}, the only one {card.name} takes",
                    got=str(size),
                    fix="leave it out, or use another model",
                )
            return card.fixed
        size = size or card.size
        scale = size / math.sqrt(height * width)
        longest = _LONGEST * size
        sides = (min(side * scale, longest) / card.multiple for side in (height, width))
        h, w = (max(1, round(side)) * card.multiple for side in sides)
        return h, w

    def predict(
        self, L: Float, hint_ab: Float | None = None, hint_mask: Float | None = None
    ) -> Prediction:
        """Chroma of pictures.

        Args:
            L: ``(N, 1, h, w)`` float32, 0...100, of a size that `fit` gives.
            hint_ab: ``(N, 2, h, w)`` float32 ab, or None for none.
            hint_mask: ``(N, 1, h, w)`` float32, 1 where `hint_ab` counts.

        Returns:
            A `Prediction`; its ab is at the card's temperature.

        Raises:
            ArgumentError: shapes that do not fit.
            ModelError: hints for a model that takes none, or the network failed, or gave chroma
                that is not finite or on a grid larger than `L`.
        """
        ArgumentError.check("L", L, np.ndarray, "an array (N, 1, h, w)")
        if L.ndim != 4 or L.shape[1] != 1:
            raise ArgumentError.wrong_shape("L", "(N, 1, h, w)", L.shape)
        if (hint_ab is None) != (hint_mask is None):
            raise ArgumentError("hints for the network", expected="both a map and a mask")
        if hint_ab is None or hint_mask is None:
            hint_ab = np.zeros((len(L), 2, *L.shape[2:]), np.float32)
            hint_mask = np.zeros_like(L)
        elif not self.card.hints:
            raise ModelError(
                f"the model {self.card.name} takes no hints itself",
                fix="use photochrom.Colorizer, which spreads hints for such models",
            )
        if hint_ab.shape != (len(L), 2, *L.shape[2:]) or hint_mask.shape != L.shape:
            raise ArgumentError(
                "hints for the network",
                expected=f"a map {(len(L), 2, *L.shape[2:])} and a mask {L.shape}, as L is",
                got=f"{hint_ab.shape} and {hint_mask.shape}",
            )
        family = FAMILIES[self.card.family]
        inputs = family.encode(np.asarray(L, np.float32), hint_ab, hint_mask, self.card)
        named = dict(zip(self._outputs, self._run(inputs), strict=True))
        features = named.pop(FEATURES, None)
        regions = named.pop(REGIONS, features)
        prediction = family.decode([*named.values()], self.card)
        self._check_chroma(prediction.ab, L.shape)
        return replace(prediction, features=features, regions=regions)

    def _run(self, inputs: list[Float]) -> list[Float]:
        specs = self._session.get_inputs()
        if specs[0].shape[0] == 1 and len(inputs[0]) > 1:  # exported for single pictures
            each = [self._run([i[n : n + 1] for i in inputs]) for n in range(len(inputs[0]))]
            return [np.concatenate(outputs) for outputs in zip(*each, strict=True)]
        feed = {
            spec.name: np.ascontiguousarray(each, NUMBERS.get(spec.type, np.float32))
            for spec, each in zip(specs, inputs, strict=True)
        }
        try:
            return [np.asarray(o, np.float32) for o in self._session.run(None, feed)]
        except Exception as error:
            raise ModelError(
                f"the model {self.card.name} failed",
                expected=f"inputs of shapes {[s.shape for s in specs]}",
                got=f"{[i.shape for i in inputs]} ({error})",
                fix="check that the model's card states its size and multiple rightly",
            ) from None

    def _check_chroma(self, ab: Float, L: tuple[int, ...]) -> None:
        got = ab.shape
        if not np.isfinite(ab).all():
            raise ModelError(
                f"the model {self.card.name} gave numbers that are not finite",
                fix="check that the model's card fits its network, or use another model",
            )
        if got[0] != L[0] or got[2] > L[2] or got[3] > L[3]:
            raise ModelError(
                f"the model {self.card.name} does not fit its family",
                expected=f"chroma of {L[0]} picture(s) on a grid not larger than {L[2:]}",
                got=f"an output of shape {got}",
            )

    def _read_card(self) -> Card:
        text = self._session.get_modelmeta().custom_metadata_map.get(METADATA_KEY)
        beside = self.path.with_suffix(".toml")
        if text is not None:
            return Card.from_json(text, str(self.path))
        if beside.is_file():
            return Card.from_toml(beside)
        raise ModelError(
            f"{self.path} has no model card, neither inside nor in {beside.name} beside it",
            fix=f"import it with `photochrom models import {self.path} --family ...`",
        )

    def _check(self) -> None:
        if self.card.family not in FAMILIES:
            raise ModelError(
                f"{self.path} is of a family this version does not know",
                expected=" or ".join(FAMILIES),
                got=self.card.family,
            )
        allowed, count = FAMILIES[self.card.family].inputs, len(self._session.get_inputs())
        if count not in allowed or count != (3 if self.card.hints else 1):
            raise ModelError(
                f"{self.path} does not fit its family {self.card.family}",
                expected="1 input" + (", or 3 with hints = true" if 3 in allowed else ""),
                got=f"{count} with hints = {str(self.card.hints).lower()}",
                fix="correct its card, or import it again",
            )
        if self.card.family == "deoldify":
            self._probe_scale()

    def _probe_scale(self) -> None:
        """Flat mid-grey must come back roughly as bright as it went in."""
        h, w = self.fit(64, 64, 64 if self.card.multiple <= 64 and not self.card.fixed else None)
        grey = np.full((1, 3, h, w), 0.5 * self.card.scale, np.float32)
        mean = float(self._run([grey])[0].mean()) / self.card.scale
        if not 0.2 < mean < 0.8:
            raise ModelError(
                f"{self.path} works in another range than its card says",
                expected=f"mid-grey back from mid-grey at scale = {self.card.scale:g}",
                got=f"{mean:.3g} of the range",
                fix=f"set scale = {1 if self.card.scale > 1 else 255} in the card",
            )


def _bad_file(path: Path, error: Exception) -> ModelError:
    if not path.is_file():
        return ModelError.not_found(path, "an ONNX model")
    return ModelError.unreadable(path, error, "check that it is an ONNX file")
