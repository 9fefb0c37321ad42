"""Methods that place a CT on X-rays, one file each, and the parts of the XRayRegistration panel."""
