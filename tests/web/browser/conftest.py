"""One server and one browser for all tests of the page in a worker."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.helpers.browser import Page, Server

_EXPECTED = "_stcore|disconnected|not responding"  # in the log of a page whose server is killed


@pytest.fixture(scope="session")
def server(driver: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    from tests.helpers.browser import Server
    from tests.helpers.tiny_models import photochrom

    home = tmp_path_factory.mktemp("home")
    (home / "models").mkdir()
    photochrom(home / "models/tiny.onnx", hints=True, features=True)
    made = Server(home)
    yield made
    made.process.terminate()
    made.process.wait(20)


@pytest.fixture(scope="session")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    pytest.importorskip("streamlit", reason="needs Streamlit (extra web)")
    webdriver = pytest.importorskip("selenium.webdriver", reason="needs Selenium (group dev)")
    from tests.helpers.browser import BROWSER, DRIVER, FLAGS

    if not BROWSER or not DRIVER:
        pytest.skip("needs chromium and chromedriver (Debian: chromium-driver)")
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for flag in (*FLAGS, f"user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(f"--{flag}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService(DRIVER))
    yield driver
    driver.quit()


@pytest.fixture
def browser(driver: Any, tmp_path: Path) -> Iterator[Any]:
    """The browser at its usual size, with a folder for this test's downloads."""
    driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    driver.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": False})
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    folder = {"behavior": "allow", "downloadPath": str(tmp_path / "downloads")}
    driver.execute_cdp_cmd("Browser.setDownloadBehavior", folder)
    driver.get_log("browser")
    yield driver
    severe = [line for line in driver.get_log("browser") if line["level"] == "SEVERE"]
    driver.execute_script("window.photochromReloads = true")  # leave without being asked
    assert not [line for line in severe if not re.search(_EXPECTED, line["message"])]


@pytest.fixture
def page(browser: Any, server: Server) -> Page:
    from tests.helpers.browser import Page

    return Page(browser, server.address)
