#include <algorithm>
#include <map>

#include "engine/ir/stop.h"
#include "engine/ops/common/movement.h"
#include "engine/ops/common/strings.h"

namespace octet::ops::tf_idf_vectorizer {
namespace {

struct TfIdfVectorizerAttrs {
  std::string mode = {};
  int64_t min_gram_length = 1;
  int64_t max_gram_length = 1;
  int64_t max_skip_count = 0;
  std::vector<int64_t> ngram_counts = {};
  std::vector<int64_t> ngram_indexes = {};
  std::vector<int64_t> pool_int64s = {};
  std::vector<std::string> pool_strings = {};
  std::vector<float> weights = {};
  static constexpr auto fields() {
    using A = TfIdfVectorizerAttrs;
    return std::tuple{field("mode", &A::mode, {.required = true}),
                      field("min_gram_length", &A::min_gram_length, {.required = true}),
                      field("max_gram_length", &A::max_gram_length, {.required = true}),
                      field("max_skip_count", &A::max_skip_count, {.required = true}),
                      field("ngram_counts", &A::ngram_counts, {.required = true}),
                      field("ngram_indexes", &A::ngram_indexes, {.required = true}),
                      field("pool_int64s", &A::pool_int64s),
                      field("pool_strings", &A::pool_strings),
                      field("weights", &A::weights)};
  }
};

// The n-grams of a pool: tokens as numbers, and where each n-gram is counted.
class Vectorizer final : public Step {
 public:
  static Result<std::unique_ptr<Step>> make(const TfIdfVectorizerAttrs& attrs) {
    auto step = std::make_unique<Vectorizer>(attrs);
    OCTET_RETURN_IF_ERROR(step->load());
    return std::unique_ptr<Step>(std::move(step));
  }
  explicit Vectorizer(const TfIdfVectorizerAttrs& attrs) : attrs_(attrs) {}

  Status run(RunContext& context) const override {
    const TensorView& x = context.input(0);
    if (x.rank() > 2) return invalid_data("the input has more than two axes");
    const size_t rows = x.rank() == 2 ? static_cast<size_t>(x.dims[0]) : 1;
    const auto width = static_cast<size_t>(x.rank() == 0 ? 1 : x.dims.back());
    const auto tokens = numbered(context);
    Dims dims;
    if (x.rank() == 2) dims.push_back(x.dims[0]);
    dims.push_back(size_);
    OCTET_RETURN_IF_ERROR(context.allocate(0, dims));
    const auto columns = static_cast<size_t>(size_);
    StopPoll poll;
    for (size_t row = 0; row < rows; ++row) {
      poll(columns);
      float* y = context.output(0).as<float>() + row * columns;
      std::fill_n(y, columns, 0.0F);
      count({tokens.data() + row * width, width}, y, poll);
      weigh(y);
    }
    return {};
  }
  StepInfo info() const override { return {"tf_idf", "native", Isa::scalar}; }

 private:
  using Gram = std::vector<int64_t>;
  static constexpr int64_t kUnknown = -1;

  Status load() {
    const size_t pool =
        attrs_.pool_strings.empty() ? attrs_.pool_int64s.size() : attrs_.pool_strings.size();
    if (!attrs_.pool_strings.empty() && !attrs_.pool_int64s.empty())
      return invalid_model("it has a pool of strings and one of integers");
    if (attrs_.mode != "TF" && attrs_.mode != "IDF" && attrs_.mode != "TFIDF")
      return invalid_model("mode '{}'", attrs_.mode);
    if (attrs_.min_gram_length < 1 || attrs_.max_gram_length < attrs_.min_gram_length ||
        attrs_.max_skip_count < 0)
      return invalid_model("its gram lengths or skips make no sense");
    const auto& indexes = attrs_.ngram_indexes;
    for (const int64_t index : indexes) {
      if (index < 0 || index > (int64_t{1} << 31))
        return invalid_model("an ngram_index is negative");
      size_ = std::max(size_, index + 1);
    }
    const auto& starts = attrs_.ngram_counts;
    size_t gram = 0;
    for (size_t n = 0; n < starts.size(); ++n) {
      const int64_t end = n + 1 < starts.size() ? starts[n + 1] : static_cast<int64_t>(pool);
      const auto length = static_cast<int64_t>(n + 1);
      if (starts[n] < 0 || end < starts[n] || end > static_cast<int64_t>(pool) ||
          (end - starts[n]) % length != 0)
        return invalid_model("ngram_counts don't fit the pool");
      for (int64_t at = starts[n]; at < end; at += length, ++gram) {
        if (gram >= indexes.size())
          return invalid_model("there are fewer ngram_indexes than n-grams");
        if (length < attrs_.min_gram_length || length > attrs_.max_gram_length) continue;
        grams_[read_gram(static_cast<size_t>(at), n + 1)] = static_cast<size_t>(indexes[gram]);
      }
    }
    return check_weights(indexes);
  }

  // The standard gives a weight to each n-gram, implementations to each place of the output: taken
  // where both say the same.
  Status check_weights(const std::vector<int64_t>& indexes) const {
    const auto& weights = attrs_.weights;
    if (weights.empty()) return {};
    if (weights.size() != indexes.size() || static_cast<int64_t>(weights.size()) < size_)
      return invalid_model("there are other weights than n-grams");
    for (size_t i = 0; i < indexes.size(); ++i)
      if (weights[i] != weights[static_cast<size_t>(indexes[i])])
        return unsupported("weights of n-grams whose outputs are in another order");
    return {};
  }

  Gram read_gram(size_t at, size_t length) {
    Gram gram;
    for (size_t i = at; i < at + length; ++i) {
      if (attrs_.pool_strings.empty()) {
        gram.push_back(attrs_.pool_int64s[i]);
        continue;
      }
      const auto next = static_cast<int64_t>(words_.size());
      gram.push_back(words_.emplace(attrs_.pool_strings[i], next).first->second);
    }
    return gram;
  }

  std::vector<int64_t> numbered(const RunContext& context) const {
    if (context.input(0).boxed == nullptr) return movement::integers_of(context.input(0));
    std::vector<int64_t> numbers;
    for (const std::string& word : strings_of(context, 0)) {
      const auto at = words_.find(word);
      numbers.push_back(at == words_.end() ? kUnknown : at->second);
    }
    return numbers;
  }

  // Single tokens have no gaps, so only the first pass counts them.
  void count(std::span<const int64_t> tokens, float* y, StopPoll& poll) const {
    const auto longest = static_cast<size_t>(attrs_.max_gram_length);
    // Gaps past the last token leave single ones.
    const size_t steps = std::min(static_cast<size_t>(attrs_.max_skip_count) + 1,
                                  std::max<size_t>(tokens.size(), 1));
    for (size_t step = 1; step <= steps; ++step) {
      for (size_t begin = 0; begin < tokens.size(); ++begin) {
        Gram gram;
        for (size_t at = begin; at < tokens.size() && gram.size() < longest; at += step) {
          poll(8);
          gram.push_back(tokens[at]);
          const bool counted = gram.size() > 1 || step == 1;
          if (const auto known = grams_.find(gram); counted && known != grams_.end())
            y[known->second] += 1.0F;
        }
      }
    }
  }

  void weigh(float* y) const {
    for (size_t i = 0; i < static_cast<size_t>(size_); ++i) {
      if (attrs_.mode == "IDF") y[i] = std::min(y[i], 1.0F);
      if (attrs_.mode != "TF" && !attrs_.weights.empty()) y[i] *= attrs_.weights[i];
    }
  }

  TfIdfVectorizerAttrs attrs_;
  int64_t size_ = 0;
  std::map<std::string, int64_t> words_;
  std::map<Gram, size_t> grams_;
};

Status infer(InferContext& context) {
  const auto& attrs = context.attrs<TfIdfVectorizerAttrs>();
  OCTET_RETURN_IF_ERROR(context.require(0, {DType::string, DType::s32, DType::s64}));
  if ((context.dtype(0) == DType::string) != attrs.pool_int64s.empty())
    return invalid_model("the pool's type isn't the input's");
  std::optional<Shape> shape = context.input(0).shape;
  if (shape) {
    if (shape->empty()) shape->emplace_back();
    shape->back() = Dim::fresh();
  }
  context.set_tensor(0, DType::f32, std::move(shape));
  return {};
}

Result<std::unique_ptr<Step>> prepare(const LowerContext& context) {
  return Vectorizer::make(context.attrs<TfIdfVectorizerAttrs>());
}

constexpr Implementation kRows[] = {{.name = "tf_idf", .match = match_stored, .prepare = prepare}};

}  // namespace

extern const OpDef TfIdfVectorizer;
const OpDef TfIdfVectorizer = {.domain = "",
                               .name = "TfIdfVectorizer",
                               .since = 9,
                               .inputs = {1, 1},
                               .attrs = attr_codec<TfIdfVectorizerAttrs>(),
                               .infer = infer,
                               .implementations = kRows};

}  // namespace octet::ops::tf_idf_vectorizer
