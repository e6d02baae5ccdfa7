// What passes between the dispatcher and the code compiled for one instruction set: plain data.
#pragma once

#include <cstdint>

#include "cblot/blot.hpp"

namespace cblot {

/// Output pixels worked on at once: positions, then weights, then samples of a whole block.
inline constexpr Index kBlock = 256;

/// Blocks are padded to a multiple of this, so that loops over a block have no remainder.
inline constexpr Index kPad = 16;

/// Pixels the sampler reads: sample (j, i) is data[origin + j * stride_y + i * stride_x], for
/// 0 <= j < ny and 0 <= i < nx. data may hold just a box of the image: then the origin is not 0,
/// and only columns x_begin <= i < x_end are there.
template <class T>
struct Samples {
    const T* data = nullptr;
    Index origin = 0;
    Index stride_y = 0, stride_x = 1;
    Index ny = 0, nx = 0;
    Index x_begin = 0, x_end = 0;
};

/// A node grid, its cells dense and checked, with the fractions between two nodes: of the m-th
/// position after a node, m / step, and, for the classic mean, of each output column as drizzlepac
/// rounds it.
struct NodePlan {
    NodeMapping nodes;
    const double* t = nullptr;
    const double* column_t = nullptr;
    const std::int32_t* cells = nullptr;  // null where all are of nodes
    Index cell_columns = 0, patch_height = 0;
};

/// Positions held in memory; the first row held is that of output row first_row.
struct PixmapPlan {
    PixmapMapping pixmap;
    Index first_row = 0;
};

/// A distortion table: the element under position p of an axis is p * scale + shift, 0-based.
struct TablePlan {
    const float* data = nullptr;  // dense rows; null if there is no table
    Index ny = 0, nx = 0;
    double scale_x = 0.0, shift_x = 0.0, scale_y = 0.0, shift_y = 0.0;
    bool by_pixel = false;  // along x, element after element lies under pixel after pixel
    bool finite = true;     // whether all elements are numbers
};

inline constexpr int kMaxSipOrder = 20;

/// Two polynomials of u and v of one order: the factor of u^p v^q is [p * (order + 1) + q]. An
/// order of -1 stands for none.
struct PolynomialPlan {
    const double *a = nullptr, *b = nullptr;
    int order = -1;
};

/// ExactMapping made ready: the projections are one homography of (u, v) = focal position - origin,
/// to (X, Y, W), and the source position is (X / W, Y / W) + (x0, y0).
struct ExactPlan {
    TablePlan detector_x, detector_y, table_x, table_y;
    double most_detector_x = 0.0;  // no detector correction is greater than this; NaN if unknown
    PolynomialPlan sip;
    double sip_x = 0.0, sip_y = 0.0;
    double origin_x = 0.0, origin_y = 0.0;
    double h[3][3] = {};
    double x0 = 0.0, y0 = 0.0;
};

/// Writes the source positions of output pixels (i ... i + n - 1, j), n <= kBlock. Up to kPad
/// elements beyond the n-th may be overwritten.
using PositionsFn = void (*)(const void* plan, Index j, Index i, Index n, double* x, double* y);

struct Positions {
    PositionsFn fill = nullptr;
    const void* plan = nullptr;

    void operator()(Index j, Index i, Index n, double* x, double* y) const {
        fill(plan, j, i, n, x, y);
    }
};

template <class T, class Out>
struct Job {
    Samples<T> source;
    // Where only a window of the source is there: the window, and how far from its base pixel a
    // value may have samples. Negative where nothing can be missing.
    Box window;
    Index reach = -1;
    View2D<Out> out;
    Index out_origin = 0;  // pixel (j, i) is out.data[out_origin + j * stride_y + i * stride_x]
    Positions positions;
    double sinscl = 1.0;
    double exptime = 1.0;
    double pix_ratio = 1.0;
    double fill = 0.0;
};

/// What a tile returns if the window lacks samples that it needs.
inline constexpr Index kBeyondWindow = -1;

/// Blots the output pixels of a box and returns how many were covered, or kBeyondWindow. Shares
/// nothing with other calls but what it reads.
template <class T, class Out>
using TileFn = Index (*)(const Job<T, Out>&, const Box&);

}  // namespace cblot
