"""The text classifier and the language model."""

import torch
import transformers
from torch import nn

LONGEST = 32  # pieces of a command, [CLS] and [SEP] included


class CommandClassifier(nn.Module):
    """A small BERT with a pooled head.

    input_ids, attention_mask and token_type_ids (B, T) int64, T <= LONGEST -> logits (B, labels).
    """

    def __init__(self, pieces: int, labels: int):
        super().__init__()
        config = transformers.BertConfig(
            vocab_size=pieces,
            hidden_size=160,
            num_hidden_layers=2,
            num_attention_heads=5,
            intermediate_size=640,
            max_position_embeddings=LONGEST,
            num_labels=labels,
        )
        self.net = transformers.BertForSequenceClassification(config)

    def forward(self, input_ids, attention_mask, token_type_ids):
        return self.net(
            input_ids=input_ids,
            attention_mask=attention_mask,
            token_type_ids=token_type_ids,
            return_dict=False,
        )[0]


class StoryModel(nn.Module):
    """Two LSTM layers between an embedding and an output layer.

    tokens (B, T) int64, h and c (layers, B, width) -> logits (B, T, words), new h and c.
    """

    LAYERS, WIDTH = 2, 160

    def __init__(self, words: int, dropout: float = 0.1):
        super().__init__()
        self.embedding = nn.Embedding(words, self.WIDTH)
        self.recurrent = nn.LSTM(self.WIDTH, self.WIDTH, self.LAYERS, dropout=dropout, batch_first=True)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(self.WIDTH, words)

    def states(self, batch: int):
        zeros = torch.zeros(self.LAYERS, batch, self.WIDTH)
        return zeros, zeros.clone()

    def forward(self, tokens, h, c):
        x, (h, c) = self.recurrent(self.embedding(tokens), (h, c))
        return self.head(self.dropout(x)), h, c
