"""Why a model reads a digit as it does: training digits like it, ink, and layers."""

import threading
from concurrent.futures import Future, wait

import numpy as np
import streamlit as st

from mnist_core import thumbnails
from mnist_core.adversarial import Attack, attack
from mnist_core.architectures import ARCHITECTURES
from mnist_core.attribution import (
    Attribution,
    grad_cam,
    integrated_gradients,
    occlusion,
)
from mnist_core.config import NUM_CLASSES
from mnist_core.errors import DatasetError, DigitLabError
from mnist_core.evaluation import percent
from mnist_core.neighbours import Reference
from mnist_core.network import NO_CONVOLUTIONS
from mnist_core.predictor import Prediction
from mnist_core.runs import Run
from mnist_core.selection import share_in_query
from ui import address, resources

NUM_NEAREST = 5  # training digits shown
TILE = 60  # screen pixels: five fit on a phone
SCALE = 10  # screen pixels for each pixel of a saliency map
PATIENCE = 0.1  # seconds to wait for the training digits before something else is said
POLL = 0.5  # seconds between two looks whether they have come
LOOKS = {
    "nearest": "Training digits like it",
    "ink": "Which ink counts",
    "layers": "What each layer sees",
    "fooled": "What would fool it",
}
METHODS = {
    "occlusion": "Occlusion",
    "gradients": "Integrated gradients",
    "cam": "Grad-CAM",
}
AS_READ = "read"
_EPSILON = "epsilon"  # in the address
DIGITS = {str(digit): str(digit) for digit in range(NUM_CLASSES)}
COLOURS = ":orange-badge[Orange]", ":blue-badge[blue]"

_ONE_AT_A_TIME = threading.Lock()  # so that thirty who ask at once hold nobody else up


def show(run: Run, prediction: Prediction, look: str) -> None:
    """Show what speaks for a prediction and what against it.

    Args:
        run: Whose prediction it is.
        prediction: What is explained.
        look: One of `LOOKS`.
    """
    with st.container(key="explanation"):
        try:
            if look == "ink":
                _show_ink(run, prediction)
            elif look == "layers":
                _show_layers(run, prediction.image)
            elif look == "fooled":
                _show_attack(run, prediction.image)
            else:
                _show_nearest(run, prediction)
        except DigitLabError as error:
            st.error(str(error), icon=":material/error:")


def _show_nearest(run: Run, prediction: Prediction) -> None:
    future = resources.reference(run)
    wait([future], PATIENCE)
    with st.container(key="nearest-digits"):
        if not future.done():
            _wait_for(future)
            return
        try:
            reference = future.result()
        except DatasetError:
            st.caption("MNIST is not on this machine, so there are none to show.")
        else:
            _show_tiles(run, prediction, reference)


@st.fragment(run_every=POLL)
def _wait_for(future: Future[Reference]) -> None:
    if future.done():
        st.rerun()
    st.caption("The model is reading them, once for all: they come in a moment.")


def _show_tiles(run: Run, prediction: Prediction, reference: Reference) -> None:
    reading = resources.predictor(run).reader.read(prediction.image[None])
    found = reference.nearest(reading.features[0], NUM_NEAREST)
    with st.container(horizontal=True, gap="xsmall"):
        for image, label, distance in zip(
            found.images, found.labels, found.distances, strict=True
        ):
            st.image(
                thumbnails.png(image, scale=2),
                caption=f"**{label}** · {distance:.2f}",
                alt=f"A training digit labelled {label}",
                width=TILE,
            )
    num_alike = int((found.labels == prediction.digit).sum())
    st.caption(
        f"{num_alike} of {len(found.labels)} are labelled {prediction.digit}. Of "
        f"{len(reference.split):,} digits that the model was trained with, these have "
        "the features most like its own; below each its label and the distance."
    )


def _show_ink(run: Run, prediction: Prediction) -> None:
    digits = {AS_READ: f"{prediction.digit}, as read"} | DIGITS
    with st.container(horizontal=True):
        asked = address.choice("Why, or why not …", "digit", digits, default=AS_READ)
        architecture = ARCHITECTURES[run.config.architecture]
        methods = {
            name: words
            for name, words in METHODS.items()
            if name != "cam" or architecture.has_convolutions
        }
        method = address.choice("Method", "by", methods, default="occlusion")
    digit = prediction.digit if asked == AS_READ else int(asked)
    if method == "gradients":
        attribution = _gradients(run, str(run.result), prediction.image, digit)
        values, words = attribution.values, _gradients_words(attribution, digit)
    elif method == "cam":
        values = _cam(run, str(run.result), prediction.image, digit)
        words = _cam_words(digit)
    else:
        values = _occlusion(run, str(run.result), prediction.image, digit)
        words = _occlusion_words(values, digit)
    picture, legend = st.columns([2, 3], vertical_alignment="center")
    with picture, st.container(key="saliency"):
        st.image(
            thumbnails.saliency(prediction.image, values, scale=SCALE),
            alt=f"What speaks for {digit} and what against it",
        )
    legend.markdown(words)


def _occlusion_words(values: np.ndarray, digit: int) -> str:
    orange, blue = COLOURS
    return (
        f"{orange} is where a grey patch, on ink or on paper, makes it look less like "
        f"{digit}, and {blue} where it makes it look more like it.\n\nAt most, the "
        f"logit of {digit} falls by {max(values.max(), 0):.2f} and rises by "
        f"{max(-values.min(), 0):.2f}."
    )


def _gradients_words(attribution: Attribution, digit: int) -> str:
    orange, blue = COLOURS
    return (
        f"{orange} ink speaks for {digit}, and {blue} ink against it; the stronger "
        f"the colour, the more.\n\nAll pixels add up to {attribution.total:+.2f}; "
        f"the logit of {digit} differs from that of blank paper by "
        f"{attribution.difference:+.2f}: the error is {attribution.error:+.2f}."
    )


def _cam_words(digit: int) -> str:
    orange, _ = COLOURS
    return (
        f"{orange} is where the last convolutions see what speaks for {digit}. They "
        "see in large squares: less exact than the other methods, and nearest to what "
        "the layers after them are told."
    )


def _show_attack(run: Run, image: np.ndarray) -> None:
    """The smallest step that fools the model, and any other step, by a slider."""
    found = _attack(run, str(run.result), image)
    place = found.smallest
    largest = float(found.epsilons[-1])
    start = largest if place is None else float(found.epsilons[place])
    st.markdown(
        f"Let each pixel be a little lighter or darker, all by the same step ε, where "
        f"that confuses the model most. **{found.sentence()}**"
    )
    asked = share_in_query(address.query(), _EPSILON)
    epsilon = st.session_state[_EPSILON] = min(
        start if asked is None else asked, largest
    )
    st.slider(
        "Step ε, of the range from paper to ink",
        0.0,
        largest,
        step=0.005,
        format="%.3f",
        key=_EPSILON,
        on_change=_put_epsilon,
    )
    step = found.nearest(epsilon)
    changed, probabilities = found.changed(step), found.probabilities[step]
    digit = int(probabilities.argmax())
    with st.container(key="attack", horizontal=True, gap="medium"):
        for picture, words in (
            (thumbnails.png(image, scale=4), f"Before: {found.digits[0]}"),
            (
                thumbnails.saliency(0 * image, found.signs.astype(float), scale=4),
                "Orange: more ink, blue: less",
            ),
            (
                thumbnails.png(changed, scale=4),
                f"After: {digit}, {percent(float(probabilities[digit]))}",
            ),
        ):
            st.image(picture, caption=words, width=4 * len(image))


def forget_step() -> None:
    """Begin with another image where it is fooled, not where this one was looked at."""
    address.put({_EPSILON: None})


def _put_epsilon() -> None:
    address.put({_EPSILON: f"{st.session_state[_EPSILON]:.3f}"})


def _show_layers(run: Run, image: np.ndarray) -> None:
    maps = resources.network(run).feature_maps(image)
    if not maps:
        st.caption(NO_CONVOLUTIONS)
        return
    st.caption(
        "A square is what one filter makes of the picture before it: white where it "
        "finds what it looks for."
    )
    with st.container(key="feature-maps", horizontal=True, gap="medium"):
        for number, layer in enumerate(maps, 1):
            height, width, num_maps = layer.shape
            st.image(
                thumbnails.mosaic(layer),
                caption=f"Layer {number}: {num_maps} maps of {height} × {width}",
            )


@st.cache_data(max_entries=100, show_spinner="Covering the digit, patch by patch …")
def _occlusion(_run: Run, result: str, image: np.ndarray, digit: int) -> np.ndarray:
    reader = resources.predictor(_run).reader
    with _ONE_AT_A_TIME:
        return occlusion(reader, image, digit)


@st.cache_data(max_entries=100, show_spinner=False)
def _cam(_run: Run, result: str, image: np.ndarray, digit: int) -> np.ndarray:
    network = resources.network(_run)
    with _ONE_AT_A_TIME:
        return grad_cam(network, image, digit)


@st.cache_data(max_entries=100, show_spinner="Looking for the way to fool it …")
def _attack(_run: Run, result: str, image: np.ndarray) -> Attack:
    network = resources.network(_run)
    with _ONE_AT_A_TIME:
        return attack(network, image)


@st.cache_data(max_entries=100, show_spinner="Adding up gradients …")
def _gradients(_run: Run, result: str, image: np.ndarray, digit: int) -> Attribution:
    network = resources.network(_run)
    with _ONE_AT_A_TIME:
        return integrated_gradients(network, image, digit)
