"""What a wrapped parameter node stores, refuses, remembers and tells: Slicer's own format and rules."""

from __future__ import annotations

import enum
import sys
from pathlib import Path
from typing import Annotated, Any, Optional, Union

import pytest

pytestmark = pytest.mark.slicer


class Mode(enum.Enum):
    FAST = 1
    EXACT = 2


@pytest.fixture
def stored(slicer_host):
    """Wraps annotations on a fresh node; returns the wrapper."""
    from slicer.parameterNodeWrapper import parameterNodeWrapper

    def wrap(annotations: dict[str, Any], node: Any = None, **defaults: Any) -> Any:
        class_ = type("Parameters", (), {"__annotations__": annotations, "__module__": __name__, **defaults})
        node = node or slicer_host.session.scene.AddNewNodeByClass("vtkMRMLScriptedModuleNode")
        return parameterNodeWrapper(class_)(node)

    return wrap


def parameters(wrapper: Any) -> dict[str, str]:
    node = wrapper.parameterNode
    return {name: node.GetParameter(name) for name in node.GetParameterNames()}


@pytest.mark.parametrize(
    ("type_", "value", "expected"),
    [
        (int, 3, {"p": "3"}),
        (float, 2.5, {"p": "2.5"}),
        (str, "text", {"p": "text"}),
        (bool, True, {"p": "True"}),
        (Mode, Mode.FAST, {"p": "FAST"}),
        (list[int], [4, 5], {"p.len": "2", "p.0": "4", "p.1": "5"}),
        (tuple[int, str], (4, "x"), {"p.0": "4", "p.1": "x"}),
        (dict[str, float], {"a": 1.5}, {"p.len": "1", "p.0.0": "a", "p.0.1": "1.5"}),
        (Optional[int], None, {"p.1": "True"}),  # noqa: UP045
        (Union[int, str], "x", {"p.1": "x"}),  # noqa: UP007
        (int | None, 7, {"p.0": "7"}),
        (Any, 7, {"p.type.0": "builtins", "p.type.1": "int", "p.value": "7"}),
    ],
)
def test_the_stored_text_is_slicers(stored, type_: Any, value: Any, expected: dict[str, str]) -> None:
    wrapper = stored({"p": type_})
    wrapper.p = value
    assert parameters(wrapper) == expected
    assert stored({"p": type_}, wrapper.parameterNode).p == value


def test_a_path_is_stored_as_text(stored) -> None:
    wrapper = stored({"p": Path})
    wrapper.p = Path("a") / "b"
    assert stored({"p": Path}, wrapper.parameterNode).p == Path("a") / "b"


def test_a_node_is_a_reference_and_an_empty_text(stored, slicer_host) -> None:
    import slicer

    wrapper = stored({"p": slicer.vtkMRMLModelNode})
    model = slicer_host.session.scene.AddNewNodeByClass("vtkMRMLModelNode")
    wrapper.p = model
    assert parameters(wrapper) == {"p": ""}
    assert wrapper.parameterNode.GetNodeReferenceID("p") == model.GetID()
    slicer_host.session.scene.RemoveNode(model)
    assert wrapper.p is None


@pytest.mark.parametrize(
    ("type_", "default"),
    [(int, 0), (float, 0), (str, ""), (bool, False), (Mode, Mode.FAST), (list[int], []), (Optional[str], None)],  # noqa: UP045
)
def test_defaults_are_written_at_once(stored, type_: Any, default: Any) -> None:
    wrapper = stored({"p": type_})
    assert wrapper.p == default
    assert parameters(wrapper)


def test_a_default_of_the_class_or_of_the_annotation(stored) -> None:
    from slicer.parameterNodeWrapper import Default

    wrapper = stored({"a": int, "b": Annotated[int, Default(9)]}, a=4)
    assert (wrapper.a, wrapper.b) == (4, 9)
    assert wrapper.default("b").value == 9


def test_what_is_already_on_the_node_wins_over_the_default(stored) -> None:
    first = stored({"a": int}, a=4)
    first.a = 5
    assert stored({"a": int}, first.parameterNode, a=4).a == 5


def test_wrong_types_and_values_are_refused_and_nothing_is_written(stored) -> None:
    from slicer.parameterNodeWrapper import Choice, WithinRange

    wrapper = stored({"n": Annotated[int, WithinRange(0, 9)], "c": Annotated[str, Choice(["x", "y"])]}, c="x")
    before = parameters(wrapper)
    for value, error in (("3", TypeError), (None, ValueError), (10, ValueError), (1.5, TypeError)):
        with pytest.raises(error):
            wrapper.n = value
    with pytest.raises(ValueError, match="one of"):
        wrapper.c = "z"
    assert parameters(wrapper) == before


def test_changing_a_list_in_place_is_stored(stored) -> None:
    wrapper = stored({"p": list[int]})
    wrapper.p = [3, 1]
    wrapper.p.append(2)
    wrapper.p.sort()
    assert wrapper.p == [1, 2, 3]
    del wrapper.p[0]
    assert parameters(wrapper) == {"p.len": "2", "p.0": "2", "p.1": "3"}


def test_a_write_is_one_event_and_the_new_value_is_there(stored) -> None:
    wrapper = stored({"p": list[int]})
    seen = []
    wrapper.AddObserver("ModifiedEvent", lambda *_: seen.append(list(wrapper.p)))
    wrapper.p = [1, 2, 3]
    assert seen == [[1, 2, 3]]


def test_a_change_of_the_node_is_seen(stored) -> None:
    wrapper = stored({"p": int})
    wrapper.parameterNode.SetParameter("p", "12")
    assert wrapper.p == 12
    assert wrapper.isCached("p")


def test_names_of_the_wrapper_cannot_be_parameters(stored) -> None:
    with pytest.raises(ValueError, match="reserved"):
        stored({"connectGui": int}, connectGui=1)


def test_a_type_that_cannot_be_stored(stored) -> None:
    with pytest.raises(Exception, match="serializer"):
        stored({"p": complex})


def test_a_pack_has_dotted_names_and_stores_its_changes(stored) -> None:
    from slicer.parameterNodeWrapper import FloatRange, parameterPack

    class Geometry:
        __annotations__ = {"distance": float, "size": tuple[int, int], "span": FloatRange}

    pack = parameterPack(Geometry)
    wrapper = stored({"geometry": pack})
    wrapper.geometry = pack(1020.0, (4, 5), FloatRange(1.0, 2.0))
    wrapper.geometry.distance = 900.0
    wrapper.geometry.span.maximum = 3.0
    assert parameters(wrapper) == {
        "geometry.distance": "900.0",
        "geometry.size.0": "4",
        "geometry.size.1": "5",
        "geometry.span._minimum": "1.0",
        "geometry.span._maximum": "3.0",
    }
    assert wrapper.getValue("geometry.distance") == 900.0
    wrapper.setValue("geometry.distance", 800.0)
    assert wrapper.geometry == pack(800.0, (4, 5), FloatRange(1.0, 3.0))
    assert wrapper.dataType("geometry.distance") is float
    with pytest.raises(AttributeError):
        wrapper.geometry.distnace = 1.0


def test_the_wrapper_lets_go_of_the_node(stored) -> None:
    wrapper = stored({"p": int})
    node = wrapper.parameterNode
    before = sys.getrefcount(node)
    del wrapper
    node.SetParameter("p", "3")
    assert sys.getrefcount(node) < before
