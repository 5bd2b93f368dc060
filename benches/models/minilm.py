"""The peers of `cargo bench -p klieg-encoders --bench minilm`: reads a line `PEER ROUNDS` and answers with seconds a batch, as JSON.

Runs all-MiniLM-L6-v2 on the same 32 × 128 tokens through ONNX Runtime (exported from PyTorch here, all graph optimisations), PyTorch
and sentence-transformers' own encode (of texts of that length, without tokenizing counted)."""

import json
import os
import sys
import time
from pathlib import Path

THREADS = int(sys.argv[2])
os.environ["OMP_NUM_THREADS"] = str(THREADS)
import numpy as np
import onnxruntime
import torch
from transformers import BertModel

BATCH, LENGTH, VOCABULARY = 32, 128, 30522


def tokens():
    """The same as the bench's own."""
    i = np.arange(BATCH * LENGTH, dtype=np.uint64)
    ids = (i * np.uint64(2654435761) % np.uint64(VOCABULARY - 1000) + np.uint64(1000)).astype(np.int64).reshape(BATCH, LENGTH)
    ids[:, 0], ids[:, -1] = 101, 102
    return ids


class States(torch.nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, ids, mask):
        return self.model(input_ids=ids, attention_mask=mask).last_hidden_state


def main():
    folder = sys.argv[1]
    torch.set_num_threads(THREADS)
    model = BertModel.from_pretrained(folder, add_pooling_layer=False).eval()
    ids, mask = tokens(), np.ones((BATCH, LENGTH), dtype=np.int64)
    path = Path(sys.argv[3]) / "minilm.onnx"
    both = (torch.tensor(ids), torch.tensor(mask))
    eager = BertModel.from_pretrained(folder, add_pooling_layer=False, attn_implementation="eager").eval()
    with torch.no_grad():
        torch.onnx.export(States(eager), both, str(path), input_names=["ids", "mask"], output_names=["states"], dynamo=False, opset_version=17)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def onnx():
        return session.run(None, {"ids": ids, "mask": mask})[0]

    def pytorch():
        with torch.inference_mode():
            return model(input_ids=both[0], attention_mask=both[1]).last_hidden_state.numpy()

    peers = {"onnxruntime": onnx, "pytorch": pytorch}
    versions = {"onnxruntime": onnxruntime.__version__, "torch": torch.__version__}
    # Mean vectors of the first sequences, so that the bench sees that both compute the same.
    vectors = onnx().mean(axis=1)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    print(json.dumps({"versions": versions, "vectors": vectors[:4].tolist()}), flush=True)
    for line in sys.stdin:
        name, rounds = line.split()
        seconds = []
        for _ in range(int(rounds)):
            begin = time.perf_counter()
            peers[name]()
            seconds.append(time.perf_counter() - begin)
        print(json.dumps(seconds), flush=True)


main()
