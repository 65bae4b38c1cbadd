"""What a film has shown before."""

from __future__ import annotations

import numpy as np
import pytest

from photochrom.video.color.key_frame import KeyFrame
from photochrom.video.color.memory import Memory
from tests.helpers.film_scenes import Array, flat, grain, seen, texture

MOST = 24
BIG = texture(120, 160, coarse=8)


def key(L: Array, a: float = 0) -> KeyFrame:
    ab = np.repeat(np.repeat(flat(L, a, -a), 4, 1), 4, 2)
    return KeyFrame.of(L, ab, np.full((L.shape[0] // 2, L.shape[1] // 2), 3, np.float32))


def remembers(memory: Memory, L: Array) -> float | None:
    """a of the key frame that is found for `L`, in its middle."""
    found = memory.find(L)
    return None if found is None else round(float(found[0].own()[32, 48, 0]))


def test_an_empty_one() -> None:
    memory = Memory()
    assert memory.find(texture(64, 96)) is None
    assert memory.state() == {}


def test_each_place_is_found() -> None:
    memory = Memory()
    for seed in range(8):
        memory.keep(key(texture(64, 96, seed), 5 * seed))
    for seed in range(8):
        assert remembers(memory, grain(texture(64, 96, seed), 2, seed)) == 5 * seed
        assert remembers(memory, 0.7 * texture(64, 96, seed) + 5) == 5 * seed  # in less light
    assert remembers(memory, texture(64, 96, 99)) is None


def test_where_things_are_now() -> None:
    """The camera stands a little elsewhere."""
    memory = Memory()
    memory.keep(key(seen(BIG, 20, 20)))
    found = memory.find(seen(BIG, 24, 18))
    assert found is not None
    moved = found[1].of(found[0].L)
    true = seen(BIG, 24, 18)
    assert np.abs(moved - true)[12:-12, 12:-12].mean() < 1
    assert np.abs(found[0].L - true)[12:-12, 12:-12].mean() > 2.5


def test_what_is_alike_from_afar_only_is_another_place() -> None:
    """Same light and dark, but nothing in it is the same."""
    coarse, fine = texture(64, 96, 1, coarse=14), [texture(64, 96, n, coarse=1) for n in (2, 3)]
    one, other = (coarse + 0.8 * (detail - 50) for detail in fine)
    memory = Memory()
    memory.keep(key(np.float32(one), 10))
    assert remembers(memory, np.float32(one)) == 10
    assert remembers(memory, np.float32(other)) is None


def test_the_same_place_is_kept_once() -> None:
    memory = Memory()
    memory.keep(key(texture(64, 96), 10))
    memory.keep(key(texture(64, 96, 1), 20))
    memory.keep(key(grain(texture(64, 96), 1, 0), 30))
    assert len(memory.state()) == 2 * 3
    assert remembers(memory, texture(64, 96)) == 30
    assert remembers(memory, texture(64, 96, 1)) == 20


def test_the_oldest_go_first() -> None:
    memory = Memory()
    for seed in range(MOST + 3):
        memory.keep(key(texture(64, 96, seed), seed))
    assert len(memory.state()) == MOST * 3
    assert [remembers(memory, texture(64, 96, seed)) for seed in (0, 1, 2)] == [None] * 3
    assert [remembers(memory, texture(64, 96, seed)) for seed in (3, MOST + 2)] == [3, MOST + 2]


@pytest.mark.parametrize("count", [0, 1, 5, MOST + 2])
def test_state(count: int) -> None:
    """The other one finds the same, and goes on forgetting in the same order."""
    memory, other = Memory(), Memory()
    other.keep(key(texture(64, 96, 500), 40))  # is forgotten
    for seed in range(count):
        memory.keep(key(texture(64, 96, seed), seed))
    other.restore(memory.state())
    for _ in range(2):
        state = memory.state()
        assert state.keys() == other.state().keys()
        for name, value in other.state().items():
            np.testing.assert_array_equal(value, state[name])
        for seed in (0, count - 1, 500, 501):
            L = texture(64, 96, seed % 1000)
            assert remembers(memory, L) == remembers(other, L)
        for each in (memory, other):
            each.keep(key(texture(64, 96, 501), 7))


def test_a_frame_without_a_picture() -> None:
    """Black is not taken for another place, nor does it do harm."""
    memory, black = Memory(), np.zeros((64, 96), np.float32)
    memory.keep(key(black))
    assert memory.find(black) is None
    assert memory.find(texture(64, 96)) is None
