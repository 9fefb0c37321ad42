"""``python -m XRayLib.runtime``: what this computer can run models on, as one JSON object."""

import json
import sys

from XRayLib.runtime.probe import probe_devices

if __name__ == "__main__":
    sys.stdout.write(json.dumps(probe_devices()) + "\n")
