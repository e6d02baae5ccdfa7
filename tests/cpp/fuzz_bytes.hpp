// What the bytes of a fuzzer's input are made into.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>

#include "cblot/blot.hpp"

using cblot::Index;

/// Numbers out of the input's bytes; zeros once they are used up.
class Bytes {
  public:
    Bytes(const std::uint8_t* data, std::size_t size) : data_(data), size_(size) {}

    template <class T>
    T take() {
        T value{};
        const std::size_t n = std::min(sizeof(T), size_);
        std::memcpy(&value, data_, n);
        data_ += n;
        size_ -= n;
        return value;
    }

    Index whole(Index least, Index most) {
        return least + Index(take<std::uint16_t>()) % (most - least + 1);
    }

    /// From least to most, in steps that a float holds.
    double real(double least, double most) {
        return least + (most - least) * double(take<std::uint16_t>()) / 65536.0;
    }

    bool flag() { return (take<std::uint8_t>() & 1) != 0; }

  private:
    const std::uint8_t* data_;
    std::size_t size_;
};

/// An image with strides of the input's choosing, in memory that just holds it: a sanitizer sees a
/// step beyond it.
template <class T>
class Strided {
  public:
    Strided(Bytes& bytes, Index ny, Index nx) {
        const Index step = bytes.flag() ? 1 : bytes.whole(1, 3);
        const Index row = (nx - 1) * step + 1 + (bytes.flag() ? 0 : bytes.whole(0, 3));
        memory_ = std::make_unique<T[]>(std::size_t((ny - 1) * row + (nx - 1) * step + 1));
        view_ = {memory_.get(), ny, nx, row, step};
        if (bytes.flag()) {
            view_.data += (nx - 1) * step;
            view_.stride_x = -step;
        }
        if (bytes.flag()) {
            view_.data += (ny - 1) * row;
            view_.stride_y = -row;
        }
    }

    const cblot::View2D<T>& view() const { return view_; }
    cblot::View2D<const T> cview() const {
        return {view_.data, view_.ny, view_.nx, view_.stride_y, view_.stride_x};
    }

  private:
    std::unique_ptr<T[]> memory_;
    cblot::View2D<T> view_;
};

inline double wild(Bytes& bytes, Index n) {
    const double inf = std::numeric_limits<double>::infinity(), end = double(n);
    switch (bytes.whole(0, 15)) {
        case 0: return std::nan("");
        case 1: return inf;
        case 2: return -inf;
        case 3: return end;
        case 4: return std::nextafter(end, 0.0);
        case 5: return -0.0;
        case 6: return -std::numeric_limits<double>::denorm_min();
        case 7: return end - 0.5;
        case 8: return bytes.take<double>();
        default: return bytes.real(-2.0, end + 2.0);
    }
}
