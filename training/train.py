"""Trains the network and writes checkpoints; what was interrupted goes on from the last one.

`python -m training.train --out run/ --tokens 300` trains on 300 million tokens; `--minutes` stops earlier and leaves a checkpoint to go on from. The rate
of learning depends on the tokens seen alone, so a run in three pieces is the run in one. What was trained is exported by `training.export`.
"""

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch

from ostiary.detection.model_network import Network, packed, unpacked
from ostiary.detection.model_tokens import Lexicon
from training import lexicon as lexicons
from training import measure, packaged, shards, vectors
from training.data import held_out_people
from training.model import Tagger, loss

MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Settings:
    """tokens_millions: the whole run's; generated: documents of our own a round; rates: of Adam at their highest."""

    width: int = 96
    dilations: tuple[int, ...] = (1, 2, 4, 1)
    rank: int = 128
    dropout: float = 0.1
    tokens_millions: float = 300.0
    batch_tokens: int = 4096
    generated: int = 60_000
    rate: float = 0.002
    table_rate: float = 0.003
    seed: int = 20261122
    weights: str = ""
    """SHA-256 of the packaged weights that it went on from."""


DEFAULTS = Settings()


@dataclass(slots=True)
class Run:
    """One training run: where it stands and what it needs to go on."""

    settings: Settings
    lexicon: Lexicon
    tagger: Tagger
    dense: torch.optim.AdamW
    sparse: torch.optim.SparseAdam
    round: int = 0
    step: int = 0
    tokens: int = 0

    def network(self) -> Network:
        """As it would run, int8 and all."""
        return unpacked(packed(self.tagger.weights(), self.lexicon, self.settings.dilations))


def begun(settings: Settings) -> Run:
    torch.manual_seed(settings.seed)
    lexicon = lexicons.build(settings.seed)
    return _run(settings, lexicon)


def continued(settings: Settings, weights: Path) -> Run:
    """From the packaged weights; width and dilations are theirs."""
    torch.manual_seed(settings.seed)
    tagger, digest = packaged.read(weights, settings.dropout, settings.rank)
    settings = replace(settings, width=tagger.width, dilations=tagger.dilations, weights=digest)
    return _run(settings, tagger.lexicon, tagger)


def _run(settings: Settings, lexicon: Lexicon, tagger: Tagger | None = None) -> Run:
    tagger = tagger or Tagger(
        lexicon, settings.width, settings.dilations, settings.dropout, torch.from_numpy(vectors.read()[1]), settings.rank,
    )  # fmt: skip
    others = [value for name, value in tagger.named_parameters() if name != "embedding.weight"]
    dense = torch.optim.AdamW(others, lr=settings.rate, weight_decay=0.01, betas=(0.9, 0.98))
    sparse = torch.optim.SparseAdam([tagger.embedding.weight], lr=settings.table_rate, betas=(0.9, 0.98))
    return Run(settings, lexicon, tagger, dense, sparse)


def save(run: Run, folder: Path) -> None:
    """Written beside and moved into place, so that an interruption leaves the last one whole."""
    folder.mkdir(parents=True, exist_ok=True)
    state = {
        "settings": asdict(run.settings),
        "vocabulary": dict(run.lexicon.vocabulary),
        "listed": dict(run.lexicon.listed),
        "tagger": run.tagger.state_dict(),
        "dense": run.dense.state_dict(),
        "sparse": run.sparse.state_dict(),
        "where": (run.round, run.step, run.tokens),
    }
    torch.save(state, folder / "checkpoint.new")
    (folder / "checkpoint.new").replace(folder / "checkpoint.pt")


def resumed(folder: Path) -> Run:
    """The run as its last checkpoint left it; what was left of that round is not seen again."""
    state = torch.load(folder / "checkpoint.pt", weights_only=True)
    settings = Settings(**{**state["settings"], "dilations": tuple(state["settings"]["dilations"])})
    run = _run(settings, Lexicon(state["vocabulary"], state["listed"], vectors.read()[0]))
    run.tagger.load_state_dict(state["tagger"])
    run.dense.load_state_dict(state["dense"])
    run.sparse.load_state_dict(state["sparse"])
    done, run.step, run.tokens = state["where"]
    run.round = done + 1
    return run


def share_of_rate(progress: float) -> float:
    """Up over the first fiftieth of the run, then straight down to a fiftieth of the rate."""
    return min(progress * 50, 1.0) * max(1.0 - progress, 0.02)


def train(run: Run, *, stop_at: float) -> Iterator[tuple[float, int]]:
    """Yields (loss, tokens) a step, until the run's tokens are seen or the clock says so."""
    settings, avoid = run.settings, held_out_people()
    run.tagger.train()
    while run.tokens < settings.tokens_millions * MILLION:
        seed = settings.seed + run.round
        shard = shards.made(run.lexicon, seed, settings.generated, avoid)
        for batch in shards.batches(shard, settings.batch_tokens, seed):
            yield _step(run, batch)
            if time.monotonic() > stop_at or run.tokens >= settings.tokens_millions * MILLION:
                return
        run.round += 1


def _step(run: Run, batch: shards.Batch) -> tuple[float, int]:
    share = share_of_rate(run.tokens / (run.settings.tokens_millions * MILLION))
    for optimiser, rate in ((run.dense, run.settings.rate), (run.sparse, run.settings.table_rate)):
        optimiser.param_groups[0]["lr"] = rate * max(share, 0.001)
    mask = torch.from_numpy(batch.mask)
    logits = run.tagger(
        torch.from_numpy(batch.types), torch.from_numpy(batch.places), torch.from_numpy(batch.settings), mask
    )
    value = loss(logits, torch.from_numpy(batch.allowed), mask)
    run.dense.zero_grad(set_to_none=True)
    run.sparse.zero_grad(set_to_none=True)
    value.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(run.dense.param_groups[0]["params"], 1.0)
    run.dense.step()
    run.sparse.step()
    run.step += 1
    seen = int(batch.mask.sum())
    run.tokens += seen
    return float(value.detach()), seen


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=1e6, help="stop after so many, with a checkpoint")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--every", type=int, default=2000, help="steps between figures and checkpoints")
    parser.add_argument(
        "--tokens", type=float, default=DEFAULTS.tokens_millions, help="millions, of the whole run"
    )
    parser.add_argument("--width", type=int, default=DEFAULTS.width)
    parser.add_argument("--dilations", type=int, nargs="+", default=DEFAULTS.dilations)
    parser.add_argument("--dropout", type=float, default=DEFAULTS.dropout)
    parser.add_argument("--table-rate", type=float, default=DEFAULTS.table_rate)
    parser.add_argument("--generated", type=int, default=DEFAULTS.generated)
    parser.add_argument("--weights", type=Path, help="packaged weights to go on from, at a low --rate")
    parser.add_argument("--rate", type=float, default=DEFAULTS.rate)
    parser.add_argument("--rank", type=int, default=DEFAULTS.rank)
    parser.add_argument("--batch-tokens", type=int, default=DEFAULTS.batch_tokens)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    began = time.monotonic()
    if (arguments.out / "checkpoint.pt").exists():
        run = resumed(arguments.out)
    else:
        settings = Settings(
            width=arguments.width,
            dilations=tuple(arguments.dilations),
            rank=arguments.rank,
            dropout=arguments.dropout,
            rate=arguments.rate,
            table_rate=arguments.table_rate,
            tokens_millions=arguments.tokens,
            generated=arguments.generated,
            batch_tokens=arguments.batch_tokens,
        )
        run = continued(settings, arguments.weights) if arguments.weights else begun(settings)
    print(
        f"words {len(run.lexicon.vocabulary)}, listed {len(run.lexicon.listed)}, {time.monotonic() - began:.0f} s",
        flush=True,
    )
    follow(run, arguments.out, every=arguments.every, stop_at=began + arguments.minutes * 60)


def follow(run: Run, out: Path, *, every: int, stop_at: float) -> None:
    """Train, and each `every` steps print and keep the figures, and save."""
    summed = seen = 0.0
    since = time.monotonic()
    for number, (value, tokens) in enumerate(train(run, stop_at=stop_at), start=1):
        summed, seen = summed + value * tokens, seen + tokens
        if number == 1:
            since, seen, summed = time.monotonic(), 0.0, 0.0
            print(f"round made; first loss {value:.3f}", flush=True)
        elif number % max(1, every // 10) == 0:
            speed = seen / (time.monotonic() - since)
            print(
                f"step {run.step} tokens {run.tokens / MILLION:.2f} M loss {summed / seen:.4f} {speed:,.0f} tokens/s",
                flush=True,
            )
            summed, seen, since = 0.0, 0.0, time.monotonic()
        if number % every == 0:
            save(run, out)
            _report(run, out)
            since = time.monotonic()
    save(run, out)
    _report(run, out)


def _report(run: Run, out: Path) -> None:
    figures = measure.figures(run.network())
    with (out / "figures.jsonl").open("a", encoding="utf-8") as lines:
        lines.write(json.dumps({"tokens": run.tokens, "step": run.step, "figures": figures}) + "\n")
    print(measure.line(figures), flush=True)


if __name__ == "__main__":
    main()
