#include "cli/npz.h"

#include <zip.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <fstream>

#include "engine/ir/memory.h"

namespace octet::cli {
namespace {

struct TypeName {
  std::string_view numpy;
  DType dtype;
};
// NumPy has no bfloat16: it is written as its bits.
constexpr std::array<TypeName, 13> kTypes = {{{"f4", DType::f32},
                                              {"f8", DType::f64},
                                              {"f2", DType::f16},
                                              {"i1", DType::s8},
                                              {"u1", DType::u8},
                                              {"i2", DType::s16},
                                              {"u2", DType::u16},
                                              {"i4", DType::s32},
                                              {"u4", DType::u32},
                                              {"i8", DType::s64},
                                              {"u8", DType::u64},
                                              {"b1", DType::boolean},
                                              {"u2", DType::bf16}}};

// The magic number, the version and the header's length.
constexpr size_t kHead = 10;

Error bad(const std::string& where, const std::string& what) {
  return invalid_data(where + ": " + what);
}

// The text behind 'key': in the header's dictionary.
std::string_view entry(std::string_view header, std::string_view key) {
  const size_t at = header.find(key);
  if (at == std::string_view::npos) return {};
  const size_t colon = header.find(':', at);
  return colon == std::string_view::npos ? std::string_view() : header.substr(colon + 1);
}

std::optional<Dims> parse_shape(std::string_view text) {
  const size_t open = text.find('(');
  const size_t close = text.find(')');
  if (open == std::string_view::npos || close == std::string_view::npos) return std::nullopt;
  Dims dims;
  for (size_t i = open + 1; i < close;) {
    if (text[i] < '0' || text[i] > '9') {
      ++i;
      continue;
    }
    int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data() + i, text.data() + close, value);
    if (error != std::errc()) return std::nullopt;
    dims.push_back(value);
    i = static_cast<size_t>(end - text.data());
  }
  return dims;
}

Result<Tensor> from_fortran(const Tensor& tensor) {
  const Dims& dims = tensor.dims();
  const size_t element = static_cast<size_t>(dtype_bits(tensor.dtype())) / 8;
  OCTET_ASSIGN(Tensor out, Tensor::zeros(tensor.dtype(), dims));
  std::vector<int64_t> index(dims.size(), 0);
  for (size_t i = 0; i < tensor.count(); ++i) {
    size_t from = 0;
    size_t stride = 1;
    for (size_t d = 0; d < dims.size(); ++d) {
      from += static_cast<size_t>(index[d]) * stride;
      stride *= static_cast<size_t>(dims[d]);
    }
    std::memcpy(out.writable() + i * element, tensor.bytes().data() + from * element, element);
    for (size_t d = dims.size(); d-- > 0 && ++index[d] == dims[d];) index[d] = 0;
  }
  return out;
}

size_t byte_at(std::string_view bytes, size_t i) { return static_cast<uint8_t>(bytes[i]); }

// A file's bytes, or an archive member's.
struct Bytes {
  std::shared_ptr<std::byte> memory;
  size_t size = 0;
};

// The tensor shares `file`'s bytes.
Result<Tensor> parse_npy(const Bytes& file, const std::string& where) {
  const std::string_view bytes(reinterpret_cast<const char*>(file.memory.get()), file.size);
  if (bytes.size() < kHead + 2 || bytes.substr(0, 6) != "\x93NUMPY")
    return bad(where, "not a NumPy array");
  const bool wide = bytes[6] >= 2;
  size_t length = byte_at(bytes, 8) | byte_at(bytes, 9) << 8;
  if (wide) length |= byte_at(bytes, 10) << 16 | byte_at(bytes, 11) << 24;
  const size_t start = wide ? kHead + 2 : kHead;
  if (start + length > bytes.size()) return bad(where, "the header is cut off");
  const std::string_view header = bytes.substr(start, length);
  const std::string_view descr = entry(header, "'descr'");
  const size_t quote = descr.find('\'');
  if (quote == std::string_view::npos || quote + 4 >= descr.size())
    return bad(where, "the element type can't be read");
  if (descr[quote + 1] == '>') return bad(where, "big-endian arrays aren't supported");
  const std::string_view name = descr.substr(quote + 2, 2);
  const auto type = std::find_if(kTypes.begin(), kTypes.end(),
                                 [&](const TypeName& t) { return t.numpy == name; });
  if (type == kTypes.end() || descr[quote + 4] != '\'')
    return bad(where,
               "element type " + std::string(descr.substr(quote + 1, 4)) + " isn't supported");
  const auto dims = parse_shape(entry(header, "'shape'"));
  const auto count = dims ? checked_count(*dims) : std::nullopt;
  if (!count || *count > (int64_t{1} << 56)) return bad(where, "the shape can't be read");
  const size_t size = dtype_bytes(type->dtype, static_cast<size_t>(*count));
  if (bytes.size() - start - length < size) return bad(where, "the array is cut off");
  const Tensor tensor(type->dtype, *dims, {file.memory.get() + start + length, size}, file.memory);
  const bool fortran =
      entry(header, "'fortran_order'").substr(0, 6).find("True") != std::string_view::npos;
  return fortran && dims->size() > 1 ? from_fortran(tensor) : Result<Tensor>(tensor);
}

// The bytes of an .npy file in front of the elements.
Result<std::string> npy_header(const std::string& where, const Tensor& tensor) {
  const auto type = std::find_if(kTypes.begin(), kTypes.end(),
                                 [&](const TypeName& t) { return t.dtype == tensor.dtype(); });
  if (type == kTypes.end())
    return unsupported(where + ": NumPy has no " + std::string(dtype_name(tensor.dtype())));
  std::string shape = "(";
  for (const int64_t dim : tensor.dims()) shape += std::to_string(dim) + ",";
  const bool one_byte = dtype_bits(tensor.dtype()) == 8;
  std::string header = std::string("{'descr': '") + (one_byte ? "|" : "<") +
                       std::string(type->numpy) + "', 'fortran_order': False, 'shape': " + shape +
                       "), }";
  while ((kHead + header.size() + 1) % 64 != 0) header += ' ';
  header += '\n';
  const char version[] = {'\x93',
                          'N',
                          'U',
                          'M',
                          'P',
                          'Y',
                          1,
                          0,
                          static_cast<char>(header.size() & 0xFF),
                          static_cast<char>(header.size() >> 8)};
  return std::string(version, sizeof(version)) + header;
}

Error not_written(const std::filesystem::path& path) {
  return {ErrorCode::machine, path.string() + ": can't be written"};
}

}  // namespace

Result<Tensor> read_npy(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::error_code error;
  Bytes bytes;
  bytes.size = std::filesystem::file_size(path, error);
  if (!file || error) return bad(path.string(), "can't be read");
  if (auto memory = allocate(bytes.size); memory)
    bytes.memory = std::move(*memory);
  else
    return std::move(memory).error().in(path.string());
  file.read(reinterpret_cast<char*>(bytes.memory.get()), static_cast<std::streamsize>(bytes.size));
  if (!file) return bad(path.string(), "can't be read");
  return parse_npy(bytes, path.string());
}

Result<Arrays> read_npz(const std::filesystem::path& path) {
  int code = 0;
  const std::unique_ptr<zip_t, decltype(&zip_discard)> archive(
      zip_open(path.c_str(), ZIP_RDONLY, &code), zip_discard);
  if (!archive) return bad(path.string(), "not a readable .npz archive");
  // Deflate makes at most 1032 bytes of one.
  constexpr uint64_t kMaxRatio = 1100;
  Arrays arrays;
  const zip_int64_t entries = zip_get_num_entries(archive.get(), 0);
  for (zip_int64_t i = 0; i < entries; ++i) {
    zip_stat_t stat;
    const auto index = static_cast<zip_uint64_t>(i);
    if (zip_stat_index(archive.get(), index, 0, &stat) != 0 ||
        stat.size / kMaxRatio > stat.comp_size)
      return bad(path.string(), "a damaged archive");
    std::string name = stat.name;
    const std::string where = path.string() + ":" + name;
    const std::unique_ptr<zip_file_t, decltype(&zip_fclose)> file(
        zip_fopen_index(archive.get(), index, 0), zip_fclose);
    if (!file) return bad(where, "can't be unpacked");
    auto memory = allocate(stat.size);
    if (!memory) return std::move(memory).error().in(where);
    const Bytes bytes{std::move(*memory), stat.size};
    if (zip_fread(file.get(), bytes.memory.get(), bytes.size) !=
        static_cast<zip_int64_t>(bytes.size))
      return bad(where, "a damaged archive");
    OCTET_ASSIGN(Tensor tensor, parse_npy(bytes, where));
    if (name.ends_with(".npy")) name.resize(name.size() - 4);
    arrays.emplace(std::move(name), std::move(tensor));
  }
  return arrays;
}

Status write_npy(FileOutput& file, const Tensor& tensor) {
  OCTET_ASSIGN(const std::string header, npy_header("array", tensor));
  OCTET_RETURN_IF_ERROR(file.open());
  OCTET_RETURN_IF_ERROR(file.write(header));
  OCTET_RETURN_IF_ERROR(file.write(tensor.bytes()));
  return file.sync();
}

Status write_npy(const std::filesystem::path& path, const Tensor& tensor) {
  FileOutput file(path);
  OCTET_RETURN_IF_ERROR(write_npy(file, tensor));
  return file.commit();
}

Status write_npz(const std::filesystem::path& path, const Arrays& arrays) {
  // libzip reads the buffers when the archive is closed, which also renames it into place.
  std::vector<std::string> entries;
  for (const auto& [name, tensor] : arrays) {
    OCTET_ASSIGN(std::string bytes, npy_header(path.string() + ":" + name, tensor));
    bytes.append(reinterpret_cast<const char*>(tensor.bytes().data()), tensor.bytes().size());
    entries.push_back(std::move(bytes));
  }
  int code = 0;
  std::unique_ptr<zip_t, decltype(&zip_discard)> archive(
      zip_open(path.c_str(), ZIP_CREATE | ZIP_TRUNCATE, &code), zip_discard);
  if (!archive) return not_written(path);
  size_t i = 0;
  for (const auto& [name, tensor] : arrays) {
    const std::string& bytes = entries[i++];
    zip_source_t* source = zip_source_buffer(archive.get(), bytes.data(), bytes.size(), 0);
    const zip_int64_t index =
        source ? zip_file_add(archive.get(), (name + ".npy").c_str(), source, ZIP_FL_ENC_UTF_8)
               : -1;
    if (index < 0) {
      if (source) zip_source_free(source);
      return not_written(path);
    }
    zip_set_file_compression(archive.get(), static_cast<zip_uint64_t>(index), ZIP_CM_STORE, 0);
  }
  if (zip_close(archive.get()) != 0) return not_written(path);
  (void)archive.release();
  return {};
}

}  // namespace octet::cli
