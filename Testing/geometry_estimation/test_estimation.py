"""Films of unknown geometry: what can be told from them is found, what was measured stays, what is neither is said."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from wrong_films import MIDDLE, TRUTHS, attenuation, film, films, measured
from XRayLib.case import Case, Options, Result
from XRayLib.ct import Volume, hu_from_attenuation
from XRayLib.errors import InputError
from XRayLib.geometry_estimation import (
    MEAN_PATIENT,
    OWN_CT,
    estimated_geometry,
    estimation,
    most_likely,
    run_with_estimated_geometry,
)
from XRayLib.geometry_estimation.estimate_words import ESTIMATED
from XRayLib.geometry_estimation.film_parameters import PARAMETERS
from XRayLib.registry import Method, Needs


@pytest.fixture(autouse=True)
def coarse(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimation, "VOXEL_MM", 26.0)
    monkeypatch.setattr(estimation, "PIXEL_MM", 34.0)
    monkeypatch.setattr(most_likely, "HEIGHTS", (0.0,))


def errors(found: estimation.EstimatedGeometry) -> np.ndarray:
    """(films, 8) of PARAMETERS, nan where they were not open."""
    record = found.provenance["geometry_estimation"]["films"]
    values = [[parts.get(name, {}).get("difference", np.nan) for name in PARAMETERS] for parts in record]
    return np.array(values) - np.array(TRUTHS)


def test_the_patients_own_ct_tells_angles_turns_and_shifts() -> None:
    found = estimated_geometry(films(), attenuation(3), OWN_CT, device="cpu")
    off = np.abs(errors(found))
    assert off[:, :2].max() < 3.0
    assert off[:, 2].max() < 1.0
    assert off[:, 3:5].max() < 4.0
    after, before = (views[0].geometry for views in (found.radiographs, films()))
    assert abs(after.primary_angle_deg - TRUTHS[0][0]) < abs(before.primary_angle_deg - TRUTHS[0][0]) / 2
    assert after.assumed == (ESTIMATED,)
    assert any("View 2, estimated from the films: taken as" in text and "not 90" in text for text in found.warnings)
    assert any("do not tell" in text and "source's distance" in text for text in found.warnings)
    json.dumps(found.provenance)


def test_another_patient_tells_the_shift_between_the_films() -> None:
    found = estimated_geometry(films(), attenuation(8), MEAN_PATIENT, device="cpu")
    off = errors(found)
    row = PARAMETERS.index("shift_along_rows_mm")
    assumed = abs(TRUTHS[0][row] - TRUTHS[1][row])
    assert abs(off[0, row] - off[1, row]) < assumed / 3
    assert abs(off[0, 2] - off[1, 2]) < abs(TRUTHS[0][2] - TRUTHS[1][2])
    assert abs(off[0, 3]) < abs(TRUTHS[0][3]) / 2


def test_what_was_measured_stays() -> None:
    frontal, lateral = (measured(f) for f in films())
    found = estimated_geometry((frontal, lateral), attenuation(3), OWN_CT, device="cpu")
    assert found.radiographs == (frontal, lateral)
    assert not found.warnings
    assert not found.provenance
    stated = replace(films()[1].geometry, assumed=("patient's middle 1600 mm from the source",))
    lateral = replace(lateral, geometry=stated)
    frontal = measured(film("PA", np.zeros(8)))
    found = estimated_geometry((frontal, lateral), attenuation(3), OWN_CT, device="cpu")
    assert found.radiographs[0] is frontal
    before, after = stated, found.radiographs[1].geometry
    assert after.source_to_detector_mm == before.source_to_detector_mm
    assert after.pixel_spacing_mm == before.pixel_spacing_mm
    np.testing.assert_allclose(after.detector_normal, before.detector_normal)


def test_films_of_something_else_keep_their_geometry() -> None:
    frontal, lateral = films(calibrated=False)
    negative = replace(lateral, line_integral=2 - lateral.line_integral)
    found = estimated_geometry((frontal, negative), attenuation(3), MEAN_PATIENT, device="cpu")
    assert found.radiographs == (frontal, negative)
    assert found.warnings == ("View 2 does not show what is expected: its geometry was left as it was assumed.",)


class Shown(Method):
    """Returns a water box, and remembers what it was given."""

    id = "shown"
    title = "Shown"
    summary = "For tests."
    returns = "volume"
    needs = Needs(max_views=2, accepts_ct=True)

    def run(self, case: Case, options: Options, progress) -> Result:
        self.case, self.options = case, options
        progress(1.0, "Done")
        box = Volume.axis_aligned(np.zeros((4, 4, 4), np.float32), (9.0, 9.0, 9.0))
        return Result(self.id, box, warnings=("Depth is a guess.",), provenance={"method": self.id})


def run(case: Case, **extra) -> tuple[Result, Shown, list[float]]:
    shown, fractions = Shown(), []
    result = run_with_estimated_geometry(
        lambda method, given, options, progress: method.run(given, options, progress),
        shown,
        case,
        Options(device="cpu", extra=extra),
        lambda fraction, _stage: fractions.append(fraction),
    )
    return result, shown, fractions


def own_ct() -> Volume:
    mu = attenuation(3)
    return Volume(hu_from_attenuation(mu.voxels), mu.ijk_to_ras)


def test_a_method_runs_on_the_estimated_geometry_and_the_result_says_so() -> None:
    result, shown, fractions = run(Case(films(), ct=own_ct()), estimate_geometry=True, other=1)
    assert shown.options.extra == {"other": 1}
    assert all(r.geometry.assumed == (ESTIMATED,) for r in shown.case.radiographs)
    assert result.provenance["geometry_estimation"]["cost_per_pixel"] < 2
    assert result.warnings[-1] == "Depth is a guess."
    assert "View 1" in result.warnings[0]
    assert fractions == sorted(fractions)


def test_nothing_is_estimated_unless_asked_for() -> None:
    case = Case(films())
    for extra in ({}, {"estimate_geometry": False}):
        result, shown, _ = run(case, **extra)
        assert shown.case is case
        assert result.warnings == ("Depth is a guess.",)


def test_wrong_options_and_unknown_bodies_are_told() -> None:
    with pytest.raises(InputError, match="true or false"):
        run(Case(films()), estimate_geometry="yes")
    with pytest.raises(InputError, match="give a CT, or chest"):
        run(Case(films(), body_part="knee"), estimate_geometry=True)


def test_the_middle_of_the_case_is_where_it_is_said_to_be() -> None:
    np.testing.assert_allclose(Case(films()).isocenter_ras_mm, MIDDLE, atol=1e-6)
    np.testing.assert_array_equal(Case(films(), middle_ras_mm=np.ones(3)).isocenter_ras_mm, np.ones(3))
