#pragma once

#include "engine/quant/candidates.h"

namespace octet::quant {

/// The nodes that stay in float because integers don't make them faster. Compares the float model's
/// profile with that of the candidate that is quantized throughout. A node's time is its step's,
/// plus those of conversions (layout, codes) of values that it reads or, where no such node reads
/// them, makes. Nodes whose quantized time is more than 1.1 times their float time, and longer by
/// more than 2% of the float model's run, become float; only the half with the larger losses where
/// the whole run isn't 1% faster for it (a float node within an integer chain costs conversions
/// that it hadn't before), and so on. Then the same again from the new candidate, three times at
/// most. At last, nodes of which integers save less than a tenth of their time, and that read less
/// than 1% of the weights, become float where the whole run isn't 1% slower for it: their rounding
/// would buy neither time nor size. The two products of an attention, which are one step with the
/// Softmax between them, are judged as one. Runs shorter than 0.02 ms aren't judged, nor are
/// embeddings: they are codes for their size.
Result<Floats> slower_nodes(const Candidates& candidates, const Measurements& measurements);

/// Profiles the float model and a candidate, and notes in its report how long a run takes, and each
/// node that is a step of its own in both; of an attention at its second product.
Status note_times(const Candidates& candidates, const Measurements& measurements,
                  Candidate& candidate);

}  // namespace octet::quant
