"""The average of patients in one shape is sharper than their mean, and training never meets a patient in its start."""

from __future__ import annotations

import numpy as np
import pytest
from chests import EDGE_MM, chest, rms

pytest.importorskip("torch")

from shared.atlas import alone, atlases_without_each, covered
from shared.groupwise import Round, average_patient
from shared.patients import Patient

SIZES = [(1.0, 1.0, 1.0), (1.0, 1.15, 0.9), (1.1, 0.9, 1.1)]
ROUNDS = (Round(7, 15.0, 12), Round(7, 15.0, 12))


def test_the_average_is_sharper_than_the_mean():
    patients = [chest(size, (0.0, 12.0 * n - 12.0, 6.0 * n)) for n, size in enumerate(SIZES)]
    average, mean = average_patient(patients, EDGE_MM, ROUNDS), np.mean(patients, axis=0)

    def sharpness(hu):
        return float(np.square(np.gradient(hu)).sum())

    own = np.mean([sharpness(p) for p in patients])
    assert sharpness(average) - sharpness(mean) > 0.4 * (own - sharpness(mean))


def test_patients_of_one_shape_are_their_own_average():
    np.testing.assert_allclose(average_patient([chest()] * 2, EDGE_MM, ROUNDS[:1]), chest(), atol=1.0)


def patient(name: str, thickness: int = 100) -> Patient:
    hu = np.full((thickness, 60, 60), -1000, np.int16)
    hu[:, 10:50, 10:50] = {"chest_a": 40, "chest_b": 60, "belly": 900}[name]
    return Patient(name, hu, hu > -500)


def test_every_chest_starts_at_an_atlas_of_the_others():
    found = atlases_without_each([patient("chest_a"), patient("chest_b"), patient("belly")], 160.0, 32)
    middle = (16, 16, 16)
    assert found["chest_a"][middle] == pytest.approx(60, abs=3)
    assert found["chest_b"][middle] == pytest.approx(40, abs=3)
    assert 42 < found["belly"][middle] < 58


def test_beyond_a_short_ct_the_patient_goes_on_as_the_others_do():
    beyond = np.full((32, 32, 32), 7.0, np.float32)
    short = patient("chest_a", thickness=40)  # 80 of 160 mm
    shown = covered(short, 160.0, 32)[:, 0, 0]
    assert shown.sum() == 16
    found = alone(short, beyond, 160.0)
    assert (found[shown == 0] == 7.0).all()
    assert found[16, 16, 16] == pytest.approx(40, abs=1)
    assert rms(found, beyond) > 100
