"""The hybrid CTC/attention recognisers, their language models, and the translator with two decoders."""
import torch
from torch import nn

from attention_decoders import Bridge, LstmDecoder, LstmLanguageModel, TransformerDecoder
from hybrid_encoders import ConformerEncoder, CtcHead, LstmEncoder
from speech_nets import Normalise


class Recogniser(nn.Module):
    """features [B, T, F] as the front end gives them; normalised before the encoder."""

    def __init__(self, encoder, decoder_of, tokens, mels):
        super().__init__()
        self.normalise = Normalise(mels)
        self.encoder = encoder
        self.ctc = CtcHead(encoder.width, tokens)
        self.decoder = decoder_of(tokens, encoder.width)

    def train(self, mode=True):
        """Batch norms keep their first statistics: a padded batch's are not those of its rows."""
        super().train(mode)
        for module in self.modules():
            if isinstance(module, nn.BatchNorm1d):
                module.eval()
        return self


def conformer(tokens, mels=40, dropout=0.1):
    return Recogniser(ConformerEncoder(mels, dropout=dropout),
                      lambda v, width: TransformerDecoder(v, dim=width, sources=(width,), dropout=dropout),
                      tokens, mels)


def lstm(tokens, mels=40, dropout=0.1):
    return Recogniser(LstmEncoder(mels, dropout=dropout),
                      lambda v, width: LstmDecoder(v, width, dropout=dropout), tokens, mels)


class Translator(nn.Module):
    """A trained recogniser, a bridge from its decoder's hidden rows, and a decoder that attends to speech
    and to the bridge (Dalmia et al. 2021)."""

    def __init__(self, recogniser, bridge, decoder):
        super().__init__()
        self.recogniser = recogniser
        self.bridge = bridge
        self.decoder = decoder


def translator(recogniser, tokens, dropout=0.1):
    width = recogniser.encoder.width
    return Translator(recogniser, Bridge(width, dropout=dropout),
                      TransformerDecoder(tokens, dim=width, sources=(width, width), dropout=dropout))


RECOGNISERS = {"conformer": conformer, "lstm": lstm}
LANGUAGE_MODELS = {"conformer": TransformerDecoder, "lstm": LstmLanguageModel}


@torch.no_grad()
def greedy(decoder, sources, lengths, start, longest):
    """Best token by token, rows of a batch side by side -> lists of tokens, without start and end."""
    rows = sources[0].shape[0]
    memory = decoder.memory(*sources)
    states = decoder.initial()
    tokens, parents = torch.full((rows,), start), torch.zeros(rows, dtype=torch.int64)
    out, done = [], torch.zeros(rows, dtype=torch.bool)
    for _ in range(longest):
        scores, _, states = decoder.step(tokens, parents, memory, lengths, states)
        tokens = scores.argmax(1)
        done |= tokens == start
        if done.all():
            break
        out.append(torch.where(done, torch.full_like(tokens, start), tokens))
        parents = torch.arange(rows)
    table = torch.stack(out, 1).tolist() if out else [[] for _ in range(rows)]
    return [row[:row.index(start)] if start in row else row for row in table]
