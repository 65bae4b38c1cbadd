"""Say what colour a thing was: the network runs once, every change of mind is only painted.

python examples/hints.py examples/astronaut.jpg . 420,310,#a02020 100,200,#2050a0
"""

import sys
from pathlib import Path

from photochrom import Colorizer, ColorOptions, Hint

source, folder, *hints = sys.argv[1:]
colorizer = Colorizer()
prepared = colorizer.prepare(source)

given = [Hint.parse(hint) for hint in hints]
for number, hint in enumerate(given, 1):
    likely = ", ".join(each.color for each in prepared.palette(hint.x, hint.y)[:3])
    print(f"at {hint.x:g},{hint.y:g} the network thinks of {likely}")
    options = ColorOptions(hints=given[:number])
    colorizer.render(prepared, options).save(Path(folder) / f"hints-{number}.png")
