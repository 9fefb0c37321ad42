"""CT volumes: the object, files in and out, Hounsfield units and attenuation."""

from XRayLib.ct.attenuation import MU_WATER_PER_MM, attenuation_from_hu, hu_from_attenuation
from XRayLib.ct.load import load_ct, load_volume
from XRayLib.ct.resample import resample, resample_isotropic
from XRayLib.ct.save import save_volume
from XRayLib.ct.table import body_mask, remove_table
from XRayLib.ct.volume import Volume

__all__ = [
    "MU_WATER_PER_MM",
    "Volume",
    "attenuation_from_hu",
    "body_mask",
    "hu_from_attenuation",
    "load_ct",
    "load_volume",
    "remove_table",
    "resample",
    "resample_isotropic",
    "save_volume",
]
