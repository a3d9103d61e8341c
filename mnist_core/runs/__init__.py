"""Runs on disk: one folder each, and the folder is the truth.

run.json          what to train, and when that was decided; never changes
about.json        the name and the note; people change it
state.json        where the training is; only its trainer changes it
lock              held by the trainer's process for as long as it lives
stop              its presence asks the trainer to stop
progress.jsonl    a line for a few batches, a line for an epoch; append-only
checkpoint.npz    the last whole epoch, while the run is not finished
epochs.npz        what it says of the test split after each epoch, to be looked at
kept.npz          a visitor's drawings, if it is taught with some; never changes
log.txt           what the trainer had to say
result.json       figures, and the SHA-256 of the files below; written last
model.keras       the model of the best epoch
twin.tflite       the same for LiteRT
predictions.npz   its probabilities for the test and the validation split
novelty.npz       what it takes for a digit at all
robustness.npz    what it says of changed test digits, once somebody has asked

Two locks beside the folders order who may change the list of runs and who may look
whether a trainer lives; each is held for a moment only.
"""

from mnist_core.runs.folder import RESULT_FILES as RESULT_FILES
from mnist_core.runs.folder import STARTING as STARTING
from mnist_core.runs.folder import trainer_lock as trainer_lock
from mnist_core.runs.folder import write_state as write_state
from mnist_core.runs.run import ACTIVE as ACTIVE
from mnist_core.runs.run import EPOCHS_FILE as EPOCHS_FILE
from mnist_core.runs.run import MAX_NAME as MAX_NAME
from mnist_core.runs.run import MAX_NOTE as MAX_NOTE
from mnist_core.runs.run import ROBUSTNESS_FILE as ROBUSTNESS_FILE
from mnist_core.runs.run import Result as Result
from mnist_core.runs.run import Run as Run
from mnist_core.runs.run import State as State
from mnist_core.runs.run import UnreadableRun as UnreadableRun
from mnist_core.runs.store import MAX_WAITING as MAX_WAITING
from mnist_core.runs.store import RunStore as RunStore
