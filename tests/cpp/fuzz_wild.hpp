// For the fuzzer: views whose sizes, strides and places are any numbers.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <vector>

#include "fuzz_bytes.hpp"

inline Index wild_index(Bytes& bytes, Index usual) {
    const bool far = bytes.whole(0, 3) == 0;
    return far ? bytes.take<Index>() : usual;
}

/// A view of 40 by 40 pixels, some of its numbers, or none, of any value.
template <class T>
cblot::View2D<T> wild_view(Bytes& bytes, T* data, Index size) {
    return {data, wild_index(bytes, size), wild_index(bytes, size), wild_index(bytes, 40),
            wild_index(bytes, 1)};
}

/// Whether a view lies in the memory of its 40 by 40 pixels.
template <class T>
bool is_there(const cblot::View2D<T>& view) {
    using Wide = long double;
    if (view.ny < 1 || view.ny > 40 || view.nx < 1 || view.nx > 40) {
        return false;
    }
    const Wide down = view.ny > 1 ? Wide(view.stride_y) * Wide(view.ny - 1) : 0;
    const Wide along = view.nx > 1 ? Wide(view.stride_x) * Wide(view.nx - 1) : 0;
    return std::min<Wide>(down, 0) + std::min<Wide>(along, 0) >= 0 &&
           std::max<Wide>(down, 0) + std::max<Wide>(along, 0) < 1600;
}

/// Whether no memory could hold a view.
template <class T>
bool is_absurd(const cblot::View2D<T>& view) {
    using Wide = long double;
    const Wide most = Wide(std::numeric_limits<Index>::max()) / 8 / sizeof(T);
    const auto far = [&](Index count, Index stride) {
        return count > 1 && std::abs(Wide(count) * Wide(stride)) > most;
    };
    return view.ny < 1 || view.nx < 1 || far(view.ny, view.stride_y) || far(view.nx, view.stride_x);
}

/// Sizes, strides and places of any value: what can't be is refused, whatever it adds up to.
inline void wild_views(Bytes& bytes) {
    std::vector<float> source(1600, 1.0F), out(1600);
    std::vector<double> x(1600, 3.0), y(1600, 3.0);
    const bool by_nodes = bytes.flag();
    const Index positions = by_nodes ? 12 : 40;
    const auto from = wild_view<const float>(bytes, source.data(), 40);
    const auto to = wild_view<float>(bytes, out.data(), 40);
    const auto in_x = wild_view<const double>(bytes, x.data(), positions);
    const auto in_y = wild_view<const double>(bytes, y.data(), positions);
    const Index y0 = wild_index(bytes, 0), x0 = wild_index(bytes, 0);
    const cblot::Window<const float> window{from, y0, x0, wild_index(bytes, from.ny),
                                            wild_index(bytes, from.nx)};
    const bool there = is_there(from) && is_there(to) && is_there(in_x) && is_there(in_y);
    const bool absurd = is_absurd(from) || is_absurd(to) || is_absurd(in_x) || is_absurd(in_y);
    if (!there && !absurd) {
        return;  // not to be known from numbers alone
    }
    cblot::Mapping mapping = cblot::PixmapMapping{in_x, in_y};
    if (by_nodes) {
        mapping = cblot::NodeMapping{in_x, in_y, 4};
    }
    const cblot::Options options;
    bool taken = true;
    try {
        cblot::blot_window<float, float>(window, mapping, {to, 0, 0, to.ny, to.nx}, options);
    } catch (const cblot::Error&) {
        taken = false;
    }
    if (taken && absurd) {
        std::fprintf(stderr, "a view that no memory holds was taken\n");
        std::abort();
    }
    const cblot::Box region{y0, wild_index(bytes, 40), x0, wild_index(bytes, 40)};
    try {
        cblot::source_box(cblot::ExactMapping(), 40, 40, region, window.ny, window.nx, options);
    } catch (const cblot::Error&) {
        return;
    }
}
