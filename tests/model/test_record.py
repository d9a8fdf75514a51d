from __future__ import annotations

import copy
import pickle

import pytest

from torchsmith.model.facts.gpu import Device
from torchsmith.model.known import Known, Unknown
from torchsmith.model.record import fields, packed, plain, record, replace


@record
class Point:
    x: int
    y: int = 0


def test_fields_defaults_and_equality() -> None:
    assert Point(1) == Point(x=1, y=0)
    assert Point(1) != Point(1, 2)
    assert len({Point(1), Point(1, 0)}) == 1
    assert fields(Point) == ("x", "y")
    assert repr(Point(1, 2)) == "Point(x=1, y=2)"
    assert replace(Point(1), y=5) == Point(1, 5)


@pytest.mark.parametrize(("values", "named"), [((), {}), ((1, 2, 3), {}), ((1,), {"x": 2}), ((1,), {"z": 2})])
def test_wrong_construction(values: tuple[int, ...], named: dict[str, int]) -> None:
    with pytest.raises(TypeError):
        Point(*values, **named)


def test_frozen_and_slotted() -> None:
    point = Point(1)
    with pytest.raises(AttributeError):
        point.x = 2  # type: ignore[misc]
    assert not hasattr(point, "__dict__")


def test_copies() -> None:
    device = Device(0, "A100", 80)
    assert pickle.loads(pickle.dumps(device)) == copy.deepcopy(device) == device


@packed
class Place:
    x: int
    y: int = 0
    names: tuple[str, ...] = ()

    @property
    def far(self) -> bool:
        return self.x > 9


def test_packed_records_are_records() -> None:
    assert Place(1) == Place(x=1, y=0)
    assert Place(1) != Place(1, 2)
    assert len({Place(1), Place(1, 0)}) == 1
    assert fields(Place) == ("x", "y", "names")
    assert repr(Place(1, 2)) == "Place(x=1, y=2, names=())"
    assert replace(Place(1), y=5) == Place(1, 5)
    assert Place(10).far
    assert not Place(1).far
    assert plain(Place(1, 2, ("a",))) == {"x": 1, "y": 2, "names": ["a"]}
    place = Place(1, 2, ("a",))
    assert pickle.loads(pickle.dumps(place)) == copy.deepcopy(place) == place


@pytest.mark.parametrize(("values", "named"), [((), {}), ((1, 2, (), 4), {}), ((1,), {"x": 2}), ((1,), {"z": 2})])
def test_wrong_construction_of_packed_records(values: tuple[int, ...], named: dict[str, int]) -> None:
    with pytest.raises(TypeError):
        Place(*values, **named)  # type: ignore[arg-type]


def test_packed_records_are_frozen() -> None:
    place = Place(1)
    with pytest.raises(AttributeError):
        place.x = 2  # type: ignore[misc]
    with pytest.raises(AttributeError):
        place.z = 2  # type: ignore[attr-defined]


def test_matching() -> None:
    match Known(3, "there"):
        case Known(value, source):
            assert (value, source) == (3, "there")
        case Unknown():
            pytest.fail("matched Unknown")


def test_plain() -> None:
    assert plain((Point(1), {"a": {3, 1}}, None, 1.5)) == [{"x": 1, "y": 0}, {"a": [1, 3]}, None, 1.5]
    with pytest.raises(TypeError):
        plain(object())
