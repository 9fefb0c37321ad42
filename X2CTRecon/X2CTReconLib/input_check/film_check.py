"""Films that a chest network cannot know: upside down, lying on their side, in the other view's place, of no chest."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from XRayLib.errors import RefusedError

from X2CTReconLib.input_check.chest_films import chest_films, glance_of

Image = NDArray[np.float32]
Mask = NDArray[np.bool_]

STRANGE = 1.0
"""Strangeness from which on a film is warned of."""

LIKELIER, CERTAIN = 0.75, 0.5
"""Strangeness of a film when altered, over that as it is, from which on the alteration is proposed, and demanded."""

SAME_PICTURE = 0.98
"""Correlation of two films from which on they are one and the same."""

ALTERATIONS: dict[str, Callable[[NDArray], NDArray]] = {
    "upside down: turn it by 180 degrees": lambda image: image[::-1, ::-1],
    "lying on its side: turn it by 90 degrees to the right": lambda image: np.rot90(image, -1),
    "lying on its side: turn it by 90 degrees to the left": lambda image: np.rot90(image, 1),
}
OTHER = {"frontal": "lateral", "lateral": "frontal"}


def film_warnings(films: Mapping[str, Image], seen: Mapping[str, Mask]) -> tuple[str, ...]:
    """Warnings about films that look unlike those of chests.

    Parameters
    ----------
    films, seen : role -> (n, n) canonical film as of ``canonical_intensity.normalised``, and its mask

    Raises
    ------
    RefusedError
        Two films are the same picture, or one is certainly turned or of the other role.
    """
    if len(films) == 2 and _same(list(films.values()), list(seen.values())):
        raise RefusedError("Both X-rays are the same picture: remove one, or load the other view.")
    return tuple(warning for role in films for warning in _judged(role, films[role], seen[role]))


def _judged(role: str, film: Image, seen: Mask) -> tuple[str, ...]:
    as_it_is = chest_films()[role].strangeness(film, seen)
    altered, words = _best_alteration(role, film, seen)
    if altered < CERTAIN * as_it_is:
        raise RefusedError(f"The {role} X-ray is {words}.")
    if altered < LIKELIER * as_it_is:
        return (f"The {role} X-ray may be {words}.",)
    if as_it_is >= STRANGE:
        return (f"The {role} X-ray looks unlike a chest, all that the method knows: do not trust the volume.",)
    return ()


def _best_alteration(role: str, film: Image, seen: Mask) -> tuple[float, str]:
    """The least strangeness that an alteration gives, and what it says of the film."""
    looks = chest_films()
    tried = {words: looks[role].strangeness(alter(film), alter(seen)) for words, alter in ALTERATIONS.items()}
    tried[f"a {OTHER[role]} one: correct its view"] = looks[OTHER[role]].strangeness(film, seen)
    words = min(tried, key=tried.__getitem__)
    return tried[words], words


def _same(films: Sequence[Image], seen: Sequence[Mask]) -> bool:
    (one, here), (other, there) = (glance_of(*film) for film in zip(films, seen, strict=True))
    both = here & there
    return bool(both.sum() > both.size / 4 and np.corrcoef(one[both], other[both])[0, 1] > SAME_PICTURE)
