// The rows of depthwise_s8. Included inside an anonymous namespace after window.inl.

/// The output rows [begin, end) of one block.
template <typename Kit, bool kWhole, End kEnd>
void run_block(Task& task, const uint8_t* packed, const Outputs<Kit, kWhole>& outputs, size_t first,
               size_t begin, size_t end) {
  if constexpr (Kit::kWindows && kEnd != End::any) {
    if (fits_window<Kit>(task)) {
      Window<Kit, kWhole>(task, packed, outputs, first).template run<kEnd>(begin, end);
      return;
    }
  }
  find_groups<Kit>(task);
  const Block<Kit, kWhole> block(task, packed, outputs);
  for (size_t row = begin; row < end; ++row) {
    task.move_to(row);
    fill_planes<Kit, kWhole>(task, first, outputs.count());
    block.template run<kEnd>();
  }
}

template <End kEnd>
struct EndIs {
  static constexpr End value = kEnd;
};

/// The same by what becomes of the sums.
template <typename Kit, bool kWhole>
void run_block(Task& task, End how, const uint8_t* packed, const uint8_t* constants, size_t first,
               size_t count, size_t begin, size_t last) {
  const Outputs<Kit, kWhole> outputs(task.target, constants, first, count);
  const auto run = [&](auto end) {
    constexpr End kEnd = taken_end<Kit, kWhole>(decltype(end)::value);
    run_block<Kit, kWhole, kEnd>(task, packed, outputs, first, begin, last);
  };
  switch (how) {
    case End::bare: return run(EndIs<End::bare>{});
    case End::codes: return run(EndIs<End::codes>{});
    case End::swished: return run(EndIs<End::swished>{});
    case End::floats: return run(EndIs<End::floats>{});
    case End::any: return run(EndIs<End::any>{});
  }
}

inline void run(const ConvShape& s, const void* packed, const ConvIo& io,
                const ConvEpilogue& epilogue, void* scratch, Parallel& parallel) {
  const auto* header = static_cast<const uint8_t*>(packed);
  uint32_t has_zeros = 0;
  __builtin_memcpy(&has_zeros, header, sizeof(has_zeros));
  alignas(64) uint8_t padding[Widest::kChannels];
  __builtin_memset(padding, io.in_zero_point & 0xFF, sizeof(padding));
  const Target target = target_of(s, io, epilogue);
  const size_t rows = s.batch * s.out_h;
  const size_t wanted = parallel.width() > 1 ? 2 * parallel.width() : 1;
  const Stretch stretch(
      s, rows >= wanted ? 1 : smaller(divide_up(wanted, larger(rows, 1)), divide_up(s.out_w, 8)));
  const size_t cuts = divide_up(s.out_w, stretch.outputs);
  auto* constants = static_cast<uint8_t*>(scratch);
  const uint8_t* blocks = header + kHeaderBytes;
  const uint8_t* next = blocks;
  uint8_t* slots = constants;
  each_block(s, [&](auto kit, size_t first, size_t count) {
    using Kit = decltype(kit);
    fill_constants<Kit>(s, io, epilogue, next, first, count, slots);
    next += block_bytes<Kit>(s);
    slots += constant_bytes<Kit>();
  });
  const auto flip = static_cast<uint8_t>(code_shift<Widest>(io.in_signed) & 0xFF);
  const End how = end_of(epilogue, target.scaling, flip);
  const size_t macs =
      rows * s.out_w * s.out_channels * s.kernel_h * s.kernel_w * 4;  // memory bound
  // Rows of small images share a block's setup; those of large ones share the cache.
  const size_t fit = larger(kRowBytes / larger(s.in_w * s.in_channels, 1), 1);
  const size_t together = cuts > 1 ? 1 : smaller(fit, divide_up(rows, wanted));
  for_each_in_slots(
      divide_up(rows, together) * cuts, macs, parallel, [&](size_t index, size_t slot) {
        const size_t begin = index % cuts * stretch.outputs;
        const size_t first_row = index / cuts * together;
        const size_t last_row = smaller(first_row + together, rows);
        uint8_t* own = slots + slot * slot_bytes(s);
        Task task{s,
                  io,
                  target,
                  io.in_stride == 0 ? s.in_channels : io.in_stride,
                  0,
                  0,
                  begin,
                  smaller(begin + stretch.outputs, s.out_w),
                  flip,
                  has_zeros != 0,
                  padding,
                  reinterpret_cast<size_t*>(own),
                  own + offset_bytes(s)};
        const uint8_t *block = blocks, *constant = constants;
        each_block(s, [&](auto kit, size_t first, size_t count) {
          using Kit = decltype(kit);
          if (!Kit::kParts || count == Kit::kChannels)
            run_block<Kit, true>(task, how, block, constant, first, count, first_row, last_row);
          else if constexpr (Kit::kParts)
            run_block<Kit, false>(task, how, block, constant, first, count, first_row, last_row);
          block += block_bytes<Kit>(s);
          constant += constant_bytes<Kit>();
        });
      });
}
