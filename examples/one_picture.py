"""Colour one photograph.

python examples/one_picture.py examples/astronaut.jpg astronaut-color.jpg
"""

import sys

import photochrom

source, target = sys.argv[1:3]
picture = photochrom.colorize(source)
picture.save(target)
height, width = picture.pixels.shape[:2]
print(f"{target}: {width} x {height} pixels; {picture.note}")
