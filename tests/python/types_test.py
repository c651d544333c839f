"""The package's type stubs: mypy checks a typed program by them, strictly, and its stubtest holds them to what the
modules really have.

    PYTHONPATH=build/release/python python tests/python/types_test.py
"""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

import octet

HERE = pathlib.Path(__file__).resolve().parent


def run(*words):
    with tempfile.TemporaryDirectory() as cache:
        path = str(pathlib.Path(octet.__file__).parents[1])
        settings = dict(os.environ, MYPYPATH=path, PYTHONPATH=path, MYPY_CACHE_DIR=cache)
        command = [sys.executable, "-m", *words]
        done = subprocess.run(command, cwd=cache, env=settings, capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr


class TypesTest(unittest.TestCase):
    def test_a_typed_program_is_understood(self):
        code, said = run("mypy", "--strict", str(HERE / "typed_example.py"))
        self.assertEqual(code, 0, said)

    def test_stubs_say_what_the_modules_have(self):
        with tempfile.NamedTemporaryFile("w") as allowed:
            # pybind11 gives its classes a metaclass and an initializer of its own.
            allowed.write("octet._octet.Session\noctet._octet.Session.__init__\n")
            allowed.flush()
            modules = ("octet._octet", "octet.session", "octet.quantization")
            code, said = run("mypy.stubtest", "--allowlist", allowed.name, *modules)
        self.assertEqual(code, 0, said)


if __name__ == "__main__":
    unittest.main()
