from pathlib import Path

import mnist_core
from mnist_core import paths


def test_every_module_of_the_core_stands_in_the_tree_of_architecture():
    text = (paths.REPOSITORY / "ARCHITECTURE.md").read_text(encoding="utf-8")
    tree = text.split("## Where things are")[1].split("```")[1]
    core = Path(mnist_core.__file__).parent
    modules = {path.name for path in core.glob("[!_]*.py")}
    packages = {f"{path.parent.name}/" for path in core.glob("*/__init__.py")}

    assert {name for name in modules | packages if name not in tree} == set()
