// Products of u8 and s8 matrices by AMX tiles. Included inside an anonymous namespace.
//
// Tiles 0 to 3 hold sums [row half][column half], 4 and 5 the halves of A's rows, 6 and 7 those of
// B's columns. A thread that configured tiles releases them.

constexpr size_t kTileRows = 16;
constexpr size_t kTileColumns = 16;
constexpr size_t kTileDepth = 64;

struct alignas(64) TileConfig {
  uint8_t palette = 1;
  uint8_t start_row = 0;
  uint8_t reserved[14] = {};
  uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  uint8_t rows[16] = {};
};

// For blocks of `rows` rows of A, 1 to 32.
inline void configure_tiles(size_t rows) {
  const auto first = static_cast<uint8_t>(rows < kTileRows ? rows : kTileRows);
  const auto second = static_cast<uint8_t>(rows > kTileRows ? rows - kTileRows : kTileRows);
  TileConfig config;
  const uint8_t of_tile[8] = {first, first, second, second, first, second, kTileRows, kTileRows};
  __builtin_memcpy(config.rows, of_tile, sizeof(of_tile));
  // The intrinsic tells g++ of the first eight bytes alone.
  __asm__ volatile("" : : "r"(&config) : "memory");
  _tile_loadconfig(&config);
}

// A's rows, of one tile or two: `steps` times kTileDepth codes, then kTileDepth more of the tail's
// when that is there.
struct TileRows {
  bool two;
  const uint8_t* a;
  size_t stride, steps;
  const uint8_t* tail = nullptr;
  size_t tail_stride = 0;
};

// B's columns, of one tile or two: [K / 4][columns][4] with zeros past K, rows of four k `stride`
// bytes apart; the second tile's columns lie `second` bytes behind the first's.
struct TileColumns {
  const uint8_t* b;
  size_t stride, second;
};

template <bool kTwoRows, bool kTwoColumns>
inline __attribute__((always_inline)) void add_step(const uint8_t* a, size_t a_stride,
                                                    const TileColumns& columns, size_t step) {
  const uint8_t* b = columns.b + step * (kTileDepth / 4) * columns.stride;
  _tile_loadd(6, b, columns.stride);
  _tile_loadd(4, a, a_stride);
  _tile_dpbusd(0, 4, 6);
  if constexpr (kTwoColumns) {
    _tile_loadd(7, b + columns.second, columns.stride);
    _tile_dpbusd(1, 4, 7);
  }
  if constexpr (kTwoRows) {
    _tile_loadd(5, a + kTileRows * a_stride, a_stride);
    _tile_dpbusd(2, 5, 6);
  }
  if constexpr (kTwoRows && kTwoColumns) _tile_dpbusd(3, 5, 7);
}

template <bool kTwoRows, bool kTwoColumns>
void multiply_shape(const TileRows& rows, const TileColumns& columns, int32_t* acc,
                    size_t acc_stride) {
  _tile_zero(0);
  if constexpr (kTwoColumns) _tile_zero(1);
  if constexpr (kTwoRows) _tile_zero(2);
  if constexpr (kTwoRows && kTwoColumns) _tile_zero(3);
  for (size_t step = 0; step < rows.steps; ++step)
    add_step<kTwoRows, kTwoColumns>(rows.a + step * kTileDepth, rows.stride, columns, step);
  if (rows.tail != nullptr)
    add_step<kTwoRows, kTwoColumns>(rows.tail, rows.tail_stride, columns, rows.steps);
  const size_t bytes = acc_stride * sizeof(int32_t);
  _tile_stored(0, acc, bytes);
  if constexpr (kTwoColumns) _tile_stored(1, acc + kTileColumns, bytes);
  if constexpr (kTwoRows) _tile_stored(2, acc + kTileRows * acc_stride, bytes);
  if constexpr (kTwoRows && kTwoColumns)
    _tile_stored(3, acc + kTileRows * acc_stride + kTileColumns, bytes);
}

// acc[rows][acc_stride] for one or two tiles of columns.
inline void multiply_tiles(const TileRows& rows, bool two_columns, const TileColumns& columns,
                           int32_t* acc, size_t acc_stride) {
  if (rows.two && two_columns)
    multiply_shape<true, true>(rows, columns, acc, acc_stride);
  else if (rows.two)
    multiply_shape<true, false>(rows, columns, acc, acc_stride);
  else if (two_columns)
    multiply_shape<false, true>(rows, columns, acc, acc_stride);
  else
    multiply_shape<false, false>(rows, columns, acc, acc_stride);
}
