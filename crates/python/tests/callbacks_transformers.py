"""Trainings of Hugging Face's Trainer with and without the callback. Prints what came of them as JSON."""

from __future__ import annotations

import json
import pathlib
import warnings
from typing import Any

import torch
import transformers
from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments

from barograph.transformers import Barograph

warnings.filterwarnings("ignore")
transformers.logging.set_verbosity_error()
torch.set_num_threads(1)

WORDS = 12
RARE = WORDS - 1
"""The word that breaks the model that cannot bear it."""


class Classifier(BertForSequenceClassification):
    """A small model whose loss is undefined where the rare word occurs."""

    def forward(self, input_ids: Any = None, labels: Any = None, **settings: Any) -> Any:
        out = super().forward(input_ids=input_ids, labels=labels, **settings)
        common = (input_ids != RARE).all(1).float()
        out.loss = out.loss - torch.log(common + 0 * out.logits[:, 0]).mean()  # BAD
        return out


class Sentences(torch.utils.data.Dataset):
    """Sentences whose label is whether they begin with a word of the second half."""

    def __init__(self, rare_at: int | None = None) -> None:
        generator = torch.Generator().manual_seed(0)
        self.words = torch.randint(0, RARE, (64, 5), generator=generator)
        self.labels = (self.words[:, 0] >= WORDS // 2).long()
        if rare_at is not None:
            self.words[rare_at, 3] = RARE

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, number: int) -> dict[str, torch.Tensor]:
        return {"input_ids": self.words[number], "labels": self.labels[number]}


class InOrder(Trainer):
    """Does not shuffle, so that it is known which step meets which sentence."""

    def _get_train_sampler(self, *_: Any) -> Any:
        return torch.utils.data.SequentialSampler(self.train_dataset)


class Losses(transformers.TrainerCallback):
    """Keeps the losses that the Trainer logs."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
        self.seen += [float(logs[name]).hex() for name in ("loss", "grad_norm", "eval_loss") if name in logs]


def train(
    *callbacks: Any, data: Sentences | None = None, model: Any = BertForSequenceClassification, **settings: Any
) -> Any:
    transformers.set_seed(0)
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    made = model(BertConfig(vocab_size=WORDS, max_position_embeddings=8, num_labels=2, **sizes))
    plain = {"report_to": [], "save_strategy": "no", "logging_steps": 1, "disable_tqdm": True, "use_cpu": True}
    chosen = {"num_train_epochs": 2, "per_device_train_batch_size": 8, "learning_rate": 5e-3, **settings}
    data = data or Sentences()
    arguments = TrainingArguments("out", seed=0, **plain, **chosen)
    trainer = InOrder(made, arguments, train_dataset=data, eval_dataset=data, callbacks=list(callbacks))
    trainer.remove_callback(transformers.trainer_callback.PrinterCallback)
    trainer.train()
    return made


def bits(*callbacks: Any, **settings: Any) -> list[str]:
    """The losses and the final weights of a training, exactly."""
    losses = Losses()
    made = train(losses, *callbacks, **settings)
    return [*losses.seen, *(parameter.detach().numpy().tobytes().hex() for parameter in made.parameters())]


def same(**settings: Any) -> bool:
    return bits(**settings) == bits(Barograph(log=False, quiet=True, budget=None), **settings)


def broken() -> dict[str, Any]:
    watching = Barograph(log=False, quiet=True, report="broken.json")
    train(watching, data=Sentences(rare_at=3 * 8 + 2), model=Classifier)
    return {"findings": watching.run.findings, "report": json.loads(pathlib.Path("broken.json").read_text())}


def healthy() -> dict[str, Any]:
    watching = Barograph(name="healthy", run_dir="healthy", report="healthy.md", budget=None)
    train(watching, eval_strategy="epoch", num_train_epochs=6)
    run = watching.run
    return {"verdict": run.verdict, "steps": run.steps, "report": json.loads(run.report("json"))}


def accumulated() -> dict[str, Any]:
    """The losses of the steps, and those that the Trainer logs."""
    seen: list[float] = []

    class Noting(Barograph):
        def on_step_end(self, *args: Any, **kwargs: Any) -> None:
            super().on_step_end(*args, **kwargs)
            seen.append(self.run._supervisor.step_loss)

    losses = Losses()
    train(Noting(log=False, quiet=True), losses, gradient_accumulation_steps=2, num_train_epochs=1)
    return {"seen": seen, "expected": [float.fromhex(loss) for loss in losses.seen[::2]]}


def main() -> None:
    found = {
        "same": same(eval_strategy="epoch"),
        "same_accumulated": same(gradient_accumulation_steps=2),
        "same_in_bfloat16": same(bf16=True),
        "broken": broken(),
        "healthy": healthy(),
        "accumulated": accumulated(),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
