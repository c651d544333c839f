#pragma once

#include "engine/quant/candidates.h"

namespace octet::quant {

/// Looks for the candidate that keeps to the judge's bound and leaves the least work (multiply-
/// accumulates and weights) in float, besides the nodes of `base`, of which `first` was made:
///
/// 1. Where `first` keeps to the bound, that is it.
/// 2. Each node is quantized alone and the SQNR at the outputs measured. Noise of nodes adds up
///    about independently, so nodes are ranked by noise (1 / SQNR as a ratio) over work.
/// 3. The shortest prefix of that ranking that has to be float is found by bisection: ceil(log2 n)
///    judgements.
/// 4. Nodes of the prefix go back to integers, the one with the most work over noise first, where
///    the bound holds without them; at most 2 ceil(log2 n) judgements.
///
/// Fails when a measurement does, or when not even the float model keeps to the bound.
Result<Candidate> search(const Candidates& candidates, Candidate first, const Floats& base,
                         const Measurements& measurements);

}  // namespace octet::quant
