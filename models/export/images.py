"""Digit images: MNIST's IDX files, digits rendered from fonts, and distortions of both.

Images are uint8 [28, 28], white on black, centred by mass as in MNIST.
"""
import glob
import os

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

SIZE = 28
HELD_OUT_FROM = 7000
FONT_ROOT = "/usr/share/fonts"
HANDWRITING = ["bwht/*", "breip/*", "comic-neue/*", "dancingscript/*", "kaushanscript/*",
               "ecolier-court/*", "femkeklaver/*", "fifthhorseman/*", "humor-sans/*", "klee/*",
               "kristi/*", "rufscript/*", "seto/setofont.ttf", "sjfonts/*", "tomsontalks/*",
               "yozvox-yozfont/YOzBEF.ttf", "yozvox-yozfont/YOzREX.ttf", "yusei-magic/*", "andika/*"]
PRINT = ["dejavu/DejaVuSans.ttf", "dejavu/DejaVuSans-Oblique.ttf", "dejavu/DejaVuSerif.ttf",
         "dejavu/DejaVuSans-ExtraLight.ttf", "liberation/LiberationSans-Regular.ttf",
         "liberation/LiberationSerif-Italic.ttf", "liberation/LiberationSansNarrow-Regular.ttf",
         "freefont/FreeSans.ttf", "freefont/FreeSerif.ttf", "lato/Lato-Light.ttf",
         "lato/Lato-Italic.ttf", "lato/Lato-Regular.ttf", "quicksand/*", "cabin/Cabin-*Italic.otf",
         "averia-gwf/*", "opendyslexic/OpenDyslexic-Italic.otf", "roboto/unhinted/RobotoTTF/Roboto-Thin.ttf",
         "roboto/unhinted/RobotoTTF/Roboto-LightItalic.ttf", "junction/*", "inconsolata/*"]
# Faces that only the evaluation set uses.
EVAL_ONLY = ["klee", "femkeklaver", "SteveHand", "YOzBEF", "Quicksand-Medium", "LiberationSerif-Italic",
             "BecauseWeLearn", "Cabin-BoldItalic", "dkgIt", "Lato-Italic", "Rufscript"]


def fonts(split):
    """Paths of the faces of a split: "train" has no EVAL_ONLY face, "eval" has all of them and more."""
    found = []
    for pattern in HANDWRITING + PRINT:
        found += sorted(glob.glob(os.path.join(FONT_ROOT, "*", pattern)))
    found = [f for f in found if f.endswith((".ttf", ".otf"))]
    if not found:
        raise SystemExit("no fonts found: install the packages listed in requirements.txt")
    kept_out = [f for f in found if any(name in f for name in EVAL_ONLY)]
    rest = [f for f in found if f not in kept_out]
    return rest if split == "train" else kept_out + rest[::3]


def read_idx(path):
    with open(path, "rb") as f:
        data = f.read()
    rank = data[3]
    dims = np.frombuffer(data, ">i4", rank, 4)
    return np.frombuffer(data, np.uint8, offset=4 + 4 * rank).reshape(dims)


def read_mnist(folder):
    """(images [n, 28, 28], labels [n]) from the one pair of IDX files in a folder."""
    paths = sorted(glob.glob(os.path.join(folder, "*ubyte*")))
    arrays = [read_idx(p) for p in paths if not p.endswith(".gz")]
    images = next(a for a in arrays if a.ndim == 3)
    labels = next(a for a in arrays if a.ndim == 1)
    return images, labels.astype(np.int64)


def centre(image):
    """float [h, w] -> [28, 28]: scaled to fit 20 x 20, then centred by mass."""
    rows, columns = np.flatnonzero(image.max(1) > 40), np.flatnonzero(image.max(0) > 40)
    if rows.size == 0:
        return np.zeros((SIZE, SIZE), np.float32)
    image = image[rows[0]:rows[-1] + 1, columns[0]:columns[-1] + 1]
    scale = 20.0 / max(image.shape)
    small = Image.fromarray(image.astype(np.uint8)).resize(
        (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))), Image.BOX)
    out = np.zeros((SIZE, SIZE), np.float32)
    top, left = (SIZE - small.height) // 2, (SIZE - small.width) // 2
    out[top:top + small.height, left:left + small.width] = np.asarray(small, np.float32)
    mass = np.array(ndimage.center_of_mass(out))
    return ndimage.shift(out, np.clip(13.5 - mass, -4, 4), order=1)


class Renderer:
    """Draws digits with a pen of random width, bent, slanted and squeezed, like handwriting."""

    def __init__(self, seed, split):
        self.rng = np.random.default_rng(seed)
        self.faces = [ImageFont.truetype(f, 72) for f in fonts(split)]

    def draw(self, digit, strength):
        rng = self.rng
        canvas = Image.new("L", (160, 160))
        face = self.faces[rng.integers(len(self.faces))]
        ImageDraw.Draw(canvas).text((80, 80), str(digit), fill=255, font=face, anchor="mm")
        x = np.asarray(canvas, np.float32)
        pen = rng.integers(-1, 5)
        if pen > 0:
            x = ndimage.grey_dilation(x, footprint=np.hypot(*np.mgrid[-pen:pen + 1, -pen:pen + 1]) <= pen + 0.3)
        x = warp(rng, x, strength, 160)
        x = centre(x)
        return distort_pixels(rng, x)


def warp(rng, image, strength, size):
    """Elastic and affine distortion (Simard et al. 2003)."""
    field = rng.uniform(-1, 1, (2, size, size))
    sigma = size * 0.16
    field = np.stack([ndimage.gaussian_filter(f, sigma, mode="constant") for f in field])
    field *= strength * size * 0.05 / (np.abs(field).max() + 1e-9)
    angle = rng.normal(0, 0.12 * strength)
    slant = rng.normal(0.0, 0.16 * strength)
    stretch = np.exp(rng.normal(0, 0.1 * strength, 2))
    matrix = np.array([[np.cos(angle) / stretch[0], np.sin(angle)],
                       [-np.sin(angle) + slant, np.cos(angle) / stretch[1]]])
    grid = np.mgrid[0:size, 0:size] - (size - 1) / 2
    source = np.tensordot(matrix, grid, 1) + (size - 1) / 2 + field
    return ndimage.map_coordinates(image, source, order=1, mode="constant")


def distort_pixels(rng, x):
    """Contrast, blur, at times noise and a gap in the stroke; float [28, 28] -> uint8."""
    if rng.random() < 0.3:
        x = ndimage.gaussian_filter(x, rng.uniform(0.3, 0.8))
    peak = x.max() + 1e-6
    x = np.clip(x / peak * rng.uniform(0.95, 1.6), 0, 1) ** rng.uniform(0.7, 1.3) * rng.uniform(180, 255)
    if rng.random() < 0.1:
        row, column = rng.integers(6, 20, 2)
        x[row:row + rng.integers(1, 4), column:column + rng.integers(1, 4)] = 0
    if rng.random() < 0.1:
        x = x + rng.normal(0, rng.uniform(5, 20), x.shape) * (rng.random(x.shape) < 0.3)
    x[x < 8] = 0
    return np.clip(np.round(x), 0, 255).astype(np.uint8)


def distorted_copies(rng, images, copies, strength):
    """Each image, copies times, warped afresh."""
    out = []
    for _ in range(copies):
        out += [np.clip(warp(rng, ndimage.shift(im.astype(np.float32), rng.uniform(-1.5, 1.5, 2), order=1),
                             strength, SIZE), 0, 255) for im in images]
    return np.round(np.stack(out)).astype(np.uint8)
