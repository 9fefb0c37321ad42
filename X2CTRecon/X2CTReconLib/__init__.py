"""Methods that turn X-rays into a volume, one file each, and the parts of the X2CTRecon panel."""
