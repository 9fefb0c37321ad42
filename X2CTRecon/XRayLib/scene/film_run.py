"""Runs of X-rays: a sequence of films in a browser, and the frame that films without one belong to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from XRayLib.geometry import XRayGeometry
from XRayLib.radiograph import Radiograph
from XRayLib.scene.provenance import read_json_attribute, write_attributes
from XRayLib.scene.radiograph_nodes import nodes_made_for, put_mask, put_radiograph, set_geometry


def put_film_run(name: str, radiographs: Iterable[Radiograph], browser: Any = None) -> tuple[Any, Any]:
    """A sequence of films, one per radiograph, in ``browser`` or a new one; returns browser and film.

    The film is a radiograph node that shows the browser's present frame.
    """
    import slicer

    film, masks = None, []
    sequence = new_frame_sequence(name + " X-rays")
    for index, radiograph in enumerate(radiographs):
        film = put_radiograph(radiograph, name, film)
        sequence.SetDataNodeAtValue(film, _index_value(browser, index))
        masks.append(radiograph.mask)
    if browser is None:
        browser = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSequenceBrowserNode", name + " run")
    show_through(browser, sequence, film)
    if any(mask is not None for mask in masks):
        _put_masks(name, masks, browser, film)
    browser.SetSelectedItemNumber(0)
    return browser, film


def _put_masks(name: str, masks: Sequence[NDArray[np.bool_] | None], browser: Any, film: Any) -> None:
    """Every frame's own: collimators move, and are found in some frames only."""
    sequence = new_frame_sequence(name + " masks")
    for index, mask in enumerate(masks):
        node = put_mask(film, mask)
        sequence.SetDataNodeAtValue(node, _index_value(browser, index))
    show_through(browser, sequence, node)


def show_through(browser: Any, sequence: Any, proxy: Any) -> None:
    """The browser shows the sequence in ``proxy``; an empty browser gets the sequence as its master."""
    modifying = browser.StartModify()  # seen in between, the browser would make a proxy of its own
    try:
        if browser.GetMasterSequenceNode() is None:
            browser.SetAndObserveMasterSequenceNodeID(sequence.GetID())
        else:
            browser.AddSynchronizedSequenceNode(sequence)
        browser.AddProxyNode(proxy, sequence, False)
        browser.SetOverwriteProxyName(sequence, False)
    finally:
        browser.EndModify(modifying)


def new_frame_sequence(name: str) -> Any:
    """An empty sequence over frames, saved with its nodes' attributes, which Slicer's default file formats drop."""
    import slicer

    sequence = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSequenceNode", name)
    sequence.SetIndexName("frame")
    sequence.SetIndexUnit("")
    storage = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSequenceStorageNode")
    sequence.SetAndObserveStorageNodeID(storage.GetID())
    return sequence


def _index_value(browser: Any, index: int) -> str:
    return str(index) if browser is None else browser.GetMasterSequenceNode().GetNthIndexValue(index)


def remove_run(film: Any) -> None:
    """Take the sequences of a film and of what was made for it out of their browser and the scene, so that the browser
    does not bring them back; nothing for a film that is in none."""
    for browser in _browsers():
        for proxy in (film, *nodes_made_for(film)):
            _leave(browser, browser.GetSequenceNode(proxy))


def remove_sequence(sequence: Any) -> None:
    """Take a sequence, None or one that is gone among them, out of its browsers and the scene, with what it shows."""
    import slicer

    if sequence is None or sequence.GetScene() is None:
        return
    for browser in _browsers():
        proxy = browser.GetProxyNode(sequence)
        if proxy is not None:
            slicer.mrmlScene.RemoveNode(proxy)
        if browser.IsSynchronizedSequenceNodeID(sequence.GetID(), True):
            _leave(browser, sequence)


def _browsers() -> list[Any]:
    import slicer

    return slicer.util.getNodesByClass("vtkMRMLSequenceBrowserNode")


def _leave(browser: Any, sequence: Any) -> None:
    """A browser that knows a removed sequence would bring its nodes back; one without sequences goes, too."""
    import slicer

    if sequence is None or browser.GetScene() is None:
        return
    browser.RemoveSynchronizedSequenceNode(sequence.GetID())
    slicer.mrmlScene.RemoveNode(sequence)
    if browser.GetMasterSequenceNode() is None:
        slicer.mrmlScene.RemoveNode(browser)


def set_run_geometry(film: Any, geometry: XRayGeometry, view: str) -> None:
    """Change where a film stands, in every frame of the run that it is of."""
    set_geometry(film, geometry, view)
    for browser in _browsers():
        sequence = browser.GetSequenceNode(film)
        for index in range(0 if sequence is None else sequence.GetNumberOfDataNodes()):
            set_geometry(sequence.GetNthDataNode(index), geometry, view)


def is_run_of(browser: Any, films: Sequence[Any]) -> bool:
    """Whether the browser changes one of the films."""
    return browser is not None and any(browser.GetSequenceNode(film) is not None for film in films)


def frame_of(film: Any) -> int:
    """The frame, from 1, that a film belongs to; films of one frame were taken at the same time."""
    return int(read_json_attribute(film, "Frame", 1))


def set_frame(film: Any, frame: int) -> None:
    """Say which frame, from 1, a film belongs to."""
    if frame_of(film) != frame:
        write_attributes(film, {"Frame": int(frame)})


def frame_values(films: Sequence[Any], browser: Any) -> list[str]:
    """The frames of a case: index values of the run, else the numbers the films were given."""
    if is_run_of(browser, films):
        master = browser.GetMasterSequenceNode()
        return [master.GetNthIndexValue(index) for index in range(master.GetNumberOfDataNodes())]
    return [str(number) for number in sorted({frame_of(film) for film in films})]


def films_at(films: Sequence[Any], browser: Any, value: str) -> list[Any]:
    """The films of one frame; those of a run show it once the browser does."""
    if is_run_of(browser, films):
        return list(films)
    return [film for film in films if str(frame_of(film)) == value]
