"""Which tests of a parallel run belong together, and which are begun first."""

from __future__ import annotations

from pathlib import Path

from xdist.scheduler import LoadScopeScheduling

_SHARING = {
    "web/browser": "browser",  # with one server
    "cli/networks/test_documented_run.py": "finished run",
    "training/network/test_export.py": "finished run",
    "training/network/test_onnx_weights.py": "finished run",
    "training/test_run.py": "finished run",
    "training/test_resumed_run.py": "finished run",  # PyTorch and Lightning take seconds to import
    "training/test_run_options.py": "finished run",
    "cli/networks/test_train.py": "exports",  # PyTorch's exporter takes seconds to import
    "models/test_importers_checkpoint.py": "exports",
    "test_examples.py": "exports",
    "training/network/test_plain.py": "exports",
}

_LONGEST = (
    *("browser", "finished run", "exports", "archive/test_ray_pool.py"),
    *("archive/test_ray_films.py", "server/test_process.py", "video/test_colorize_video.py"),
    *("server/test_workers.py", "evaluate/test_evaluation.py", "cli/test_archive_stopped.py"),
    *("web/test_streamlit_app.py", "video/segments/test_segment_workers.py"),
    *("server/test_openapi.py", "server/test_film_jobs.py", "test_nothing_sent.py"),
    *("archive/test_storage.py", "cli/test_film_failures.py", "video/test_film_parts.py"),
    "cli/test_archive.py",
    *("training/objective/test_calibrate.py", "video/test_colorize_sequence.py"),
)
"""Files, or what they share, by the seconds they take; the others take less."""

for _name in (*_SHARING, *_LONGEST):
    _known = _name in _SHARING.values() or (Path(__file__).parents[1] / _name).exists()
    assert _known, f"there is no tests/{_name} any more: correct the lists of {__file__}"

_RANKS = {name: rank for rank, name in enumerate(_LONGEST)}


class ByFile(LoadScopeScheduling):
    """The tests of a file run in one process, with those of files that share something costly.

    So modules' fixtures are made once, and what a file imports is imported once.
    """

    def _split_scope(self, nodeid: str) -> str:
        return _group(nodeid)


def longest_first(nodeid: str) -> int:
    """Key to sort tests by: the rank of their file."""
    return _RANKS.get(_group(nodeid), len(_RANKS))


def _group(nodeid: str) -> str:
    file = nodeid.partition("::")[0].removeprefix("tests/")
    folder = file.rpartition("/")[0]
    return _SHARING.get(file) or _SHARING.get(folder) or file
