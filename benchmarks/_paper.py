"""Photographs of digits on paper, made by rules: light, paper, lines, table, camera.

A digit's ink lies on a sheet; light falls on both; a camera adds blur and noise and
writes a JPEG. All lengths are shares of the photograph's shorter side.
"""

from dataclasses import dataclass
from io import BytesIO

import numpy as np
from PIL import Image, ImageFilter

from mnist_core import pictures

ORIENTATION = 0x0112  # of EXIF
# How Pillow stores an upright picture so that the orientation turns it upright again.
STORED = {
    1: None,
    3: Image.Transpose.ROTATE_180,
    6: Image.Transpose.ROTATE_90,
    8: Image.Transpose.ROTATE_270,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What is photographed, and how; colours reflect 0 to 1 of red, green and blue.

    Attributes:
        size: Width and height in pixels.
        paper: Its colour.
        pen: Its colour.
        height: The digit's, lowest and highest.
        gradient: Share of the light that the darkest side lacks.
        shadow: Share of the light that a shadow takes.
        penumbra: Width of the shadow's edge.
        lines: "" for none, "ruled" or "squared".
        line: Their colour.
        spacing: Of the lines.
        table: How much of each side is table and not sheet.
        tilt: Degrees, the most by which sheet and lines are turned.
        noise: Standard deviation, levels of 255.
        blur: Radius.
        quality: Of the JPEG.
        orientation: As EXIF says it.
    """

    size: tuple[int, int] = (800, 600)
    paper: tuple[float, float, float] = (0.92, 0.92, 0.92)
    pen: tuple[float, float, float] = (0.12, 0.12, 0.15)
    height: tuple[float, float] = (0.3, 0.65)
    gradient: float = 0.0
    shadow: float = 0.0
    penumbra: float = 0.08
    lines: str = ""
    line: tuple[float, float, float] = (0.6, 0.68, 0.82)
    spacing: float = 0.08
    table: float = 0.0
    tilt: float = 0.0
    noise: float = 2.0
    blur: float = 0.001
    quality: int = 85
    orientation: int = 1


GREY, YELLOWISH = (0.6, 0.6, 0.6), (0.93, 0.87, 0.66)
BOARD, CHALK = (0.16, 0.27, 0.21), (0.82, 0.84, 0.8)
SCENES = {
    "even light": Scene(),
    "grey paper": Scene(paper=GREY),
    "yellowish paper, blue pen": Scene(paper=YELLOWISH, pen=(0.15, 0.2, 0.5)),
    "pencil": Scene(pen=(0.5, 0.5, 0.52), noise=4),
    "uneven light": Scene(gradient=0.7),
    "shadow": Scene(shadow=0.5),
    "shadow with a sharp edge": Scene(shadow=0.5, penumbra=0.004),
    "ruled": Scene(lines="ruled", tilt=4),
    "squared": Scene(lines="squared", spacing=0.05, tilt=4),
    "dark lines": Scene(lines="squared", line=(0.4, 0.42, 0.5), tilt=4),
    "sheet on a dark table": Scene(table=0.12, tilt=8, height=(0.25, 0.5)),
    "noise": Scene(noise=14, quality=60),
    "strong compression": Scene(quality=15, gradient=0.3),
    "chalk on a board": Scene(paper=BOARD, pen=CHALK, gradient=0.4, noise=4),
    "small on a large photograph": Scene(size=(2400, 1800), height=(0.08, 0.15)),
    "turned by EXIF": Scene(gradient=0.4, orientation=6),
    "all together": Scene(
        size=(1200, 900),
        paper=(0.75, 0.72, 0.62),
        gradient=0.5,
        shadow=0.35,
        lines="ruled",
        table=0.08,
        tilt=5,
        height=(0.25, 0.5),
        noise=6,
        quality=70,
        orientation=8,
    ),
}


def photograph(ink: np.ndarray, scene: Scene, generator: np.random.Generator) -> bytes:
    """A JPEG of a digit, `(H, W)` uint8 ink, at a place that is left to chance."""
    width, height = scene.size
    side = min(width, height)
    angle = np.radians(generator.uniform(-scene.tilt, scene.tilt))
    y, x = np.mgrid[:height, :width].astype(np.float32)
    y, x = (y - height / 2) / side, (x - width / 2) / side
    u, v = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    colours = np.broadcast_to(np.float32(scene.paper), (height, width, 3))
    if scene.lines:
        colours = _over(colours, scene.line, _lines(u, v, scene, side))
    colours = _over(colours, scene.pen, _placed(ink, scene, generator))
    if scene.table:
        half = np.array([width, height]) / side / 2 - scene.table
        sheet = np.minimum(half[0] - np.abs(u), half[1] - np.abs(v))
        table = (0.25, 0.17, 0.12) if np.mean(scene.paper) > 0.5 else (0.7, 0.68, 0.6)
        colours = _over(colours, table, _edge(-sheet, 0.003))
    light = _light(x, y, scene, generator)
    return _taken(colours * light[..., None], scene, generator)


def taken_upright(ink: np.ndarray, scene: Scene, seed: int) -> np.ndarray:
    """`(H, W, 4)` uint8, the photograph as an upload is decoded."""
    data = photograph(ink, scene, np.random.default_rng(seed))
    return pictures.decode_picture(data)


def _placed(
    ink: np.ndarray, scene: Scene, generator: np.random.Generator
) -> np.ndarray:
    """`(H, W)` float32, 0 to 1: the digit enlarged, with the sharp edges of a pen."""
    width, height = scene.size
    tall = round(min(width, height) * generator.uniform(*scene.height))
    rows, columns = np.nonzero(ink > 20)
    box = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    wide = round(tall * (box[2] - box[0]) / (box[3] - box[1]))
    wide = min(wide, round(width * 0.6))
    large = Image.fromarray(ink).resize((wide, tall), Image.Resampling.BICUBIC, box)
    digit = np.clip((np.asarray(large, np.float32) / 255 - 0.5) * 3 + 0.5, 0, 1)
    free = np.array([height - tall, width - wide])
    margin = np.minimum(free / 2, (scene.table * 1.25 + 0.04) * min(width, height))
    top, left = np.rint(generator.uniform(margin, free - margin)).astype(int)
    placed = np.zeros((height, width), np.float32)
    placed[top : top + tall, left : left + wide] = digit
    return placed


def _lines(u: np.ndarray, v: np.ndarray, scene: Scene, side: int) -> np.ndarray:
    """Printed lines, as thick as on paper but no thinner than a pixel."""
    half = max(0.0016, 0.6 / side)
    across = [v] if scene.lines == "ruled" else [u, v]
    distances = [
        np.abs((place / scene.spacing) % 1 - 0.5) * scene.spacing for place in across
    ]
    return _edge(half - np.minimum.reduce(distances), 1 / side)


def _light(
    x: np.ndarray, y: np.ndarray, scene: Scene, generator: np.random.Generator
) -> np.ndarray:
    """`(H, W)` float32, 0 to 1."""
    along, across = generator.uniform(0, 2 * np.pi, 2)
    slope = np.cos(along) * x + np.sin(along) * y
    slope = (slope - slope.min()) / np.ptp(slope)
    edge = np.cos(across) * x + np.sin(across) * y - generator.uniform(-0.3, 0.3)
    shade = scene.shadow * _edge(edge + 0.1 * np.sin(5 * x + along), scene.penumbra)
    return (1 - scene.gradient * slope) * (1 - shade)


def _edge(distance: np.ndarray, softness: float) -> np.ndarray:
    """0 where the distance is below 0, 1 above, and a ramp of `softness` between."""
    return np.clip(distance / softness + 0.5, 0, 1)


def _over(
    colours: np.ndarray, colour: tuple[float, float, float], cover: np.ndarray
) -> np.ndarray:
    return colours + (np.float32(colour) - colours) * cover[..., None].astype(
        np.float32
    )


def _taken(colours: np.ndarray, scene: Scene, generator: np.random.Generator) -> bytes:
    """What the camera writes."""
    levels = Image.fromarray(np.rint(255 * colours).astype(np.uint8))
    radius = scene.blur * min(scene.size)
    blurred = np.asarray(levels.filter(ImageFilter.GaussianBlur(radius)), np.float32)
    noise = generator.normal(0, scene.noise, blurred.shape)
    picture = Image.fromarray(np.clip(blurred + noise, 0, 255).astype(np.uint8))
    turn = STORED[scene.orientation]
    exif = Image.Exif()
    exif[ORIENTATION] = scene.orientation
    file = BytesIO()
    stored = picture if turn is None else picture.transpose(turn)
    stored.save(file, "JPEG", quality=scene.quality, exif=exif)
    return file.getvalue()
