"""Takes the files and commands of docs/tutorial.md out of the page and runs them in the folder WORK, with octet
installed from BUILD. Where PyTorch is absent, the steps that need it are replaced by the export that they gave
once (digits.onnx beside this file).

    python tests/tutorial/run.py BUILD SOURCE WORK
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys

BLOCK = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMPONENTS = ("library", "development", "tools")
TORCH_PYTHON = os.environ.get("TORCH_PYTHON", "/usr/bin/python3")  # The distribution's has python3-torch.


def install(build, prefix):
    for component in COMPONENTS:
        subprocess.run(
            ["cmake", "--install", build, "--prefix", prefix, "--component", component],
            check=True,
            stdout=subprocess.DEVNULL,
        )


def environment(build, source, prefix):
    """Finds what is installed, and as python3 the one that runs this."""
    library = next(prefix.rglob("liboctet.so")).parent
    path = [prefix / "bin", pathlib.Path(sys.executable).parent, os.environ["PATH"]]
    return dict(
        os.environ,
        PATH=os.pathsep.join(map(str, path)),
        LD_LIBRARY_PATH=str(library),
        CMAKE_PREFIX_PATH=str(prefix),
        PYTHONPATH=str(build / "python"),
        OCTET_SOURCES=str(source),
    )


def has_torch():
    found = subprocess.run([TORCH_PYTHON, "-c", "import torch, numpy"], capture_output=True)
    return found.returncode == 0


def script_of(page, work, torch):
    """Writes the page's files into `work`; returns its commands as one script."""
    lines = ["set -eux"]
    for _, options, text in BLOCK.findall(page):
        options = dict(word.split("=") for word in options.split())
        if "file" in options:
            target = work / options["file"]
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
        elif options.get("step") == "torch":
            given = "cp given.onnx digits.onnx"
            lines.append(text.replace("python3", f"env -u PYTHONPATH {TORCH_PYTHON}") if torch else given)
        else:
            lines.append(text)
    return "\n".join(lines)


def main():
    build, source, work = (pathlib.Path(word).resolve() for word in sys.argv[1:])
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    install(build, work / "usr")
    torch = has_torch()
    if not torch:
        print("PyTorch isn't installed (python3-torch): starting from the export that step 1 gave once")
    shutil.copy(pathlib.Path(__file__).with_name("digits.onnx"), work / "given.onnx")
    script = script_of((source / "docs" / "tutorial.md").read_text(), work, torch)
    done = subprocess.run(["bash", "-c", script], cwd=work, env=environment(build, source, work / "usr"))
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
