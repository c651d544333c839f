"""Each runtime's best int8 files of a model, made once and kept."""

import pathlib
import shutil
import subprocess

import bundled
import onnxruntime_forms
import rows

# Table columns: (title, runtime that runs it, file that it runs).
COLUMNS = (
    ("ORT fp32", "onnxruntime", "fp32"),
    ("OpenVINO fp32", "openvino", "fp32"),
    ("ORT dynamic", "onnxruntime", "ort_dynamic"),
    ("ORT static", "onnxruntime", "ort_static"),
    ("OpenVINO, ORT's QDQ", "openvino", "ort_static"),
    ("OpenVINO, NNCF", "openvino", "nncf"),
    ("octet fp32", "octet", "fp32"),
    ("octet dynamic", "octet", "octet_dynamic"),
    ("octet static", "octet", "octet_static"),
)
CALIBRATION = 8  # Samples.
# Where NNCF fuses what such models need kept apart.
TRANSFORMERS = ("bert", "distilbert", "conformer")


def by_onnxruntime(form: str):
    def make(arguments, description, source, folder, arrays):
        del arguments, description
        samples = [bundled.Sample(inputs, None) for inputs in arrays]
        return onnxruntime_forms.make(form, source, {}, samples, folder)

    return make


def by_nncf(arguments, description, source, folder, arrays):
    del arguments
    import nncf  # Takes seconds, and only this needs it.
    import openvino

    model = openvino.Core().read_model(source)
    transformer = any(word in description["name"] for word in TRANSFORMERS)
    kind = nncf.ModelType.TRANSFORMER if transformer else None
    quantized = nncf.quantize(model, nncf.Dataset(arrays), model_type=kind, subset_size=CALIBRATION)
    openvino.save_model(quantized, folder / "nncf.xml", compress_to_fp16=False)
    return folder / "nncf.xml"


def by_octet(mode: str):
    def make(arguments, description, source, folder, arrays):
        target = folder / f"octet.{mode}.onnx"
        command = [arguments.octet, "quantize", source, "-o", target, "--mode", mode]
        if mode == "static":
            command += ["--calibration", rows.write_samples(folder / "samples", arrays)]
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(done.stderr.strip().splitlines()[-1])
        return target

    return make


MAKERS = {
    "ort_dynamic": by_onnxruntime("dynamic"),
    "ort_static": by_onnxruntime("static"),
    "nncf": by_nncf,
    "octet_dynamic": by_octet("dynamic"),
    "octet_static": by_octet("static"),
}


def make_all(arguments, description: dict) -> dict:
    """Paths by file name of COLUMNS; an exception in place of what a tool can't make."""
    source = (arguments.zoo / description["model"]).resolve()
    arrays = rows.samples(description, CALIBRATION)
    paths = {"fp32": source}
    for name, make in MAKERS.items():
        folder = (arguments.work / description["name"] / name).resolve()
        mark = folder / "path"
        if arguments.remake and folder.exists() and "octet" in name:
            shutil.rmtree(folder)
        if mark.exists():
            paths[name] = pathlib.Path(mark.read_text())
            continue
        folder.mkdir(parents=True, exist_ok=True)
        try:
            paths[name] = make(arguments, description, source, folder, arrays)
            mark.write_text(str(paths[name]))
        except Exception as failure:  # Tools raise anything; the table shows a dash.
            paths[name] = failure
    return paths
