// Strided views of two-dimensional images: the only way pixels enter or leave the core.
#pragma once

#include <cstddef>

namespace cblot {

/// Signed sizes and indices, so that an index left of or below the image is representable.
using Index = std::ptrdiff_t;

/// A borrowed image of ny rows of nx pixels. Strides are in elements and may be negative, and zero
/// where it is only read.
template <class T>
struct View2D {
    T* data = nullptr;
    Index ny = 0;
    Index nx = 0;
    Index stride_y = 0;
    Index stride_x = 1;

    T& operator()(Index j, Index i) const { return data[j * stride_y + i * stride_x]; }
};

/// A rectangle of pixels, [y0, y1) by [x0, x1).
struct Box {
    Index y0 = 0, y1 = 0, x0 = 0, x1 = 0;

    Index height() const { return y1 - y0; }
    Index width() const { return x1 - x0; }
    bool empty() const { return y1 <= y0 || x1 <= x0; }
};

/// A rectangle of an image of ny rows of nx pixels: the first of `pixels` is its pixel (y0, x0).
template <class T>
struct Window {
    View2D<T> pixels;
    Index y0 = 0, x0 = 0;
    Index ny = 0, nx = 0;

    Box box() const { return {y0, y0 + pixels.ny, x0, x0 + pixels.nx}; }
};

}  // namespace cblot
