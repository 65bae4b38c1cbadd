"""Colour a folder of everything. Stopped by anything, the same command goes on where it was.

python examples/archive.py scans/ color/
"""

import sys

from photochrom import archive


def tell(event: archive.Event) -> None:
    """One line for every file that is done."""
    if isinstance(event, archive.Planned):
        print(f"{event.files} files to colour")
    elif isinstance(event, archive.Outcome):
        print(f"{event.task.source}: {event.error or event.state}")


if __name__ == "__main__":  # pictures are coloured by processes of their own
    source, target = sys.argv[1:3]
    summary = archive.run(source, target, on_event=tell)
    print(f"{summary.pictures} pictures, {summary.videos} films, {summary.failed} failed")
