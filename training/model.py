"""The network in PyTorch: the same sums as `ostiary.detection.model_network`, with dropout and a loss over sets of allowed tags."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ostiary.detection.model_labels import TAGS
from ostiary.detection.model_tokens import CASINGS, GAPS, LISTED_SLOT, VECTOR_SLOT, Lexicon

UNKNOWN_WORD_SHARE = 0.12
UNLISTED_SHARE = 0.15
UNVECTORED_SHARE = 0.08


class Tagger(nn.Module):
    """width: of every layer. Word dropout makes an unknown word of a known one, and takes words off the list, so that context is learnt.

    vectors (rows, dimensions): word vectors as they were given to us. They stay as they are; what is learnt is one matrix from them to the width, so a word
    that the corpora never show lies beside those that are used like it.
    """

    vectors: Tensor

    def __init__(
        self,
        lexicon: Lexicon,
        width: int,
        dilations: Sequence[int],
        dropout: float,
        vectors: Tensor,
        rank: int,
    ) -> None:
        super().__init__()
        self.dilations, self.width, self.lexicon = tuple(dilations), width, lexicon
        self.first_vector = lexicon.own_rows
        self.register_buffer("vectors", vectors, persistent=False)
        self.turned = nn.Linear(vectors.shape[1], width, bias=False)
        nn.init.normal_(self.turned.weight, std=0.5)
        self.unknown = nn.Parameter(torch.zeros(width))
        self.unlisted = lexicon.features("\x01")[LISTED_SLOT]
        self.embedding = nn.EmbeddingBag(lexicon.own_rows, width, mode="sum", sparse=True)
        nn.init.normal_(self.embedding.weight, std=0.3)
        self.context = nn.Embedding(GAPS * CASINGS, width)
        nn.init.normal_(self.context.weight, std=0.3)
        self.norm = nn.LayerNorm(width)
        self.layers = nn.ModuleList(
            nn.Conv1d(width, rank, 3, padding=dilation, dilation=dilation, bias=False)
            for dilation in dilations
        )
        self.mixes = nn.ModuleList(nn.Conv1d(rank, 2 * width, 1) for _ in dilations)
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(width, TAGS)

    def forward(self, types: Tensor, places: Tensor, settings: Tensor, mask: Tensor) -> Tensor:
        """types (words, SLOTS): features of the batch's different words; places (batch, steps): which of them; mask (batch, steps): 1 where a token is.

        Returns logits (batch, steps, TAGS).
        """
        if self.training:
            types = types.clone()
            types[torch.rand(len(types)) < UNKNOWN_WORD_SHARE, 0] = 0
            types[torch.rand(len(types)) < UNLISTED_SHARE, LISTED_SLOT] = self.unlisted
            types[torch.rand(len(types)) < UNVECTORED_SHARE, VECTOR_SLOT] = self.first_vector
        words = self.embedding(types[:, :VECTOR_SLOT]) + self.vectored(
            types[:, VECTOR_SLOT] - self.first_vector
        )
        x = self.norm(words[places] + self.context(settings)) * mask[..., None]
        x = self.dropout(x).transpose(1, 2)
        spread = mask[:, None, :]
        for layer, mix in zip(self.layers, self.mixes, strict=True):
            value, gate = mix(layer(x)).chunk(2, dim=1)
            x = x + self.dropout(value * torch.sigmoid(gate)) * spread
        logits: Tensor = self.output(x.transpose(1, 2))
        return logits

    def vectored(self, rows: Tensor) -> Tensor:
        """(rows,) to (rows, width): what the word vectors say; the first row is for words without."""
        turned: Tensor = self.turned(self.vectors[rows]) + (rows == 0)[:, None] * self.unknown
        return turned

    def weights(self) -> dict[str, NDArray[np.float32]]:
        """As `model_network.Network` wants them."""
        found = {
            "embedding": torch.cat([self.embedding.weight, self.vectored(torch.arange(len(self.vectors)))]),
            "context": self.context.weight,
            "gain": self.norm.weight,
            "shift": self.norm.bias,
            "output": self.output.weight.t(),
            "output_bias": self.output.bias,
        }
        for number, (layer, mix) in enumerate(zip(self.layers, self.mixes, strict=True)):
            found[f"kernel{number}"] = layer.weight.permute(2, 1, 0)
            found[f"mix{number}"] = mix.weight[:, :, 0].t()
            found[f"bias{number}"] = mix.bias
        return {name: np.ascontiguousarray(value.detach().numpy()) for name, value in found.items()}


_TAG_BITS = torch.arange(TAGS)


def loss(logits: Tensor, allowed: Tensor, mask: Tensor) -> Tensor:
    """Minus the log of the probability of the allowed tags together, mean over tokens. allowed (batch, steps): bit masks."""
    right = (allowed[..., None] >> _TAG_BITS) & 1
    inside = logits.masked_fill(right == 0, -1e4).logsumexp(-1)
    each: Tensor = (logits.logsumexp(-1) - inside) * mask
    return each.sum() / mask.sum()
