#include "cli/demo/sets.h"

#include <algorithm>
#include <fstream>

#include "cli/samples.h"

namespace octet::demo {
namespace {

using Samples = std::vector<Sample>;

// Pixels of image i, scaled to what the graph takes.
std::vector<float> pixels_of(const Bundle& bundle, const Tensor& pixels, size_t i) {
  const float scale = bundle.card["input_scale"];
  const size_t count = pixels.count() / static_cast<size_t>(pixels.dims()[0]);
  std::vector<float> values(count);
  for (size_t p = 0; p < count; ++p)
    values[p] = static_cast<float>(pixels.as<uint8_t>()[i * count + p]) * scale;
  return values;
}

Result<Samples> images(const Bundle& bundle, const cli::Arrays& arrays) {
  const Tensor& pixels = arrays.at("images");
  const auto labels = arrays.at("labels").to_int64();
  const Dims dims{1, 1, pixels.dims()[1], pixels.dims()[2]};
  Samples samples;
  for (size_t i = 0; i < labels.size(); ++i)
    samples.push_back({{{bundle.card["input"], Tensor::of(dims, pixels_of(bundle, pixels, i))}},
                       {static_cast<int32_t>(labels[i])}});
  return samples;
}

Result<Samples> images_with_noise(const Bundle& bundle, const cli::Arrays& arrays) {
  const Tensor& pixels = arrays.at("images");
  const std::string name = bundle.card["noise"];
  const auto path = bundle.folder / "eval" / (name + ".npz");
  OCTET_ASSIGN(const cli::Arrays noise_arrays, cli::read_npz(path));
  const auto noise = noise_arrays.find("noise");
  const auto count = static_cast<size_t>(pixels.dims()[0]);
  if (noise == noise_arrays.end() || noise->second.dims()[0] < pixels.dims()[0])
    return invalid_data(path.string() + ": needs a row of 'noise' for each image");
  const float scale = bundle.card["noise_scale"];
  const auto codes = noise->second.to_int64();
  const auto width = static_cast<size_t>(noise->second.dims()[1]);
  Samples samples;
  for (size_t i = 0; i < count; ++i) {
    std::vector<float> image = pixels_of(bundle, pixels, i);
    std::vector<float> row(width);
    for (size_t k = 0; k < width; ++k) row[k] = static_cast<float>(codes[i * width + k]) * scale;
    const auto points = static_cast<int64_t>(image.size());
    samples.push_back({{{"image", Tensor::of(Dims{1, points}, image)},
                        {"noise", Tensor::of(Dims{1, static_cast<int64_t>(width)}, row)}},
                       {}});
  }
  return samples;
}

Result<Samples> utterances(const Bundle& bundle, const cli::Arrays& arrays) {
  const Tensor& codes = arrays.at("features");
  const float scale = arrays.at("scale").to_float()[0];
  const float offset = arrays.at("offset").to_float()[0];
  const auto lengths = arrays.at("lengths").to_int64();
  const auto labels = arrays.at("labels").to_int64();
  const auto label_lengths = arrays.at("label_lengths").to_int64();
  const int64_t mels = codes.dims()[1];
  Samples samples;
  size_t frame = 0;
  size_t label = 0;
  for (size_t i = 0; i < lengths.size(); ++i) {
    const auto count = static_cast<size_t>(lengths[i] * mels);
    std::vector<float> values(count);
    for (size_t k = 0; k < count; ++k)
      values[k] =
          static_cast<float>(codes.as<uint8_t>()[frame * static_cast<size_t>(mels) + k]) * scale +
          offset;
    Sample sample{{{bundle.card["input"], Tensor::of(Dims{1, lengths[i], mels}, values)}}, {}};
    for (int64_t k = 0; k < label_lengths[i]; ++k)
      sample.answer.push_back(static_cast<int32_t>(labels[label++]));
    frame += static_cast<size_t>(lengths[i]);
    samples.push_back(std::move(sample));
  }
  return samples;
}

Result<Samples> texts(const Bundle&, const cli::Arrays& arrays) {
  const auto pieces = arrays.at("pieces").to_int64();
  const auto lengths = arrays.at("lengths").to_int64();
  const auto labels = arrays.at("labels").to_int64();
  const int64_t width = arrays.at("pieces").dims()[1];
  const auto count = static_cast<size_t>(width);
  Samples samples;
  for (size_t i = 0; i < labels.size(); ++i) {
    std::vector<int64_t> mask(count, 0);
    std::fill_n(mask.begin(), lengths[i], 1);
    const auto row = std::span(pieces).subspan(i * count, count);
    samples.push_back(
        {{{"input_ids", Tensor::of(Dims{1, width}, row)},
          {"attention_mask", Tensor::of(Dims{1, width}, mask)},
          {"token_type_ids", Tensor::of(Dims{1, width}, std::vector<int64_t>(count, 0))}},
         {static_cast<int32_t>(labels[i])}});
  }
  return samples;
}

// Stretches of a text; the answer is each word's successor.
Result<Samples> stretches(const Bundle& bundle, const cli::Arrays& arrays) {
  const auto words = arrays.at("words").to_int64();
  const size_t longest = bundle.card["stretch"];
  Samples samples;
  for (size_t i = 0; i + 1 < words.size(); i += longest) {
    const size_t count = std::min(longest, words.size() - 1 - i);
    const auto next = std::span(words).subspan(i + 1, count);
    samples.push_back({{{"tokens", Tensor::of(Dims{1, static_cast<int64_t>(count)},
                                              std::span(words).subspan(i, count))}},
                       {next.begin(), next.end()}});
  }
  return samples;
}

struct Format {
  std::string_view task;
  std::vector<std::string> arrays;
  Result<Samples> (*read)(const Bundle&, const cli::Arrays&);
};
const Format kFormats[] = {
    {"classification", {"images", "labels"}, images},
    {"autoencoding", {"images"}, images_with_noise},
    {"ctc", {"features", "scale", "offset", "lengths", "labels", "label_lengths"}, utterances},
    {"text_classification", {"pieces", "lengths", "labels"}, texts},
    {"language_model", {"words"}, stretches},
};

}  // namespace

Result<std::vector<Bundle>> find_bundles(const std::filesystem::path& models) {
  std::vector<Bundle> bundles;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(models, error)) {
    std::ifstream file(entry.path() / "model.json");
    if (!file) continue;
    bundles.push_back(
        {models, entry.path().filename().string(), nlohmann::json::parse(file, nullptr, false)});
    if (bundles.back().card.is_discarded())
      return invalid_data((entry.path() / "model.json").string() + ": not JSON");
  }
  if (bundles.empty()) return invalid_data(models.string() + ": there are no models");
  std::sort(bundles.begin(), bundles.end(),
            [](const Bundle& a, const Bundle& b) { return a.name < b.name; });
  return bundles;
}

Result<std::vector<Sample>> read_set(const Bundle& bundle, const char* set) {
  const std::string task = bundle.card["task"];
  const auto* format = std::find_if(std::begin(kFormats), std::end(kFormats),
                                    [&](const Format& f) { return f.task == task; });
  if (format == std::end(kFormats)) return unsupported(bundle.name + ": task '" + task + "'");
  const std::string name = bundle.card[set];
  const auto path = bundle.folder / "eval" / (name + ".npz");
  OCTET_ASSIGN(const cli::Arrays arrays, cli::read_npz(path));
  for (const std::string& array : format->arrays)
    if (arrays.count(array) == 0) return invalid_data(path.string() + ": lacks '" + array + "'");
  return format->read(bundle, arrays);
}

Reader::Reader(const Bundle& bundle, Session& session) : bundle_(bundle), session_(session) {
  const auto outputs = session.outputs();
  const auto states = bundle.card.value("states", nlohmann::json::object());
  for (const Port& port : session.inputs()) {
    names_.push_back(port.name);
    if (!states.contains(port.name)) continue;
    const std::string source = states[port.name];
    const auto at = std::find_if(outputs.begin(), outputs.end(),
                                 [&](const Port& p) { return p.name == source; });
    Dims dims = port.dims;
    std::replace(dims.begin(), dims.end(), int64_t{-1}, int64_t{1});
    const std::vector<float> zeros(static_cast<size_t>(checked_count(dims).value_or(0)), 0.0F);
    states_.push_back(
        {port.name, static_cast<size_t>(at - outputs.begin()), Tensor::of(dims, zeros)});
  }
}

cli::Arrays Reader::inputs(const Sample& sample) const {
  cli::Arrays all = sample.inputs;
  for (const State& state : states_) all.emplace(state.input, state.value);
  return all;
}

Result<std::vector<Tensor>> Reader::ordered(const Sample& sample) const {
  return cli::pick_inputs(inputs(sample), names_, bundle_.name);
}

Expected<Results> Reader::run(const Sample& sample) {
  const auto tensors = ordered(sample);
  if (!tensors) return Failure{OCTET_INVALID_DATA, tensors.error().message};
  auto results = session_.run(refs(*tensors));
  if (!results) return results;
  for (State& state : states_) {
    if (state.output == results->size())
      return Failure{OCTET_INVALID_DATA, bundle_.name + ": no output for state " + state.input};
    state.value = Tensor::of(results->dims(state.output), results->values<float>(state.output));
  }
  return results;
}

std::vector<TensorRef> refs(const std::vector<Tensor>& tensors) {
  std::vector<TensorRef> list;
  for (const Tensor& tensor : tensors) list.push_back(cli::to_ref(tensor));
  return list;
}

}  // namespace octet::demo
