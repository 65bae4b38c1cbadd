"""What the fork server imports before it forks worker processes.

Not ONNX Runtime, OpenCV and FFmpeg, which start threads when they are imported.
"""

from . import child  # noqa: F401
