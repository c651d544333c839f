#include "engine/ops/fields.h"

#include <algorithm>

namespace octet {

std::vector<const void*> AttrCodec::members_of(const Attrs& attrs) const {
  std::vector<const void*> members(fields_.size());
  locate_(attrs, members.data());
  return members;
}

Result<Attrs> AttrCodec::read(const AttrMap& map, int opset) const {
  if (make_ == nullptr) return Attrs::of(SpelledAttrs{map});
  Attrs attrs = make_();
  // Nobody else holds the struct yet, and it wasn't made const.
  const std::vector<const void*> members = members_of(attrs);
  size_t used = 0;
  std::string problem;
  for (size_t i = 0; i < fields_.size(); ++i) {
    const detail::FieldInfo& field = fields_[i];
    if (!field.is_in(opset)) continue;
    const auto at = map.find(field.name);
    if (at == map.end()) {
      if (field.range.required) problem = "attribute '" + std::string(field.name) + "' is missing";
    } else if (field.type->read(at->second, const_cast<void*>(members[i]))) {
      ++used;
    } else {
      problem = "attribute '" + std::string(field.name) + "' has the wrong type";
    }
  }
  if (!problem.empty()) return invalid_model(problem);
  if (used == map.size()) return attrs;
  for (const auto& [name, value] : map)
    if (std::none_of(fields_.begin(), fields_.end(),
                     [&name = name, opset](const detail::FieldInfo& field) {
                       return field.name == name && field.is_in(opset);
                     }))
      return unsupported("attribute '" + name + "' is not supported");
  return attrs;
}

AttrMap AttrCodec::write(const Attrs& attrs, int opset) const {
  if (make_ == nullptr) return attrs.as<SpelledAttrs>().map;
  const Attrs made = make_();
  const std::vector<const void*> members = members_of(attrs);
  const std::vector<const void*> defaults = members_of(made);
  AttrMap map;
  for (size_t i = 0; i < fields_.size(); ++i) {
    const detail::FieldInfo& field = fields_[i];
    if (!field.is_in(opset)) continue;
    if (!field.range.required && field.type->same(members[i], defaults[i])) continue;
    if (auto value = field.type->value(members[i])) map.emplace(field.name, std::move(*value));
  }
  return map;
}

std::vector<std::string> AttrCodec::names() const {
  std::vector<std::string> names;
  for (const detail::FieldInfo& field : fields_) names.emplace_back(field.name);
  return names;
}

}  // namespace octet
