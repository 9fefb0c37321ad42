"""``PythonSlicer -m XRayLib``: the command line inside Slicer's Python."""

from XRayLib.cli import main

if __name__ == "__main__":
    main()
