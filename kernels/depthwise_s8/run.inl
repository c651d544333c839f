// The rows of depthwise_s8. Included inside an anonymous namespace after window.inl.

template <End kEnd>
struct EndIs {
  static constexpr End value = kEnd;
};

/// f(EndIs<>{}) of what `how` is for sums from planes: what is bare ends as codes like others.
template <typename Kit, bool kWhole, typename F>
void with_end(End how, F f) {
  switch (how) {
    case End::bare:
    case End::codes: return f(EndIs<End::codes>{});
    case End::swished: return f(EndIs<taken_end<Kit, kWhole>(End::swished)>{});
    case End::floats: return f(EndIs<taken_end<Kit, kWhole>(End::floats)>{});
    case End::any: return f(EndIs<End::any>{});
  }
}

template <typename Kit, bool kWhole, End kEnd>
__attribute__((noinline)) void finish_sums(const Outputs<Kit, kWhole>& given, size_t pixel,
                                           size_t count, const typename Block<Kit>::Sums& sums) {
  const Outputs<Kit, kWhole> outputs = given;
  for (size_t i = 0; i < count; ++i) outputs.template finish<kEnd>(pixel + i, sums[i]);
}

/// The output rows [begin, last) of one block from planes.
template <typename Kit, bool kWhole>
__attribute__((noinline)) void run_planes(Task& task, End how, const uint8_t* packed,
                                          const Outputs<Kit, kWhole>& outputs, size_t first,
                                          size_t begin, size_t last) {
  void (*finish)(const Outputs<Kit, kWhole>&, size_t, size_t, const typename Block<Kit>::Sums&);
  with_end<Kit, kWhole>(how,
                        [&](auto end) { finish = finish_sums<Kit, kWhole, decltype(end)::value>; });
  find_groups<Kit>(task);
  const Block<Kit> block(task, packed);
  typename Kit::Int start[Kit::kVectors];
  outputs.begin(start);
  typename Block<Kit>::Sums sums;
  for (size_t row = begin; row < last; ++row) {
    task.move_to(row);
    fill_planes<Kit, kWhole>(task, first, outputs.count());
    for (size_t ox = task.begin, count; ox < task.end; ox += count) {
      count = smaller(task.end - ox, Block<Kit>::kMost);
      block.sum(ox, count, start, sums);
      finish(outputs, task.first_pixel() + ox, count, sums);
    }
  }
}

/// The output rows [begin, last) of one block.
template <typename Kit, bool kWhole>
void run_block(Task& task, End how, const uint8_t* packed, const uint8_t* constants, size_t first,
               size_t count, size_t begin, size_t last) {
  if constexpr (Kit::kWindows && kWhole) {
    if (fits_window<Kit>(task, how)) {
      using WindowKit = typename WindowOf<Kit>::type;
      const Outputs<WindowKit, true> outputs(task.target, constants, first, count);
      const Window<WindowKit> window(task, packed, outputs, first);
      if (how == End::swished) return window.template run<End::swished>(begin, last);
      if (how == End::codes) return window.template run<End::codes>(begin, last);
      return window.template run<taken_end<Kit, true>(End::bare)>(begin, last);
    }
  }
  run_planes<Kit, kWhole>(task, how, packed,
                          Outputs<Kit, kWhole>(task.target, constants, first, count), first, begin,
                          last);
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
