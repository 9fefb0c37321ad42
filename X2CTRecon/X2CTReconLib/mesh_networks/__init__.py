"""Networks from one X-ray to an organ's surface. PyTorch; imported only where a patient is prepared."""
