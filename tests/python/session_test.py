"""The Python package against ONNX Runtime, and what it says of bad input.

    PYTHONPATH=build/release/python python tests/python/session_test.py MODELS
"""

import pathlib
import sys
import threading
import unittest

import numpy as np
import octet
import onnxruntime
from octet import elements

MODELS = pathlib.Path(sys.argv.pop(1))
MLP = MODELS / "digits_mlp" / "digits_mlp.onnx"
BERT = MODELS / "commands_bert" / "commands_bert.onnx"


def feeds_for(session, seed=0):
    """Seeded arrays, free extents 16, integers below 2."""
    rng = np.random.default_rng(seed)
    feeds = {}
    for argument in session.get_inputs():
        dims = [extent if isinstance(extent, int) else 16 for extent in argument.shape]
        if argument.type == "tensor(float)":
            feeds[argument.name] = rng.standard_normal(dims, dtype=np.float32)
        else:
            feeds[argument.name] = rng.integers(0, 2, dims).astype(argument.type[7:-1])
    return feeds


class SessionTest(unittest.TestCase):
    def test_results_are_those_of_onnxruntime(self):
        for path in sorted(MODELS.glob("*/*.onnx")):
            with self.subTest(path.name):
                session = octet.Session(path)
                feeds = feeds_for(session)
                expected = onnxruntime.InferenceSession(str(path)).run(None, feeds)
                actual = session.run(None, feeds)
                self.assertEqual(len(actual), len(expected))
                for ours, theirs in zip(actual, expected):
                    self.assertEqual(ours.dtype, theirs.dtype)
                    scale = max(np.abs(theirs).max(), 1e-6)
                    np.testing.assert_allclose(ours / scale, theirs / scale, atol=1e-4)

    def test_arguments_read_as_onnxruntimes(self):
        ours = octet.Session(BERT)
        theirs = onnxruntime.InferenceSession(str(BERT))
        for mine, other in ((ours.get_inputs(), theirs.get_inputs()), (ours.get_outputs(), theirs.get_outputs())):
            self.assertEqual([a.name for a in mine], [a.name for a in other])
            self.assertEqual([a.type for a in mine], [a.type for a in other])
            self.assertEqual([len(a.shape) for a in mine], [len(a.shape) for a in other])

    def test_a_dict_or_the_outputs_that_are_named(self):
        session = octet.Session(MLP)
        feeds = feeds_for(session)
        by_name = session.run(feeds)
        name = session.get_outputs()[0].name
        self.assertEqual(list(by_name), [name])
        np.testing.assert_array_equal(session.run([name], feeds)[0], by_name[name])

    def test_results_outlive_the_session(self):
        session = octet.Session(MLP)
        feeds = feeds_for(session)
        result = session.run(None, feeds)[0]
        copy = result.copy()
        del session
        np.testing.assert_array_equal(result, copy)

    def test_what_speaks_dlpack_is_taken(self):
        class Foreign:
            def __init__(self, array):
                self._array = array

            def __dlpack__(self, **kwargs):
                return self._array.__dlpack__(**kwargs)

            def __dlpack_device__(self):
                return self._array.__dlpack_device__()

        session = octet.Session(MLP)
        feeds = feeds_for(session)
        foreign = {name: Foreign(array) for name, array in feeds.items()}
        np.testing.assert_array_equal(session.run(None, foreign)[0], session.run(None, feeds)[0])

    def test_a_model_may_be_bytes(self):
        session = octet.Session(MLP)
        feeds = feeds_for(session)
        in_memory = octet.Session(MLP.read_bytes())
        np.testing.assert_array_equal(in_memory.run(None, feeds)[0], session.run(None, feeds)[0])

    def test_results_speak_dlpack(self):
        session = octet.Session(MLP)
        result = session.run(None, feeds_for(session))[0]
        np.testing.assert_array_equal(np.from_dlpack(result), result)

    def test_arrays_are_not_copied(self):
        session = octet.Session(MLP)
        feeds = feeds_for(session)
        for argument in session.get_inputs():
            array = feeds[argument.name]
            raw = elements.to_raw(array, argument.kind, argument.name)[1]
            self.assertTrue(np.shares_memory(raw, array))
        self.assertFalse(session.run(None, feeds)[0].flags.owndata)

    def test_elements_below_a_byte_are_packed_the_first_lowest(self):
        for name, codes in (("int4", [-8, 7, 3]), ("uint4", [1, 15, 9]), ("int2", [-2, 1, 0, -1, 1]), ("uint2", [3, 0, 2])):
            element = elements.BY_NAME[name]
            array = np.array(codes).astype(element.dtype)
            raw = element.to_raw(array)
            per_byte = 8 // element.packed
            self.assertEqual(raw.size, -(-len(codes) // per_byte))
            mask = (1 << element.packed) - 1
            bits = sum((code & mask) << (element.packed * i) for i, code in enumerate(codes[:per_byte]))
            self.assertEqual(raw[0], bits)
            back = element.from_raw(raw, array.shape)
            self.assertEqual(back.dtype, element.dtype)
            self.assertEqual(back.astype(np.int64).tolist(), codes)

    def test_strided_arrays_are_taken(self):
        session = octet.Session(MLP)
        feeds = feeds_for(session)
        strided = {name: np.asfortranarray(array) for name, array in feeds.items()}
        np.testing.assert_array_equal(session.run(None, strided)[0], session.run(None, feeds)[0])

    def test_threads_share_a_session(self):
        session = octet.Session(MLP)
        feeds = [feeds_for(session, seed) for seed in range(4)]
        expected = [session.run(None, each)[0] for each in feeds]
        actual = [None] * 4

        def work(i):
            for _ in range(50):
                actual[i] = session.run(None, feeds[i])[0]

        threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for ours, theirs in zip(actual, expected):
            np.testing.assert_array_equal(ours, theirs)

    def test_errors_name_the_cause(self):
        session = octet.Session(MLP)
        feeds = feeds_for(session)
        name = next(iter(feeds))
        with self.assertRaisesRegex(ValueError, f"'{name}' is missing"):
            session.run({})
        with self.assertRaisesRegex(ValueError, "no input 'other'"):
            session.run({**feeds, "other": feeds[name]})
        with self.assertRaisesRegex(TypeError, f"'{name}' takes float, got float64"):
            session.run({name: feeds[name].astype(np.float64)})
        with self.assertRaisesRegex(ValueError, "no output 'other'"):
            session.run(["other"], feeds)
        with self.assertRaises(ValueError):
            session.run({name: feeds[name][:, :-1]})
        with self.assertRaisesRegex(ValueError, "none.onnx"):
            octet.Session("none.onnx")
        with self.assertRaisesRegex(ValueError, "unknown provider"):
            octet.Session(MLP, provider="none")
        with self.assertRaises(MemoryError):
            octet.Session(MLP, memory=1000)


if __name__ == "__main__":
    unittest.main()
