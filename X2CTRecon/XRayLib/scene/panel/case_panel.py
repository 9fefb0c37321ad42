"""What the panels of both modules share: a parameter node, a list of films, their views, and the worker."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from XRayLib.jobs import WorkerClient
from XRayLib.scene.film_lines import hide_all_lines
from XRayLib.scene.film_run import remove_run
from XRayLib.scene.film_views import blend_films, fit_slice_views, lay_over_film, show_films
from XRayLib.scene.layout import FILM_VIEWS, film_layout_is_on, restore_layout, switch_to_film_layout
from XRayLib.scene.panel.film_adding import FilmAdding
from XRayLib.scene.panel.film_list import FilmList
from XRayLib.scene.panel.fitted_views import FittedViews
from XRayLib.scene.panel.job_bar import show_status
from XRayLib.scene.panel.narrow_lists import let_lists_be_narrow
from XRayLib.scene.panel.node_observers import NodeObservers
from XRayLib.scene.panel.run_adding import RunAdding
from XRayLib.scene.panel.volume_lists import VolumeLists
from XRayLib.scene.radiograph_nodes import film_geometry, is_radiograph, remove_film, well_placed
from XRayLib.scene.reprojection_nodes import reprojection_of
from XRayLib.scene.viewed_films import MOST, choose_viewed, viewed_films

REST_MS = 200
"""A transform that is dragged changes many times a second."""


class CasePanel(ABC):
    """Binds the widgets of a .ui file to a parameter node with ``films``, ``sequenceBrowser`` and ``overlayOpacity``,
    and to a worker.

    The .ui file has filmRowsWidget, filmsHintLabel, addFileButton, addNodeButton, sceneImageSelector, addRunButton,
    runSelector, useRunButton, overlaySlider, statusLabel and qualityLabel.
    """

    no_result: str
    """What the quality label says while there is nothing to tell."""
    volume_selectors: tuple[str, ...] = ("ctSelector",)
    """Widgets in which a volume is chosen."""
    films_in_3d = True
    """Whether the films stand on their detectors in the 3D view, too."""

    def __init__(self, ui: Any, client: WorkerClient) -> None:
        self.ui = ui
        self.client = client
        self.parameterNode: Any = None
        self._binding: Any = None
        self._user_layout: int | None = None
        self._away = False
        self._on_return: Callable[[], None] | None = None
        self._fitted = FittedViews()
        self._places = NodeObservers((slicer.vtkMRMLTransformableNode.TransformModifiedEvent,), self._film_moves)
        self._moves = qt.QTimer()
        self._moves.setSingleShot(True)
        self._moves.setInterval(REST_MS)
        self._moves.connect("timeout()", self.filmChanged)
        let_lists_be_narrow(ui)
        self._volumes = VolumeLists([getattr(ui, name) for name in self.volume_selectors])
        # Not by the layout's own name: PythonQt holds an empty layout for false, and slicer.util then leaves it out.
        rows = ui.filmRowsWidget.layout()
        self.films = FilmList(
            rows, on_remove=self.removeFilm, on_changed=self.filmChanged, on_viewed=self.chooseViewedFilm
        )
        self._films_hint = ui.filmsHintLabel.text
        self.adding = FilmAdding(ui, client, on_added=self.addFilm, on_coming=self.refresh, on_status=self.say)
        self.runAdding = RunAdding(ui, client, on_added=self.addRun, on_status=self.say)
        ui.overlaySlider.connect("valueChanged(double)", self.blendFilms)

    # Parameter node

    def setParameterNode(self, node: Any) -> None:
        """Show a parameter node, or none when the scene closes or the user leaves."""
        if self.parameterNode is not None:
            self.parameterNode.disconnectGui(self._binding)
        self.parameterNode = node
        self._volumes.follow(node)
        self.parameterNodeReplaced(None)
        self._places.observe([])
        self._moves.stop()
        if node is not None:
            self._binding = node.connectGui(self.ui)
            self.parameterNodeReplaced(node)
            self.refresh()

    @abstractmethod
    def parameterNodeReplaced(self, node: Any) -> None:
        """Called with None before the widgets are filled from a new parameter node, and with the node after."""

    def refresh(self, _caller: Any = None, _event: str = "") -> None:
        """Show what the parameter node holds now; while a scene is read its nodes are not whole yet."""
        if self.parameterNode is not None and not slicer.mrmlScene.IsImporting():
            self._volumes.refresh()
            nodes = self.filmNodes()
            self._places.observe(nodes)
            self.films.show(nodes)
            self._show_viewed(nodes)
            self.showState(nodes)

    def _show_viewed(self, nodes: list[Any]) -> None:
        """Say which films have no view, when there are too many."""
        shown = self.shownFilms()
        viewed, too_many = viewed_films(shown), len(shown) > MOST
        self.films.show_viewed(viewed, shown if too_many else [])
        self.ui.filmsHintLabel.setVisible(too_many or not nodes)
        self.ui.filmsHintLabel.text = self._films_hint
        if too_many:
            self.ui.filmsHintLabel.text = _(
                "{shown} of {all} X-rays have a view: tick those that you want to see. All of them are used."
            ).format(shown=len(viewed), all=len(shown))

    @abstractmethod
    def showState(self, films: list[Any]) -> None:
        """Show the rest of what the parameter node holds."""

    @abstractmethod
    def projectedVolume(self) -> Any:
        """The volume whose re-projections lie over the films; None for none."""

    # Films

    def filmNodes(self) -> list[Any]:
        """The radiographs of the case that are still in the scene."""
        return [node for node in self.parameterNode.films if is_radiograph(node)] if self.parameterNode else []

    def missingFilms(self) -> str:
        """Why the films of the case are not all there yet; empty when they are."""
        return _("X-rays are still being loaded.") if self.adding.coming else ""

    def shownFilms(self) -> list[Any]:
        """Those that the views show: all of them."""
        return self.filmNodes()

    def addFilm(self, node: Any) -> None:
        """A film was loaded into the scene: it belongs to the case."""
        if self.parameterNode is not None:
            others = [film for film in self.filmNodes() if film.GetID() != node.GetID()]
            self.parameterNode.films = [*others, node]
            self.filmChanged(node)

    def removeFilm(self, node: Any) -> None:
        """Take a film, or a run, out of the case and the scene, with all that was made for it."""
        remove_run(node)
        self.parameterNode.films = [film for film in self.filmNodes() if film.GetID() != node.GetID()]
        remove_film(node)
        self.filmChanged()

    def addRun(self, browser: Any, films: list[Any]) -> None:
        """A run of films was loaded into the scene: it belongs to the case."""
        self.parameterNode.sequenceBrowser = browser
        for film in films:
            self.addFilm(film)

    def filmChanged(self, _node: Any = None) -> None:
        """A film is another, or stands elsewhere, or is shown or not."""
        self.showFilms()
        self.refresh()

    def _film_moves(self) -> None:
        if self.parameterNode is not None:
            self._moves.start()

    def chooseViewedFilm(self, node: Any, in_view: bool) -> None:
        """The user wants to see this film, or another in its place."""
        choose_viewed(self.shownFilms(), node, in_view)
        self.filmChanged(node)

    def showFilms(self) -> None:
        """Show the case in all views, as the module does."""
        self.whenHere(self.showViews)

    @property
    def away(self) -> bool:
        """Whether the user is in another module."""
        return self._away

    def whenHere(self, show: Callable[[], None]) -> None:
        """Change the views now, or when the user comes back: while he is in another module they are his."""
        if self._away:
            self._on_return = show
        else:
            show()

    def showViews(self) -> None:
        """All views of the case; modules add theirs."""
        self.showFilmViews()

    def showFilmViews(self) -> None:
        """Films in their own views with their re-projections over them; the user's layout is remembered."""
        nodes = viewed_films(well_placed(self.shownFilms()))
        if not nodes:
            if film_layout_is_on():
                show_films([])
            return
        previous = switch_to_film_layout(len(nodes))
        if previous is not None:
            self._user_layout = previous
        overlays = [reprojection_of(node, self.projectedVolume()) for node in nodes]
        films = [(node, film_geometry(node)) for node in nodes]
        show_films(films, overlays, self.parameterNode.overlayOpacity, self.films_in_3d)
        views = FILM_VIEWS[: len(nodes)]
        self._fitted.fit(views)
        qt.QTimer.singleShot(0, lambda: self._layout_settled(views, is_new=previous is not None))

    def _layout_settled(self, film_views: Sequence[str], is_new: bool) -> None:
        """Slicer keeps the height and cuts the width of what a view shows that a layout makes or resizes."""
        if is_new:
            fit_slice_views()
        if self.parameterNode is not None:
            self._fitted.fit(film_views)

    def layReprojections(self) -> None:
        """Those of the volume that is chosen now over the films in their views."""
        volume, opacity = self.projectedVolume(), self.parameterNode.overlayOpacity
        for film in viewed_films(self.shownFilms()):
            lay_over_film(film, reprojection_of(film, volume), opacity)

    def blendFilms(self, opacity: float) -> None:
        """0 shows the films, 1 their re-projections."""
        blend_films(opacity)

    def say(self, text: str) -> None:
        """A line for the user."""
        show_status(self.ui, text)

    # Life cycle

    def forgetScene(self) -> None:
        """The scene closes: a running job's result has nowhere to go."""
        self.client.invalidate()
        self.adding.forget()
        self.runAdding.forget()
        self._on_return = None
        self._fitted.forget()
        self.films.show([])
        self.ui.qualityLabel.text = self.no_result
        self.say("")

    def enter(self) -> None:
        """The user is back: show the films again when he left them, or what has come meanwhile."""
        self._away, show = False, self._on_return
        self._on_return = None
        if show is not None and self.parameterNode is not None:
            show()

    def leave(self) -> None:
        """The user goes to another module: give the layout back."""
        self._away = True
        self._on_return = self.showFilmViews if film_layout_is_on() else None
        self._fitted.forget()
        for film in self.filmNodes():
            hide_all_lines(film)  # another module shows its own films in these views
        restore_layout(self._user_layout)
        self._user_layout = None

    def close(self) -> None:
        """The application closes."""
        self._fitted.forget()
        self._volumes.follow(None)
        self.client.close()
