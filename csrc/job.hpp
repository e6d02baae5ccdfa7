// What passes between the dispatcher and the code compiled for one instruction set: plain data.
#pragma once

#include "cblot/blot.hpp"
#include "positions.hpp"

namespace cblot {

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

/// An image, and where its values go.
template <class T, class Out>
struct PlaneJob {
    Samples<T> source;
    // Where only a window of the source is there: the window, and how far from its base pixel a
    // value may have samples. Negative where nothing can be missing.
    Box window;
    Index reach = -1;
    View2D<Out> out;
    Index out_origin = 0;  // pixel (j, i) is out.data[out_origin + j * stride_y + i * stride_x]
    Options options;
};

/// Planes, of source images of one size and windows of one box, at one set of positions.
template <class T, class Out, int N = 1>
struct Job {
    PlaneJob<T, Out> planes[N];
    Box frame;  // the whole output, beyond which no sink sees
    Positions positions;
};

/// What a tile returns if the window lacks samples that it needs.
inline constexpr Index kBeyondWindow = -1;

/// Blots the output pixels of a box and returns how many were covered, or kBeyondWindow. Shares
/// nothing with other calls but what it reads.
template <class T, class Out, int N = 1>
using TileFn = Index (*)(const Job<T, Out, N>&, const Box&);

}  // namespace cblot
