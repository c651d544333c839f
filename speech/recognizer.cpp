#include "speech/recognizer.h"

#include <algorithm>
#include <numeric>

#include "speech/ctc.h"
#include "speech/decode.h"
#include "speech/encode.h"

namespace octet::speech {
namespace {

using Names = std::vector<std::string_view>;

// Shapes that a session remembers: lengths of utterances,
constexpr size_t kBindings = 32;
// and of hypotheses besides.
constexpr size_t kStepBindings = 192;

struct PartRow {
  Part part;
  std::string Bundle::*path;
  std::string TranslationBundle::*translation_path;
  Names inputs;  // Empty: the stepper or the decoder looks at them.
  Names outputs;
  bool steps = false;  // Token by token, with a state.
};

const std::vector<PartRow>& part_rows() {
  static const std::vector<PartRow> rows = {
      {Part::features,
       &Bundle::features,
       nullptr,
       {"waveform", "lengths"},
       {"features", "feature_lengths"}},
      {Part::encoder,
       &Bundle::encoder,
       nullptr,
       {"features", "lengths"},
       {"encoded", "encoded_lengths"}},
      {Part::ctc, &Bundle::ctc, nullptr, {"encoded"}, {"log_probs"}},
      {Part::memory, &Bundle::memory, nullptr, {"encoded"}, {"memory.0"}},
      {Part::decoder, &Bundle::decoder, nullptr, {}, {"log_probs"}, true},
      {Part::lm, &Bundle::lm, nullptr, {}, {"log_probs"}, true},
      {Part::bridge,
       nullptr,
       &TranslationBundle::bridge,
       {"hidden", "lengths"},
       {"encoded", "encoded_lengths"}},
      {Part::translation_memory,
       nullptr,
       &TranslationBundle::memory,
       {"encoded", "bridged"},
       {"memory.0"}},
      {Part::translation_decoder, nullptr, &TranslationBundle::decoder, {}, {"log_probs"}, true},
  };
  return rows;
}

// Contexts of a decoder: what a memory graph made, and how long the rows are.
std::vector<Context> contexts_of(const Graph& memory, const Results& results) {
  std::vector<Context> contexts;
  for (size_t i = 0; i < results.size(); ++i) {
    const octet_tensor t = results[i];
    contexts.push_back(
        {memory.outputs()[i].name, TensorRef(t.dtype, t.data, t.bytes, results.dims(i))});
  }
  return contexts;
}

TensorRef lengths_ref(const std::vector<int64_t>& lengths) {
  return {lengths, {static_cast<int64_t>(lengths.size())}};
}

}  // namespace

struct Recognizer::Encoded {
  EncodedBatch batch;
  std::vector<Decoded> decoded;  // Of the source language.
  std::vector<Recognition> results;
};

Graph* Recognizer::graph(Part part) { return graphs_[static_cast<size_t>(part)].get(); }

Expected<Recognizer> Recognizer::load(const std::string& folder, const Options& options) {
  auto bundle = read_bundle(folder);
  if (!bundle) return bundle.failure();
  Recognizer recognizer(std::move(*bundle));
  if (auto failure = recognizer.load_graphs(options)) return *failure;
  return recognizer;
}

Outcome Recognizer::load_graphs(const Options& options) {
  graphs_.resize(kParts);
  steppers_.resize(kParts);
  for (const PartRow& row : part_rows()) {
    if (row.path == nullptr && !bundle_.translation) continue;
    const std::string& path =
        row.path != nullptr ? bundle_.*row.path : (*bundle_.translation).*row.translation_path;
    if (path.empty()) continue;
    Options own = options;
    own.bindings = row.steps ? kStepBindings : kBindings;
    auto loaded = Graph::load(row.part, path, own);
    if (!loaded) return loaded.failure();
    if (!row.inputs.empty() && !(row.part == Part::encoder && bundle_.streaming))
      if (auto failure = loaded->require(row.inputs, row.outputs)) return failure;
    graphs_[static_cast<size_t>(row.part)] = std::make_unique<Graph>(std::move(*loaded));
  }
  const auto& dims = graph(Part::ctc)->outputs()[*graph(Part::ctc)->output("log_probs")].dims;
  if (dims.size() != 3 || dims[2] != static_cast<int64_t>(bundle_.tokens.size()))
    return graph(Part::ctc)->failed("'log_probs' isn't [B, S, " +
                                    std::to_string(bundle_.tokens.size()) +
                                    "]: one for each token");
  return std::nullopt;
}

Expected<Stepper*> Recognizer::stepper(Part part, size_t vocabulary) {
  auto& stepper = steppers_[static_cast<size_t>(part)];
  if (!stepper) {
    auto made = Stepper::of(*graph(part), vocabulary);
    if (!made) return made.failure();
    stepper.emplace(std::move(*made));
  }
  return &*stepper;
}

RecognizerSettings Recognizer::settings() const {
  RecognizerSettings settings;
  settings.search = bundle_.search;
  if (bundle_.lm.empty()) settings.search.lm_weight = 0;
  if (bundle_.decoder.empty()) settings.search.ctc_weight = 1;
  if (bundle_.translation) settings.translation = bundle_.translation->search;
  return settings;
}

Outcome Recognizer::check(const RecognizerSettings& settings) const {
  const auto wrong = [](const char* what) { return Failure{OCTET_INVALID_ARGUMENT, what}; };
  const SearchSettings& search = settings.search;
  if (search.beam == 0 || search.best == 0) return wrong("the beam is 0");
  if (!(search.ctc_weight >= 0 && search.ctc_weight <= 1))
    return wrong("the CTC weight isn't from 0 to 1");
  if (bundle_.decoder.empty() && search.ctc_weight < 1)
    return wrong("the bundle has no decoder: its CTC weight is 1");
  if (bundle_.lm.empty() && search.lm_weight != 0)
    return wrong("the bundle has no language model: its weight is 0");
  if (bundle_.translation && settings.translate &&
      (settings.method != Method::beam || search.ctc_weight == 1))
    return wrong("translation needs what the decoder makes: beam search, a CTC weight below 1");
  return std::nullopt;
}

Expected<std::vector<Recognition>> Recognizer::run(std::span<const std::vector<float>> utterances,
                                                   const RecognizerSettings& settings,
                                                   Monitor& monitor) {
  if (auto failure = check(settings)) return *failure;
  if (utterances.empty()) return std::vector<Recognition>();
  auto encoded = encode(utterances, monitor);
  if (!encoded) return encoded.failure();
  if (encoded->batch.frames() > 0) {
    if (auto failure = search(*encoded, settings, monitor)) return *failure;
    if (bundle_.translation && settings.translate)
      if (auto failure = translate(*encoded, settings, monitor)) return *failure;
  }
  return std::move(encoded->results);
}

Expected<Recognizer::Encoded> Recognizer::encode(std::span<const std::vector<float>> utterances,
                                                 Monitor& monitor) {
  const EncoderGraphs graphs{
      *graph(Part::features), *graph(Part::encoder), *graph(Part::ctc), bundle_.tokens.size(),
      bundle_.sample_rate,    bundle_.streaming,     waveform_};
  auto batch = encode_batch(graphs, utterances, monitor);
  if (!batch) return batch.failure();
  Encoded encoded{std::move(*batch), {}, {}};
  for (size_t i = 0; i < utterances.size(); ++i) {
    Recognition& result = encoded.results.emplace_back();
    result.best.emplace_back();
    if (bundle_.translation) result.translation.emplace_back();
    result.feature_frames = encoded.batch.feature_lengths[i];
    result.encoder_frames = encoded.batch.lengths[i];
  }
  return encoded;
}

Outcome Recognizer::search(Encoded& encoded, const RecognizerSettings& settings, Monitor& monitor) {
  const EncodedBatch& batch = encoded.batch;
  const size_t vocabulary = bundle_.tokens.size();
  const SearchSettings& how = settings.search;
  const auto name = [&](Hypothesis& hypothesis) {
    hypothesis.text = bundle_.tokens.text(hypothesis.tokens);
  };
  if (settings.method != Method::beam) {
    for (size_t i = 0; i < batch.size(); ++i) {
      encoded.results[i].best =
          ctc_hypotheses(batch.log_probs(i), vocabulary, bundle_.blank,
                         settings.method == Method::greedy ? 0 : how.beam, how.best);
      for (Hypothesis& hypothesis : encoded.results[i].best) name(hypothesis);
    }
    return std::nullopt;
  }
  std::vector<std::unique_ptr<CtcPrefix>> prefixes(batch.size());
  std::vector<BeamSearch> searches;
  for (size_t i = 0; i < batch.size(); ++i) {
    if (how.ctc_weight > 0 && batch.lengths[i] > 0)
      prefixes[i] = std::make_unique<CtcPrefix>(batch.log_probs(i), vocabulary, bundle_.blank);
    searches.emplace_back(how, BeamSearch::Special{bundle_.start, bundle_.end, bundle_.blank},
                          vocabulary, prefixes[i].get(), max_tokens(how, batch.lengths[i]));
  }
  StepGraphs graphs{nullptr, nullptr, vocabulary, {}};
  if (how.lm_weight != 0) {
    auto lm = stepper(Part::lm, vocabulary);
    if (!lm) return lm.failure();
    graphs.lm = *lm;
  }
  std::optional<Results> memory;
  std::vector<Context> contexts;
  if (how.ctc_weight < 1) {
    auto decoder = stepper(Part::decoder, vocabulary);
    if (!decoder) return decoder.failure();
    graphs.decoder = *decoder;
    auto made = run_named(*graph(Part::memory), {{"encoded", batch.encoded()}}, monitor);
    if (!made) return made.failure();
    memory.emplace(std::move(*made));
    contexts = contexts_of(*graph(Part::memory), *memory);
    contexts.push_back({"memory_lengths", lengths_ref(batch.lengths)});
    graphs.contexts = contexts;
  }
  auto decoded = decode(graphs, std::move(searches), how, monitor);
  if (!decoded) return decoded.failure();
  for (size_t i = 0; i < batch.size(); ++i) {
    encoded.results[i].best.clear();
    for (const auto& ended : (*decoded)[i].best) {
      name(encoded.results[i].best.emplace_back(ended.hypothesis));
    }
  }
  encoded.decoded = std::move(*decoded);
  return std::nullopt;
}

Outcome Recognizer::translate(Encoded& encoded, const RecognizerSettings& settings,
                              Monitor& monitor) {
  // Hidden rows, padded with zeros to the longest.
  const size_t count = encoded.decoded.size();
  const size_t width = encoded.decoded[0].hidden_width;
  if (width == 0) return graph(Part::decoder)->failed("has no output 'hidden'");
  std::vector<int64_t> lengths;
  for (const Decoded& each : encoded.decoded)
    lengths.push_back(static_cast<int64_t>(each.hidden.size() / width));
  // Fewer lengths, fewer shapes.
  const int64_t longest = (*std::max_element(lengths.begin(), lengths.end()) + 7) / 8 * 8;
  std::vector<float> hidden(count * static_cast<size_t>(longest) * width, 0.0F);
  for (size_t i = 0; i < count; ++i)
    std::copy(
        encoded.decoded[i].hidden.begin(), encoded.decoded[i].hidden.end(),
        hidden.begin() + static_cast<std::ptrdiff_t>(i * static_cast<size_t>(longest) * width));
  auto bridged = run_named(
      *graph(Part::bridge),
      {{"hidden", {hidden, {static_cast<int64_t>(count), longest, static_cast<int64_t>(width)}}},
       {"lengths", lengths_ref(lengths)}},
      monitor);
  if (!bridged) return bridged.failure();
  auto decoded = search_translation(encoded, *bridged, settings.translation, monitor);
  if (!decoded) return decoded.failure();
  for (size_t i = 0; i < count; ++i) {
    auto& translation = encoded.results[i].translation;
    translation.clear();
    for (const auto& ended : (*decoded)[i].best) {
      translation.push_back(ended.hypothesis);
      translation.back().text = bundle_.translation->tokens.text(ended.hypothesis.tokens);
    }
  }
  return std::nullopt;
}

Expected<std::vector<Decoded>> Recognizer::search_translation(Encoded& encoded,
                                                              const Results& bridged,
                                                              const SearchSettings& settings,
                                                              Monitor& monitor) {
  const EncodedBatch& batch = encoded.batch;
  const Graph& bridge = *graph(Part::bridge);
  const size_t rows_at = *bridge.output("encoded");
  const size_t lengths_at = *bridge.output("encoded_lengths");
  const octet_tensor rows = bridged[rows_at];
  auto memory = run_named(*graph(Part::translation_memory),
                          {{"encoded", batch.encoded()},
                           {"bridged", {rows.dtype, rows.data, rows.bytes, bridged.dims(rows_at)}}},
                          monitor);
  if (!memory) return memory.failure();
  std::vector<Context> contexts = contexts_of(*graph(Part::translation_memory), *memory);
  const std::vector<int64_t> bridged_lengths(bridged.values<int64_t>(lengths_at).begin(),
                                             bridged.values<int64_t>(lengths_at).end());
  contexts.push_back({"memory_lengths", lengths_ref(batch.lengths)});
  contexts.push_back({"bridged_lengths", lengths_ref(bridged_lengths)});
  const TranslationBundle& how = *bundle_.translation;
  std::vector<BeamSearch> searches;
  for (size_t i = 0; i < batch.size(); ++i)
    searches.emplace_back(settings, BeamSearch::Special{how.start, how.end, std::nullopt},
                          how.tokens.size(), nullptr, max_tokens(settings, batch.lengths[i]));
  auto decoder = stepper(Part::translation_decoder, how.tokens.size());
  if (!decoder) return decoder.failure();
  const StepGraphs graphs{*decoder, nullptr, how.tokens.size(), contexts};
  return decode(graphs, std::move(searches), settings, monitor);
}

}  // namespace octet::speech
