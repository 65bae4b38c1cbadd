"""Train the small network of student projects on a folder of colour photographs, then use it.

python examples/own_training.py my-photographs/ my-model/ old.jpg [EPOCHS]
"""

import sys
from pathlib import Path

from photochrom import Colorizer
from photochrom.training.run import train

if __name__ == "__main__":  # pictures are decoded by processes of their own
    photographs, folder, old, *epochs = sys.argv[1:]
    options = {
        "preset": "plain",
        "data": (photographs,),
        "size": 32,
        "epochs": float(epochs[0]) if epochs else 20,
    }
    model = train(options, Path(folder))
    Colorizer(model).colorize(old).save(Path(folder) / "colored.jpg")
    print(f"{model} and {folder}/colored.jpg")
