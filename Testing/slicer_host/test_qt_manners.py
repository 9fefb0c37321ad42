"""The ``qt`` module behaves as PythonQt's does where module code can tell."""

from __future__ import annotations

import pytest

pytestmark = [pytest.mark.slicer, pytest.mark.usefixtures("slicer_host")]


def test_properties_are_attributes() -> None:
    import qt

    button = qt.QPushButton("Apply")
    assert (button.text, button.enabled, button.checkable) == ("Apply", True, False)
    button.text, button.enabled, button.toolTip = "Stop", False, "why"
    assert (button.text, button.isEnabled()) == ("Stop", False)
    assert "why" in button.toolTip, "Slicer makes a paragraph of it, so that it wraps"
    with pytest.raises(TypeError):
        button.text()


def test_objects_have_names() -> None:
    import qt

    label = qt.QLabel()
    label.name = "status"
    assert label.objectName == "status"


def test_inherited_properties() -> None:
    import qt

    box = qt.QWidget()
    layout = qt.QVBoxLayout(box)
    button = qt.QPushButton("x")
    layout.addWidget(button)
    assert button.sizeHint.height() > 0
    assert box.sizeHint.width() >= layout.sizeHint().width() > 0


def test_an_empty_layout_is_false() -> None:
    import qt
    import slicer

    box = qt.QWidget()
    layout = qt.QVBoxLayout(box)
    layout.setObjectName("rows")
    assert not layout
    assert not hasattr(slicer.util.childWidgetVariables(box), "rows")
    layout.addWidget(qt.QLabel("x"))
    assert slicer.util.childWidgetVariables(box).rows is not None


def test_signals_connect_by_signature_and_surplus_arguments_are_dropped() -> None:
    import qt

    button, calls = qt.QPushButton(), []
    button.connect("clicked(bool)", lambda: calls.append("none"))
    button.connect("clicked(bool)", lambda checked: calls.append(checked))
    button.connect("clicked(bool)", lambda *arguments: calls.append(arguments))
    button.clicked.connect(lambda: calls.append("signal"))
    button.click()
    assert calls == ["none", False, (False,), "signal"]


def test_disconnecting() -> None:
    import qt

    class Receiver:
        def __init__(self) -> None:
            self.values: list[int] = []

        def take(self, value: int) -> None:
            self.values.append(value)

    slider, receiver = qt.QSlider(), Receiver()
    slider.connect("valueChanged(int)", receiver.take)
    slider.value = 5
    assert slider.disconnect("valueChanged(int)", receiver.take)
    slider.value = 6
    assert receiver.values == [5]


@pytest.mark.usefixtures("stand_in")
def test_an_unknown_signal_is_an_error() -> None:
    import qt

    with pytest.raises(ValueError, match="has no signal"):
        qt.QPushButton().connect("pushed(bool)", print)


def test_unscoped_enumerations() -> None:
    import qt

    assert qt.Qt.WaitCursor
    assert qt.QSizePolicy.Expanding
    assert qt.QMessageBox.Ok


@pytest.mark.usefixtures("stand_in")
def test_what_pythonqt_lacks_is_missing() -> None:
    import qt

    for name in ("Signal", "Slot", "Property"):
        assert not hasattr(qt, name)


def test_file_dialogs_return_the_path_a_test_has_ready(stand_in) -> None:
    import qt

    stand_in.file_dialog_answers.append("/tmp/a.dcm")
    assert qt.QFileDialog.getOpenFileName(None, "Open", "", "*.dcm") == "/tmp/a.dcm"
    with pytest.raises(AssertionError, match="file dialog"):
        qt.QFileDialog.getExistingDirectory(None)


@pytest.mark.usefixtures("stand_in")
def test_blocking_dialogs_do_not_block() -> None:
    import qt

    with pytest.raises(AssertionError, match="blocks"):
        qt.QMessageBox.question(None, "title", "text")
    with pytest.raises(AssertionError, match="modal"):
        qt.QDialog().exec_()


@pytest.mark.usefixtures("stand_in")
def test_attributes_cannot_be_added_to_cpp_widgets() -> None:
    import qt
    from SlicerHost.qt_adapter.new_attributes import forbidden_attributes

    class Mine(qt.QPushButton):
        pass

    button, mine = qt.QPushButton(), Mine()
    button.stat = mine.state = 1
    (problem,) = forbidden_attributes([button, mine])
    assert "stat" in problem


def test_timers_fire_in_the_event_loop(slicer_host) -> None:
    import qt

    fired = []
    qt.QTimer.singleShot(1, lambda: fired.append(True))
    assert not fired
    slicer_host.wait_until(lambda: fired)


def test_an_error_in_a_timer_or_an_observer_is_recorded(slicer_host) -> None:
    import qt
    import vtk

    def fail(*_: object) -> None:
        raise RuntimeError("late")

    qt.QTimer.singleShot(0, fail)
    model = vtk.vtkObject()
    model.AddObserver("ModifiedEvent", fail)
    model.Modified()
    slicer_host.process_events()
    assert [text.strip().splitlines()[-1] for text in slicer_host.errors.take()] == ["RuntimeError: late"] * 2


def test_processes_run(slicer_host) -> None:
    import sys

    import qt

    process, output = qt.QProcess(), []
    process.connect(
        "readyReadStandardOutput()", lambda: output.append(bytes(process.readAllStandardOutput().data()).decode())
    )
    process.start(sys.executable, ["-c", "print('hello')"])
    slicer_host.wait_until(lambda: process.state() == qt.QProcess.NotRunning)
    assert "".join(output).strip() == "hello"
    assert process.exitCode() == 0
