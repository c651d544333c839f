#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace octet {

/// Instruction sets that a kernel can be written for (rows of isa.def).
enum class Isa : uint8_t {
#define OCTET_ISA(name, architecture, flags) name,
#include "kernels/cpu/isa.def"
#undef OCTET_ISA
};

inline constexpr size_t kIsaCount = 0
#define OCTET_ISA(name, architecture, flags) +1
#include "kernels/cpu/isa.def"
#undef OCTET_ISA
    ;

/// The name that the command line and profiles use, as "avx512vnni".
std::string_view isa_name(Isa isa);

/// The instruction set of that name; nothing when the name is unknown.
std::optional<Isa> isa_from_name(std::string_view name);

/// Proof that this CPU (and its operating system) runs an instruction set. Only `probe` makes one,
/// so whoever holds a token may call that instruction set's kernels.
class CpuToken {
 public:
  /// Nothing when the CPU, the operating system or the build lacks `isa`.
  static std::optional<CpuToken> probe(Isa isa);
  /// The token of the strongest instruction set that is here.
  static CpuToken best();
  /// `scalar` is everywhere.
  static CpuToken scalar() { return CpuToken(Isa::scalar); }

  Isa isa() const { return isa_; }
  /// Whether kernels of `other` may be called by the holder of this token: `other` is this
  /// instruction set or one that it includes. A forced token never allows a stronger one.
  bool allows(Isa other) const;

 private:
  explicit CpuToken(Isa isa) : isa_(isa) {}
  Isa isa_;
};

}  // namespace octet
