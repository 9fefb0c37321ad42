"""The bundled case for registration is what the project's own phantom and simulation make."""

from __future__ import annotations

import numpy as np
from bundled_films import largest_difference
from XRayLib.ct import load_ct
from XRayLib.mesh import load_mesh
from XRayLib.metrics.mesh_solid import enclosed_volume_ml, is_closed
from XRayLib.phantom.labels import LIVER
from XRayLib.phantom.moved_sample import (
    CT_FILE,
    CT_SPACING_MM,
    FILMS,
    LIVER_FILE,
    sample_ct_to_world,
    write_moved_films,
)
from XRayLib.phantom.sample import SEED
from XRayLib.phantom.torso import torso_phantom
from XRayLib.projector import project
from XRayLib.radiograph import load_radiograph
from XRayLib.shared_files import shared_folder

FOLDER = shared_folder("SampleData")


def test_the_ct_and_the_liver_can_be_made_again() -> None:
    patient, ct, liver = torso_phantom(SEED, CT_SPACING_MM), load_ct(FOLDER / CT_FILE), load_mesh(FOLDER / LIVER_FILE)
    assert np.abs(ct.voxels - patient.ct.voxels).max() <= 0.51
    np.testing.assert_allclose(ct.ijk_to_ras, patient.ct.ijk_to_ras, atol=1e-6)
    assert is_closed(liver)
    labelled_ml = (patient.labels.voxels == LIVER).sum() * CT_SPACING_MM**3 / 1000
    assert abs(enclosed_volume_ml(liver) / labelled_ml - 1) < 0.02


def test_the_films_can_be_made_again(tmp_path) -> None:
    for again in write_moved_films(tmp_path):
        assert largest_difference(again, FOLDER / again.name) < 5e-3


def test_the_films_show_the_ct_where_the_sample_says_and_not_where_it_was_scanned() -> None:
    from XRayLib.ct import Volume, attenuation_from_hu

    ct = load_ct(FOLDER / CT_FILE)
    mu = Volume(attenuation_from_hu(ct.voxels), ct.ijk_to_ras, "mu_per_mm")
    for name, angle in FILMS.items():
        film = load_radiograph(FOLDER / name)
        assert film.geometry.assumed == ()
        assert abs(film.geometry.primary_angle_deg - angle) < 1e-6
        coarse = film.geometry.resampled((96, 96))
        seen = film.line_integral.reshape(96, 4, 96, 4).mean(axis=(1, 3))
        there, scanned = project(mu, [coarse.moved(sample_ct_to_world(ct)), coarse], device="cpu")
        assert np.corrcoef(there.ravel(), seen.ravel())[0, 1] > 0.98
        assert np.corrcoef(scanned.ravel(), seen.ravel())[0, 1] < 0.95
