// Images and mappings for the tests.
#pragma once

#include <random>
#include <vector>

#include "cblot/blot.hpp"

using cblot::Index;

inline constexpr cblot::Kernel kKernels[] = {
#define CBLOT_KERNEL(name, ...) cblot::Kernel::name,
#include "cblot/kernels.def"
};

/// Memory of an image, and a view of it.
template <class T>
struct Image {
    Image(Index ny, Index nx, T value = T(0))
        : memory(std::size_t(ny * nx), value), ny_(ny), nx_(nx) {}

    cblot::View2D<T> view() { return {memory.data(), ny_, nx_, nx_, 1}; }
    cblot::View2D<const T> cview() const { return {memory.data(), ny_, nx_, nx_, 1}; }

    std::vector<T> memory;

  private:
    Index ny_, nx_;
};

template <class T>
Image<T> noise(Index ny, Index nx, unsigned seed = 1) {
    Image<T> image(ny, nx);
    std::mt19937 generator(seed);
    std::uniform_real_distribution<double> uniform(-1.0, 1.0);
    for (T& value : image.memory) {
        value = T(uniform(generator));
    }
    return image;
}

/// Positions of an affine mapping, as a pixmap.
struct Positions {
    Positions(Index ny, Index nx, double x0, double y0, double xx = 1.0, double xy = 0.0)
        : x(ny, nx), y(ny, nx) {
        for (Index j = 0; j < ny; ++j) {
            for (Index i = 0; i < nx; ++i) {
                x.view()(j, i) = x0 + xx * double(i) + xy * double(j);
                y.view()(j, i) = y0 + double(j) - xy * double(i);
            }
        }
    }

    cblot::Mapping mapping() const { return cblot::PixmapMapping{x.cview(), y.cview()}; }

    Image<double> x, y;
};
