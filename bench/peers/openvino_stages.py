"""The networks of a model in OpenVINO, answering like stage_bench.

  openvino_stages.py MODEL float32|bfloat16 THREADS

openvino_model.py has made its files.
"""

import pathlib
import sys
import time

from protocol import serve

model, precision, threads = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]

start = time.perf_counter()
import numpy
import openvino

from openvino_model import core as make_core

core = make_core(precision, threads)


def load(name):
    compiled = core.compile_model(model / "openvino" / f"{name}.xml", "CPU")
    request = compiled.create_infer_request()
    random = numpy.random.default_rng(1)
    inputs = []
    for port in compiled.inputs:
        integers = port.element_type.is_integral()
        values = random.integers(0, 49000, port.shape) if integers else random.standard_normal(port.shape)
        inputs.append(openvino.Tensor(values.astype(port.element_type.to_dtype())))
    return lambda: request.infer(inputs, share_inputs=True, share_outputs=True)


stages = {name: load(name) for name in ("text", "unet", "decode")}
serve(time.perf_counter() - start, **stages)
