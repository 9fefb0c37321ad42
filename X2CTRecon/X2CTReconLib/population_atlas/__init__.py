"""An average patient that is deformed to the films: what is known of chests before any network."""

from X2CTReconLib.population_atlas.consistent import consistent_atlas
from X2CTReconLib.population_atlas.fitting import FittedAtlas, fitted_atlas
from X2CTReconLib.population_atlas.stored import ATLAS_FILE, StoredAtlas, atlas_bytes, stored_atlas

__all__ = [
    "ATLAS_FILE",
    "FittedAtlas",
    "StoredAtlas",
    "atlas_bytes",
    "consistent_atlas",
    "fitted_atlas",
    "stored_atlas",
]
