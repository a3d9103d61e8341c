"""What visitors keep: their own drawings, each with the digit that it is; and stars.

A set is a `Split` like any other. On disk it is one `.npz` file, named by an id that
nobody can guess; the same file goes out and comes in again, and into the folder of a
run that is taught with it.
"""

from mnist_core.kept.drawings import MAX_DRAWINGS as MAX_DRAWINGS
from mnist_core.kept.drawings import NOTHING as NOTHING
from mnist_core.kept.drawings import digest as digest
from mnist_core.kept.drawings import fingerprint as fingerprint
from mnist_core.kept.drawings import held_out as held_out
from mnist_core.kept.drawings import labels as labels
from mnist_core.kept.drawings import merged as merged
from mnist_core.kept.drawings import repeated as repeated
from mnist_core.kept.drawings import single as single
from mnist_core.kept.exchange import MAX_FILE as MAX_FILE
from mnist_core.kept.exchange import from_file as from_file
from mnist_core.kept.exchange import to_npz as to_npz
from mnist_core.kept.exchange import to_pngs as to_pngs
from mnist_core.kept.folder import DAY as DAY
from mnist_core.kept.folder import IDLE_DAYS as IDLE_DAYS
from mnist_core.kept.folder import is_id as is_id
from mnist_core.kept.folder import new_id as new_id
from mnist_core.kept.stars import MAX_NOTE as MAX_NOTE
from mnist_core.kept.stars import Stars as Stars
from mnist_core.kept.stars import StarStore as StarStore
from mnist_core.kept.stars import starred as starred
from mnist_core.kept.store import KeptStore as KeptStore
