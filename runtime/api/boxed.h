#pragma once

#include <deque>
#include <vector>

#include "engine/ir/tensor.h"
#include "octet/octet.h"

// Strings and lists across the C interface.

namespace octet::api {

/// A value for a run. Plain tensors borrow the caller's memory; strings and what is in lists are
/// copied, since results may share them. `where` begins messages.
Result<Tensor> from_c(const octet_tensor& c, const std::string& where);

/// Tensors as C sees them; what strings and lists need lives with it.
class Views {
 public:
  octet_tensor of(const Tensor& tensor);

 private:
  std::deque<std::vector<octet_string>> strings_;
  std::deque<std::vector<octet_tensor>> lists_;
  std::deque<std::vector<int64_t>> dims_;
};

}  // namespace octet::api
