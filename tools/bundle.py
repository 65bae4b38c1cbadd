"""Put a trained model into the package, with its card.

    python tools/bundle.py my-model/model.onnx

The card's words and measured figures come from ``tools/bundled.toml``, whatever the network itself
depends on (family, sizes, temperature, hints) from the model's own card.
"""

import sys
from dataclasses import replace
from pathlib import Path

import onnx

from photochrom._io import replacing
from photochrom.models.card import METADATA_KEY, Card, read_card

HERE = Path(__file__).parent
BUNDLED = HERE.parent / "src/photochrom/models/bundled/photochrom.onnx"


def main(source: Path) -> None:
    """Write `source` with the new card over the bundled model."""
    own, words = read_card(source), Card.from_toml(HERE / "bundled.toml")
    assert own is not None, f"{source} has no card"
    parts = ("family", "size", "multiple", "fixed", "temperature", "chroma", "hints")
    card = replace(words, **{part: getattr(own, part) for part in parts})
    model = onnx.load(source)
    onnx.helper.set_model_props(model, {METADATA_KEY: card.to_json()})
    model.doc_string = card.title
    with replacing(BUNDLED) as temporary:
        onnx.save(model, temporary)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
