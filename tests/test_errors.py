"""The exception tree and the form of its messages."""

import errno
import inspect
import os
import pickle
from pathlib import Path

import pytest

from photochrom import errors
from photochrom.errors import (
    ArgumentError,
    MissingExtraError,
    ModelError,
    ModelNotFoundError,
    PhotochromError,
    PictureError,
    PictureTooLargeError,
    reason,
)

KINDS = [
    kind
    for _, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, PhotochromError)
]


def make(kind: type[PhotochromError]) -> PhotochromError:
    return kind("a.jpg cannot be read", expected="a picture", got="a\n  list", fix="open it")


@pytest.mark.parametrize("kind", KINDS)
def test_every_error_has_one_base_and_a_message_of_one_line(kind: type[PhotochromError]) -> None:
    assert issubclass(kind, PhotochromError)
    message = "a.jpg cannot be read: expected a picture, got a list; open it"
    assert str(make(kind)) == message


@pytest.mark.parametrize("kind", KINDS)
def test_errors_survive_pickling(kind: type[PhotochromError]) -> None:
    """As they must to come back from another process."""
    error = make(kind)
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is kind
    assert str(again) == str(error)
    assert (again.problem, again.expected, again.got, again.fix) == (
        "a.jpg cannot be read",
        "a picture",
        "a list",
        "open it",
    )


@pytest.mark.parametrize("kind", KINDS)
def test_the_tree_in_the_docstring_is_the_tree(kind: type[PhotochromError]) -> None:
    lines = [line for line in (errors.__doc__ or "").splitlines() if kind.__name__ in line.split()]
    assert len(lines) == 1
    assert kind.__doc__


def test_families_of_errors() -> None:
    assert issubclass(ArgumentError, ValueError)
    assert issubclass(MissingExtraError, ImportError)
    assert issubclass(ModelNotFoundError, ModelError)
    assert issubclass(PictureTooLargeError, errors.PictureError)


def test_a_missing_extra_says_how_to_install_it() -> None:
    error = MissingExtraError.of("onnx", "import", "importing Caffe models")
    assert str(error) == (
        "importing Caffe models needs the package onnx; "
        'install it with: pip install "photochrom[import]"'
    )


def test_facts_may_be_left_out() -> None:
    assert str(ArgumentError("nothing to do")) == "nothing to do"
    assert str(ArgumentError("threads", expected="1 or more", got=0)) == (
        "threads: expected 1 or more, got 0"
    )
    assert str(ArgumentError("threads", got=0, fix="use 1")) == "threads: got 0; use 1"


def test_names_that_are_no_text_can_be_printed() -> None:
    error = PictureError.not_found(os.fsdecode(b"gr\xfcn.jpg"), "a picture")
    assert str(error) == "gr?n.jpg does not exist: expected a picture; check the path"


def test_an_error_of_the_system_is_told_in_its_own_words() -> None:
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "a.png")
    assert str(PictureError.unwritable(Path("a.png"), full)) == (
        "a.png cannot be written: No space left on device; "
        "check the folder and the space on the disk"
    )
    assert str(PictureError.unreadable("a.png", ValueError(), fix=None)) == (
        "a.png cannot be read: ValueError"
    )
    assert len(reason("word " * 1000)) <= 200


def test_a_wrong_choice_is_answered_with_the_nearest() -> None:
    error = ArgumentError.not_one_of("the codec", "h246", ["h264", "ffv1"])
    assert str(error) == "the codec: expected one of h264, ffv1, got h246; did you mean h264?"
    assert "did you mean" not in str(ArgumentError.not_one_of("the codec", "xyz", ["h264"]))


def test_a_wrong_shape_is_told_with_the_right_one() -> None:
    error = ArgumentError.wrong_shape("L", "(N, 1, h, w)", (3, 4))
    assert str(error) == "L has the wrong shape: expected (N, 1, h, w), got (3, 4)"
