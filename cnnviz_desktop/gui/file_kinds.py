"""Tell files apart by their suffixes: light, since the window needs it before its first picture."""

from __future__ import annotations

SESSION = ".cnnviz"
WEIGHTS = (".pth", ".pt", ".safetensors")
FIGURES = (".svg", ".pdf", ".npz", ".json")  # a record, and nothing that opens as a picture
EITHER = ".png"  # an exported figure or a plain picture

PICTURE_FILTER = "Pictures (*.png *.jpg *.jpeg *.webp *.tif *.tiff *.bmp *.gif *.avif *.heic)"
FIGURE_FILTER = "Figures made by CNNviz (*.png *.svg *.pdf *.npz *.json)"
SESSION_FILTER = f"CNNviz sessions (*{SESSION})"
