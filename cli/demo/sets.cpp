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

struct Format {
  std::string_view task;
  std::vector<std::string> arrays;
  Result<Samples> (*read)(const Bundle&, const cli::Arrays&);
};
const Format kFormats[] = {
    {"classification", {"images", "labels"}, images},
    {"autoencoding", {"images"}, images_with_noise},
    {"ctc", {"features", "scale", "offset", "lengths", "labels", "label_lengths"}, utterances},
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
  for (const Port& port : session.inputs()) names_.push_back(port.name);
}

Result<std::vector<Tensor>> Reader::ordered(const Sample& sample) const {
  return cli::pick_inputs(sample.inputs, names_, bundle_.name);
}

Expected<Results> Reader::run(const Sample& sample) {
  const auto tensors = ordered(sample);
  if (!tensors) return Failure{OCTET_INVALID_DATA, tensors.error().message};
  return session_.run(refs(*tensors));
}

std::vector<TensorRef> refs(const std::vector<Tensor>& tensors) {
  std::vector<TensorRef> list;
  for (const Tensor& tensor : tensors) list.push_back(cli::to_ref(tensor));
  return list;
}

}  // namespace octet::demo
