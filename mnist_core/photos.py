"""From any picture to ink: clean drawings as they are, photographs of paper or a board.

On a photograph the light is uneven, so what is paper is decided place by place: dark
ink is darker than the paper around it, and a closing (a running maximum, then a running
minimum; Serra, "Image Analysis and Mathematical Morphology", 1982) fills whatever is
narrower than a quarter of the picture, but keeps gradients and the edges of shadows and
sheets. What is left is told apart by shape: printed lines are thinner than the pen, the
table leaves the picture, and dust is small.
"""

import numpy as np
from PIL import Image, ImageFilter

from mnist_core import components, inking

MAX_SIDE = 1_000  # pixels; larger pictures are reduced
MIN_SIDE = 64  # pixels; smaller pictures are no photographs
GRAIN = 1.2  # pixels, the radius of the blur that takes the noise of a camera
WIDEST = 0.25  # of a picture's side; what is wider is no stroke
SCALES = (0.04, 0.1, WIDEST)  # of a picture's side, at which ink and paper are compared
SOFT = 0.03  # of a picture's side: how far around its ink a drawing has shades
PEN = 0.37  # of the side of what is drawn: what is wider is no stroke, but a sheet
CLOSE_PEN = 0.4  # the same where the picture is cut close around a digit
MIN_CONTRAST = 32  # levels of 255; with less, all is paper
DARKEST = 40  # levels; darker paper and boards count as this dark
THICKNESSES = (2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128)  # pixels, that are tried
THIN = 3  # times thinner than the pen is a printed line
MAX_CROSSINGS = 8  # times that a digit leaves the picture; lines do so more often
FAINT, FULL = 0.2, 0.85  # of the pen's contrast: no ink, and full ink
STROKE = 0.45  # of the pen's contrast that a part of a digit has
DUST = 0.15  # of the heaviest part's weight; lighter ones are dust
NEARBY = 0.3  # heights of the heaviest part, within which light parts are strokes
CRUMB = 0.01  # of the heaviest part's weight; lighter ones are dust wherever they are


def ink_from_picture(rgba: np.ndarray) -> np.ndarray:
    """Find the ink of an uploaded picture, whether it was drawn or photographed.

    Args:
        rgba: `(H, W, 4)` uint8, alpha not premultiplied.

    Returns:
        `(h, w)` uint8, 0 = paper, 255 = ink; all 0 if there is none. It has the
        picture's shape, reduced by a whole number if a side is above `MAX_SIDE`.
    """
    picture = Image.fromarray(rgba)
    factor = -(-max(picture.size) // MAX_SIDE)
    picture = picture.reduce(factor) if factor > 1 else picture
    pixels = np.asarray(picture)
    ink = inking.ink_from_rgba(pixels)
    if pixels[..., 3].min() < 255 or min(picture.size) < MIN_SIDE or _is_clean(ink):
        return ink
    for band in "LRGB":  # yellow on white has no contrast but in blue
        tones = picture.convert("L") if band == "L" else picture.getchannel(band)
        ink = _photographed(tones)
        if ink.any():
            break
    return ink


def _is_clean(ink: np.ndarray) -> bool:
    """Whether the ink that one threshold finds is a drawing, and nothing but it."""
    solid = ink >= 128
    if not solid.any():
        return True
    if ink[~_widened(solid, round(SOFT * np.sqrt(ink.size)))].any():
        return False  # light, shadow or noise
    is_at_edge = _at_edge(components.find(solid))
    if is_at_edge.any() and (not is_at_edge.all() or _crossings(solid) > MAX_CROSSINGS):
        return False  # a table, or lines
    sides = [np.ptp(np.flatnonzero(solid.any(axis))) + 1 for axis in (0, 1)]
    pen = CLOSE_PEN if is_at_edge.any() else PEN
    return not _opened(solid, max(1, round(pen * np.sqrt(np.prod(sides))))).any()


def _photographed(tones: Image.Image) -> np.ndarray:
    contrast = _contrast(tones)
    lineless = _without_lines(contrast)
    if lineless.max(initial=0) < MIN_CONTRAST:
        return np.zeros_like(contrast)
    digit = _heaviest(lineless, STROKE * lineless.max())
    if digit is None:
        return np.zeros_like(contrast)
    pen = np.quantile(lineless[digit], 0.8)
    own = _digits(lineless, STROKE * pen)
    soft = np.clip((lineless / pen - FAINT) / (FULL - FAINT), 0, 1)
    return np.rint(255 * soft * _widened(own, 2)).astype(np.uint8)


def _contrast(tones: Image.Image) -> np.ndarray:
    """`(H, W)` uint8, how much each pixel differs from the paper around it.

    Dark ink takes a share of the light, so its contrast is a share of the paper's
    tone; so does the dark board between the strokes of a chalk.
    """
    smooth = np.asarray(tones.filter(ImageFilter.GaussianBlur(GRAIN)))
    size = round(WIDEST * np.sqrt(smooth.size))
    if _is_ink_dark(tones):
        paper = _closed(smooth, size).astype(np.float32)
        contrast = (paper - smooth) / np.maximum(paper, DARKEST)
    else:
        board = _opened(smooth, size).astype(np.float32)
        contrast = (smooth - board) / np.maximum(board, DARKEST)
        contrast /= max(contrast.max(), 1)
    noise = np.median(contrast)  # the brightest of many noisy pixels is too bright
    return np.rint(255 * np.maximum(contrast - 2 * noise, 0)).astype(np.uint8)


def _is_ink_dark(tones: Image.Image) -> bool:
    """Whether there is more in dark strokes than in light ones, the thin ones first."""
    small = tones.copy()
    small.thumbnail((256, 256))
    pixels = np.asarray(small)
    excess = pixels.astype(np.float32) - _usual(small)
    balance = 0.0
    for scale in SCALES:
        size = max(round(scale * np.sqrt(pixels.size)), 2)
        dark = np.minimum(_closed(pixels, size).astype(np.float32) - pixels, -excess)
        light = np.minimum(pixels - _opened(pixels, size).astype(np.float32), excess)
        dark, light = np.maximum(dark, 0), np.maximum(light, 0)
        balance += ((dark**2).sum() - (light**2).sum()) / scale**2
    return balance >= 0


def _usual(tones: Image.Image) -> np.ndarray:
    """The median of the pixels around each, from a smaller picture: it is smooth."""
    small = tones.copy()
    small.thumbnail((48, 48))
    median = small.filter(ImageFilter.MedianFilter(min(small.size) // 4 * 2 + 1))
    return np.asarray(median.resize(tones.size, Image.Resampling.BILINEAR))


def _without_lines(contrast: np.ndarray) -> np.ndarray:
    """Take away what is much thinner than the thickest strokes."""
    top = np.quantile(contrast, 0.999)
    fits = [size for size in THICKNESSES if _opened(contrast, size).max() >= 0.6 * top]
    thin = max(fits, default=1) // THIN
    if thin < 2:
        return contrast
    return np.minimum(contrast, _widened(_opened(contrast, thin), thin))


def _digits(contrast: np.ndarray, least: float) -> np.ndarray:
    """`(H, W)` bool: the heaviest part and what belongs to it or is as heavy."""
    parts = components.find(contrast >= least, contrast)
    weights = parts.weights * _is_ink(parts, contrast >= least)
    heaviest = parts.boxes[weights.argmax()]
    away = np.maximum(
        parts.boxes[:, :2] - heaviest[2:], heaviest[:2] - parts.boxes[:, 2:]
    )
    distances = np.hypot(*np.maximum(away, 0).T)
    is_near = distances <= NEARBY * (heaviest[2] - heaviest[0])
    shares = weights / max(weights.max(), 1)
    return parts.mask((shares >= DUST) | (is_near & (shares >= CRUMB)))


def _heaviest(contrast: np.ndarray, least: float) -> np.ndarray | None:
    """`(H, W)` bool, the heaviest part; None if all is table or lines."""
    mask = contrast >= least
    parts = components.find(mask, contrast)
    weights = parts.weights * _is_ink(parts, mask)
    if not weights.any():
        return None
    return parts.labels == weights.argmax() + 1


def _is_ink(parts: components.Components, mask: np.ndarray) -> np.ndarray:
    """`(N,)` bool: the parts inside the picture, or all if there are none inside."""
    is_inside = ~_at_edge(parts)
    if is_inside.any() or _crossings(mask) > MAX_CROSSINGS:
        return is_inside
    return ~is_inside


def _at_edge(parts: components.Components) -> np.ndarray:
    """`(N,)` bool: whether parts reach the edge of the picture."""
    height, width = parts.labels.shape
    top, left, bottom, right = parts.boxes.T
    return (top == 0) | (left == 0) | (bottom == height) | (right == width)


def _border(mask: np.ndarray) -> np.ndarray:
    """The outermost pixels, once around."""
    return np.concatenate([mask[0], mask[1:, -1], mask[-1, -2::-1], mask[-2:0:-1, 0]])


def _crossings(mask: np.ndarray) -> int:
    """How many times the mask leaves the picture."""
    border = _border(mask)
    return int(np.count_nonzero(border & ~np.roll(border, 1)))


def _closed(image: np.ndarray, size: int) -> np.ndarray:
    """Fill what is dark, narrower than `size` pixels and inside the picture."""
    return _extreme(_extreme(_beyond(image, size), size, np.maximum), size, np.minimum)


def _opened(image: np.ndarray, size: int) -> np.ndarray:
    """Take away what is light and narrower than `size` pixels."""
    return _extreme(_extreme(_beyond(image, size), size, np.minimum), size, np.maximum)


def _widened(image: np.ndarray, reach: int) -> np.ndarray:
    return _extreme(np.pad(image, reach), 2 * reach + 1, np.maximum)


def _beyond(image: np.ndarray, size: int) -> np.ndarray:
    """Go on beyond the edge with the pixels there, for two filters of that size."""
    return np.pad(image, size - 1, mode="edge")


def _extreme(image: np.ndarray, size: int, extreme: np.ufunc) -> np.ndarray:
    """The largest or smallest pixel of each square that fits into the image.

    Lines twice as long take one more step, so the size hardly matters.
    """
    for _ in range(2):
        length = 1
        while length < size:
            step = min(length, size - length)
            image = extreme(image[:-step], image[step:])
            length += step
        image = image.T
    return image
