// Strided views of two-dimensional images: the only way pixels enter or leave the core.
#pragma once

#include <cstddef>

namespace cblot {

/// Signed sizes and indices, so that an index left of or below the image is representable.
using Index = std::ptrdiff_t;

/// A borrowed image of ny rows of nx pixels. Strides are in elements and may be zero or negative.
template <class T>
struct View2D {
    T* data = nullptr;
    Index ny = 0;
    Index nx = 0;
    Index stride_y = 0;
    Index stride_x = 1;

    T& operator()(Index j, Index i) const { return data[j * stride_y + i * stride_x]; }
};

}  // namespace cblot
