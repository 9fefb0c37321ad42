"""Model bundles: manifest with hashes, checks before anything is parsed, installation and removal."""

from XRayLib.bundle.bundle import Bundle, load_bundle
from XRayLib.bundle.card import Card
from XRayLib.bundle.importing import import_bundle
from XRayLib.bundle.installed import (
    installed_bundle,
    installed_bundles,
    installed_cards,
    preferring,
    remove_bundle,
    scan_bundles,
    shipped_models_folder,
    user_models_folder,
)
from XRayLib.bundle.manifest import write_manifest
from XRayLib.bundle.parity import compare_with_parity, parity_block, parity_inputs

__all__ = [
    "Bundle",
    "Card",
    "compare_with_parity",
    "import_bundle",
    "installed_bundle",
    "installed_bundles",
    "installed_cards",
    "load_bundle",
    "parity_block",
    "parity_inputs",
    "preferring",
    "remove_bundle",
    "scan_bundles",
    "shipped_models_folder",
    "user_models_folder",
    "write_manifest",
]
