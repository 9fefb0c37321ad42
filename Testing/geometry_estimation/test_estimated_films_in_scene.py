"""A film whose geometry was estimated is moved to where it was taken; one that was measured stays."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("slicer", reason="slicer-core is not installed")

from wrong_films import MIDDLE
from XRayLib.case import Result, View
from XRayLib.ct import Volume
from XRayLib.geometry import assumed_film_geometry
from XRayLib.geometry_estimation.estimate_words import ESTIMATED
from XRayLib.geometry_estimation.film_parameters import changed
from XRayLib.radiograph import Radiograph
from XRayLib.scene.headless import HeadlessSlicer
from XRayLib.scene.matrices import array_of
from XRayLib.scene.radiograph_nodes import film_geometry, put_radiograph
from XRayLib.scene.show_result import put_result

pytestmark = pytest.mark.slicer


def test_the_film_stands_where_it_was_found_to_have_been() -> None:
    import vtk

    image = np.zeros((40, 40), np.float32)
    image[10:20, 10:30] = 1
    frontal, lateral = (Radiograph(image, assumed_film_geometry(view, (40, 40)), view=view) for view in ("PA", "LL"))
    found = replace(changed(lateral.geometry, [-6.0, 0, 0, 10.0, 0, 0, 0, 0], MIDDLE), assumed=(ESTIMATED,))
    volume = Volume.axis_aligned(np.zeros((8, 8, 8), np.float32), (20.0, 20.0, 20.0))
    with HeadlessSlicer():
        films = [put_radiograph(film, film.view) for film in (frontal, lateral)]
        views = (View(frontal, image), View(replace(lateral, geometry=found), image))
        shown = put_result(Result("lifting", volume, views=views), films)
        assert film_geometry(films[0]) == frontal.geometry
        assert film_geometry(films[1]) == found
        assert film_geometry(films[1]).primary_angle_deg == pytest.approx(84.0)
        places = [vtk.vtkMatrix4x4(), vtk.vtkMatrix4x4()]
        for node, place in zip((films[1], shown.reprojections[1]), places, strict=True):
            node.GetIJKToRASMatrix(place)
        np.testing.assert_allclose(*map(array_of, places), atol=1e-6)
