"""The exception tree and the form of its messages."""

import inspect
import pickle

import pytest

from photochrom import errors
from photochrom.errors import (
    ArgumentError,
    MissingExtraError,
    ModelError,
    ModelNotFoundError,
    PhotochromError,
    PictureTooLargeError,
)

KINDS = [
    kind
    for _, kind in inspect.getmembers(errors, inspect.isclass)
    if kind.__module__ == errors.__name__
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
        "a\n  list",
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
        "importing Caffe models is not available: expected the package onnx, got no such package; "
        'install it with: pip install "photochrom[import]"'
    )
