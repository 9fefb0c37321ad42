"""What every chest bundle's manifest and model card say about data, use and limits."""

from __future__ import annotations

DATA_SOURCE = (
    "Ten CTs of ten patients from The Cancer Imaging Archive: LIDC-IDRI (LIDC-IDRI-0001, -0002, -0003), LCTSC "
    "(exhale phase), CMB-CRC, Lung-PET-CT-Dx, NLST, ACRIN-FLT-Breast (2), Pancreas-CT. Radiographs are simulated from "
    "them with random deformation, room geometry and film processing."
)
DATA_LICENSE = (
    "LIDC-IDRI, LCTSC, ACRIN-FLT-Breast, Pancreas-CT: CC BY 3.0; CMB-CRC, Lung-PET-CT-Dx, NLST: CC BY 4.0. No "
    "non-commercial data was used for training."
)
ATTRIBUTION = """\
- LIDC-IDRI: Armato SG III et al., *Data From LIDC-IDRI*, TCIA, 10.7937/K9/TCIA.2015.LO9QL9SX (CC BY 3.0)
- LCTSC: Yang J et al., *Data from Lung CT Segmentation Challenge*, TCIA, 10.7937/K9/TCIA.2017.3r3fvz08 (CC BY 3.0)
- CMB-CRC: Cancer Moonshot Biobank, *Colorectal Cancer Collection*, TCIA, 10.7937/DJG7-GZ87 (CC BY 4.0)
- Lung-PET-CT-Dx: Li P et al., TCIA, 10.7937/TCIA.2020.NNC2-0461 (CC BY 4.0)
- NLST: National Lung Screening Trial Research Team, TCIA, 10.7937/TCIA.HMQ8-J677 (CC BY 4.0)
- ACRIN-FLT-Breast: Kinahan P et al., TCIA, 10.7937/K9/TCIA.2017.ol20zmxg (CC BY 3.0)
- Pancreas-CT: Roth H et al., TCIA, 10.7937/K9/TCIA.2016.tNB1kqBU (CC BY 3.0)
"""
INTENDED_USE = "Research only; not for diagnosis, planning or treatment."
LIMITATIONS = (
    "Trained on ten patients: a demonstration prior for adult chests, not a model of the population.",
    "Depth along the beam and everything inside organs is a guess from the training CTs; pathology and devices that a "
    "film shows are not placed reliably in depth, and what it does not show is invented as normal anatomy.",
    "One frontal and one lateral view (or one frontal view) within about 25 degrees of the standard directions, "
    "patient upright in the image; isocentre within the chest.",
    "Detail of 6 to 10 mm at best: no vessels, fissures or nodules. Values are not calibrated HU: no densitometry.",
    "Not tested on children, after surgery, with a situs inversus, or on other body parts.",
)
CITATION = "Ying X. et al., X2CT-GAN: Reconstructing CT from Biplanar X-Rays with GANs, CVPR 2019, arXiv 1905.06902"
POPULATION = {
    "n": 10,
    "sex": "both, not recorded per patient",
    "age": "adults",
    "body_part": "chest, two upper abdomen",
    "modalities": ["CT"],
}
