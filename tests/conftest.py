"""Settings and fixtures of all tests."""

from __future__ import annotations

import gc
import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

# One thread per process, here and in the processes that tests start: pytest-xdist fills the cores.
# Set before the libraries are imported, which read these once.
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "VIPS_CONCURRENCY"):
    os.environ.setdefault(_variable, "1")
os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # for tests that import onnxruntime themselves
# PyTorch's exporter keeps the shape of every result, which takes longer than working it out again.
os.environ.setdefault("TORCH_FAKE_TENSOR_DISPATCH_CACHE", "0")

import hypothesis  # noqa: E402
import pytest  # noqa: E402
from filelock import FileLock  # noqa: E402

if TYPE_CHECKING:
    from photochrom import Colorizer

# Shells start background jobs with Ctrl-C ignored, and so would be whatever the tests start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Nothing is timed in tests: machines are loaded.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")


gc.disable()  # importing what tests need makes objects that stay


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One process more than cores for ``-n auto``: some wait, for Ray, a browser or a service."""
    from photochrom._system import cores

    return cores() + 1


def pytest_configure(config: pytest.Config) -> None:
    """Keep the order of `longest_first`; pytest-xdist would begin with the most tests."""
    config.option.loadscopereorder = False


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Give the tests of a file to one process (``--dist loadfile``), as those that share things."""
    if config.getvalue("dist") != "loadfile":
        return None
    from tests.helpers.parallel import ByFile

    return ByFile(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if "PYTEST_XDIST_WORKER" in os.environ:
        from tests.helpers.parallel import longest_first

        items.sort(key=lambda item: longest_first(item.nodeid))


def pytest_collection_finish() -> None:
    """The garbage collector need not look at the imported libraries again in every test."""
    gc.set_threshold(20_000, 20, 20)  # PyTorch's exporter makes millions of objects
    gc.enable()
    gc.collect()
    gc.freeze()


def pytest_runtest_logstart() -> None:
    """Keep PyTorch from tracing its exports, which takes as long as the exports.

    pytest captures what loggers that do not propagate say, and PyTorch traces once somebody does.
    """
    trace = logging.getLogger("torch.__trace")
    trace.propagate = True
    trace.handlers.clear()


Once = Callable[[str, Callable[[Path], object]], Path]


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> Once:
    """``once(name, make)``: a file or folder that one process of a parallel run makes for all.

    ``make`` gets the path to write; tests only read what it leaves there.
    """
    base = tmp_path_factory.getbasetemp()
    shared = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "shared"
    shared.mkdir(exist_ok=True)

    def get(name: str, make: Callable[[Path], object]) -> Path:
        path, done = shared / name, shared / f".{name}.done"
        with FileLock(shared / f".{name}.lock"):
            if not done.exists():
                make(path)
                done.touch()
        return path

    return get


@pytest.fixture(scope="session")
def tiny_model(once: Once) -> Path:
    """An ONNX file of the family ``photochrom`` with hints, which answers in a millisecond."""
    from tests.helpers.tiny_models import photochrom

    return once("tiny.onnx", lambda path: photochrom(path, hints=True))


@pytest.fixture(scope="session")
def tiny_colorizer(tiny_model: Path) -> Colorizer:
    """A Colorizer with `tiny_model` on one thread; immutable, so all tests share it."""
    from photochrom import Colorizer

    return Colorizer(tiny_model, threads=1)


@pytest.fixture(scope="session")
def finished_run(once: Once) -> Path:
    """A folder with the run ``My Run``, see `tests.helpers.finished_run.finish`."""
    if sys.platform == "win32":
        pytest.skip("kills by signals")
    from tests.helpers.finished_run import finish

    return once("finished run", finish)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """``tiny.onnx`` in the test's folder, of the family ``plain``: one colour for everything."""
    from tests.helpers.cli_model import write_model

    return write_model(tmp_path / "tiny.onnx")


@pytest.fixture
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The test's folder as the working folder, with a home inside it."""
    monkeypatch.setenv("PHOTOCHROM_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def s3_store(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """File system of an S3 store in this process, with the bucket ``archive``."""
    fsspec = pytest.importorskip("fsspec", reason="URLs need the extra archive")
    pytest.importorskip("s3fs", reason="S3 needs s3fs")
    server = pytest.importorskip("moto.server", reason="a store to test with needs moto[server]")
    running = server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",  # of a store in this process
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    fs = fsspec.filesystem("s3", skip_instance_cache=True, use_listings_cache=False)
    fs.mkdir("archive")
    yield fs
    fs.rm("archive", recursive=True)  # all such stores of a process are one
    fs.clear_instance_cache()  # those that know this port
    running.stop()
