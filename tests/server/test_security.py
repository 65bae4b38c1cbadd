"""Keys, headers, origins, names and temporary files."""

from __future__ import annotations

import json
import stat
import tempfile
import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest

from photochrom import ArgumentError, VideoOptions
from photochrom.server.api_keys import Keys, add_key
from photochrom.server.http.chosen_options import chosen
from photochrom.server.http.request_options import JobOptions
from photochrom.server.jobs.job_files import zip_name
from photochrom.server.service_error import ServiceError
from photochrom.server.settings import Settings
from photochrom.shot_list import FORMAT
from tests.helpers.cli_model import invoke
from tests.helpers.server_running import Gate, Running, check_error, picture, running, wait_for

JPEG = picture()


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    file = tmp_path_factory.mktemp("keys") / "keys"
    return file, add_key(file, "anna"), add_key(file, "berta")


@pytest.fixture(scope="module")
def live(
    tmp_path_factory: pytest.TempPathFactory, keys: tuple[Path, str, str]
) -> Iterator[Running]:
    with running(
        tmp_path_factory.mktemp("server"), api_keys=keys[0], cors_origins=("https://a.example",)
    ) as found:
        yield found


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def test_the_file_has_hashes_only(keys: tuple[Path, str, str]) -> None:
    file, anna, berta = keys
    text = file.read_text()
    assert anna not in text
    assert berta not in text
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(anna) >= 43
    assert Keys(file).name_of(anna) == "anna"
    assert Keys(file).name_of(berta) == "berta"
    assert Keys(file).name_of(anna[:-1]) is None
    assert Keys(file).name_of(text.split()[1]) is None  # the hash is no key


@pytest.mark.parametrize("text", ["", "# nothing\n", "anna\n", "anna deadbeef\n", "\0\n"])
def test_a_bad_file_of_keys(tmp_path: Path, text: str) -> None:
    file = tmp_path / "keys"
    file.write_text(text)
    with pytest.raises(ArgumentError, match="--new-key"):
        Keys(file)
    with pytest.raises(ArgumentError):
        Keys(tmp_path / "missing")


@pytest.mark.parametrize("name", ["", "a b", "x" * 65, "anna"])
def test_a_bad_name_of_a_key(tmp_path: Path, name: str) -> None:
    add_key(tmp_path / "keys", "anna")
    with pytest.raises(ArgumentError):
        add_key(tmp_path / "keys", name)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/colorize"),
        ("POST", "/v1/jobs"),
        ("GET", f"/v1/jobs/{'0' * 32}"),
        ("GET", f"/v1/jobs/{'0' * 32}/events"),
        ("GET", f"/v1/jobs/{'0' * 32}/result"),
        ("DELETE", f"/v1/jobs/{'0' * 32}"),
        ("GET", "/v1/models"),
        ("GET", "/metrics"),
    ],
)
def test_no_key_and_a_wrong_one(live: Running, method: str, path: str) -> None:
    answer = live.client.request(method, path)
    check_error(answer, 401, "unauthorized", "missing")
    assert answer.headers["www-authenticate"] == "Bearer"
    for wrong in (b"Bearer pc_wrong", b"Bearer", b"Basic YTpi", "Bearer ä".encode("latin-1")):
        answer = live.client.request(method, path, headers=[(b"Authorization", wrong)])
        check_error(answer, 401, "unauthorized")


def test_a_key_opens(live: Running, keys: tuple[Path, str, str]) -> None:
    for path in ("/healthz", "/readyz", "/docs", "/openapi.json"):
        assert live.client.get(path).status_code == 200
    assert live.client.get("/v1/models", headers=bearer(keys[1])).status_code == 200


def test_a_job_is_its_owner_s(live: Running, keys: tuple[Path, str, str]) -> None:
    job = live.client.post("/v1/jobs", content=JPEG, headers=bearer(keys[1])).json()
    here = job["links"]["self"]
    assert live.client.get(here, headers=bearer(keys[1])).status_code == 200
    check_error(live.client.get(here, headers=bearer(keys[2])), 404, "not_found")
    check_error(live.client.delete(here, headers=bearer(keys[2])), 404, "not_found")


def test_origins(live: Running, tmp_path: Path) -> None:
    good, bad = {"Origin": "https://a.example"}, {"Origin": "https://b.example"}
    allowed = "access-control-allow-origin"
    assert live.client.get("/healthz", headers=good).headers[allowed] == "https://a.example"
    assert allowed not in live.client.get("/healthz", headers=bad).headers
    ask = {"Access-Control-Request-Method": "POST"}
    answer = live.client.options("/v1/colorize", headers=good | ask)
    assert answer.headers[allowed] == "https://a.example"
    with running(tmp_path) as other:
        assert allowed not in other.client.get("/healthz", headers=good).headers


def test_headers(live: Running) -> None:
    for answer in (live.client.get("/healthz"), live.client.get("/nothing")):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "server" not in answer.headers


def test_the_page_of_docs_needs_no_other_host(live: Running) -> None:
    page = live.client.get("/docs")
    assert "http://" not in page.text
    assert "https://" not in page.text
    assert "script-src 'self' 'sha256-" in page.headers["content-security-policy"]
    for asset in ("swagger-ui-bundle.js", "swagger-ui.css", "favicon.png"):
        assert f"docs/assets/{asset}" in page.text
        assert live.client.get(f"/docs/assets/{asset}").status_code == 200
    check_error(live.client.get("/docs/assets/..%2f..%2fcore.py"), 404, "not_found")


NAMES = ["../../../etc/passwd", r"..\..\boot.ini", "/abs.jpg", "C:\\a.jpg", ".", "..", "con\0.jpg"]


@pytest.mark.parametrize(
    "name", [*NAMES, "", "/", "\n", "💾.jpg", "x" * 500, "a.tar.gz", ".hidden"]
)
def test_names_in_a_zip(name: str) -> None:
    found = zip_name(name, ".jpg", 4, set())
    assert found.endswith(".jpg")
    assert len(found) <= 130
    assert not set(found) & set('/\\:\0\n"<>|?*')
    assert not found.startswith(".")


def test_equal_names_in_a_zip() -> None:
    taken: set[str] = set()
    names = [zip_name(name, ".png", 0, taken) for name in ("a.jpg", "A.png", "b/a.gif", "c.png")]
    assert names == ["a.png", "A-2.png", "a-3.png", "c.png"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("12:30.jpg", "12-30.jpg"),
        ("CON.jpg", "_CON.jpg"),
        ("com1.tar.jpg", "_com1.tar.jpg"),
        ("C:\\photos\\nul.jpg", "_nul.jpg"),
        ("a/b: c.jpg", "b- c.jpg"),
        ("trailing .jpg", "trailing.jpg"),
        ("contact.jpg", "contact.jpg"),
    ],
)
def test_names_that_windows_would_refuse(name: str, expected: str) -> None:
    assert zip_name(name, ".jpg", 0, set()) == expected


def test_paths_in_file_names(tmp_path: Path) -> None:
    with running(tmp_path / "there") as live:
        files = [("file", (name, JPEG)) for name in NAMES]
        job = live.client.post("/v1/jobs", files=files).json()
        here = job["links"]["self"]
        wait_for(lambda: live.client.get(here).json()["state"] == "done")
        data = live.client.get(f"{here}/result").content
        with zipfile.ZipFile(BytesIO(data)) as packed:
            names = packed.namelist()
        assert len(set(names)) == len(NAMES)
        assert not any("/" in name or "\\" in name or name.startswith(".") for name in names)
        assert [each.name for each in tmp_path.iterdir()] == ["there"]


def test_private_and_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of an upload is for others' eyes, and nothing of it stays."""
    scratch = tmp_path / "tmp"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    large = picture("bmp", 1200, 1000)  # larger than what is kept in memory
    with running(tmp_path) as live:
        with Gate() as gate:
            job = live.client.post("/v1/jobs", files={"file": large}).json()
            wait_for(lambda: gate.calls == 1)
            place = live.service.jobs.files.path
            for path in [place, *place.rglob("*")]:
                mode = stat.S_IMODE(path.stat().st_mode)
                # The umask, which closes these too, is the command's, not the tests' process's.
                table = path.name == ".lock" or path.name.startswith("jobs.sqlite")
                assert table or not mode & 0o077, path
            assert stat.S_IMODE(place.stat().st_mode) == 0o700
            assert list(scratch.iterdir()) == []  # without a name already
        here = job["links"]["self"]
        wait_for(lambda: live.client.get(here).json()["state"] == "done")
        folder = live.service.jobs.files.of(job["id"])
        assert [each.name for each in folder.iterdir()] == ["result.zip"]
        assert live.client.delete(here).status_code == 204
        assert not folder.exists()
        check_error(live.client.get(here), 404, "not_found")
        assert live.client.post("/v1/colorize", content=large).status_code == 200
        assert list(scratch.iterdir()) == []


def test_the_command_is_there() -> None:
    """Only if it is registered; the tree of commands is another test's."""
    if invoke("serve", "--help").exit_code:
        pytest.skip("photochrom serve is not registered")
    assert "--max-upload" in invoke("serve", "--help").stdout


def test_a_list_of_shots_names_no_files() -> None:
    shot: dict[str, object] = {"start": 0, "end": 1, "still": 0}
    hint = {"x": 1, "y": 2, "color": "red"}
    shots = {"format": FORMAT, "film": {"name": "a", "duration": 1}, "shots": [shot]}
    models, settings = [{"name": "m", "smallest": 4}], Settings(max_hints=2)

    def video() -> VideoOptions:
        return chosen(JobOptions(shots=json.dumps(shots)), models, settings, "film").video

    shot["hints"] = [hint, hint]
    listed = video().shot_list
    assert listed is not None
    assert len(listed.shots[0].hints) == 2
    shot["hints"] = [hint] * 3
    with pytest.raises(ServiceError, match="at most 2"):
        video()
    shot |= {"hints": [], "reference": ["/etc/passwd"]}
    with pytest.raises(ServiceError, match="references are files"):
        video()
