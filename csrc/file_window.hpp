// A window of an image of big-endian numbers in a file, into native order. Part of the extension.
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <system_error>
#include <type_traits>

#if defined(__unix__) || defined(__APPLE__)
#define CBLOT_HAS_FILE_WINDOW
#include <unistd.h>

namespace cblot {

inline std::uint32_t reversed(std::uint32_t bits) { return __builtin_bswap32(bits); }
inline std::uint64_t reversed(std::uint64_t bits) { return __builtin_bswap64(bits); }

/// Of numbers as wide as Bits.
template <class Bits, class T>
void reverse_bytes(T* values, std::size_t count) {
    static_assert(sizeof(Bits) == sizeof(T));
    for (std::size_t k = 0; k < count; ++k) {
        Bits bits = 0;
        std::memcpy(&bits, values + k, sizeof(bits));
        bits = reversed(bits);
        std::memcpy(values + k, &bits, sizeof(bits));
    }
}

/// All of size bytes, whatever the system gives at once. Throws std::system_error; of a file that
/// ends before, with code 0.
inline void read_at(int fd, char* to, std::size_t size, std::uint64_t offset) {
    while (size > 0) {
        const ssize_t got = ::pread(fd, to, size, static_cast<off_t>(offset));
        if (got < 0) {
            if (errno == EINTR) {
                continue;
            }
            throw std::system_error(errno, std::generic_category());
        }
        if (got == 0) {
            throw std::system_error(0, std::generic_category());
        }
        to += got;
        size -= std::size_t(got);
        offset += std::uint64_t(got);
    }
}

/// Reads `rows` rows of `columns` pixels; the first pixel is at byte `offset` of the file, and a
/// row of the whole image has `stride` pixels. Positions, not a file offset, so that threads may
/// share the descriptor. `poll` is called between rows.
template <class T, class Poll>
void read_file_window(int fd, std::uint64_t offset, std::size_t stride, std::size_t rows,
                      std::size_t columns, T* to, Poll&& poll) {
    if (columns == 0) {
        return;
    }
    const std::uint16_t one = 1;
    unsigned char first = 0;
    std::memcpy(&first, &one, 1);
    // Whole rows are one piece of the file, read some at a time.
    const std::size_t chunk = stride == columns ? (std::size_t(1) << 16) / columns + 1 : 1;
    for (std::size_t row = 0; row < rows; row += chunk) {
        const std::size_t count = (rows - row < chunk ? rows - row : chunk) * columns;
        T* const values = to + row * columns;
        read_at(fd, reinterpret_cast<char*>(values), count * sizeof(T),
                offset + std::uint64_t(row) * stride * sizeof(T));
        if (first == 1) {
            using Bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
            reverse_bytes<Bits>(values, count);
        }
        poll();
    }
}

}  // namespace cblot
#endif
