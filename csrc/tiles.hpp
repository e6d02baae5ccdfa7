// Works through a region of the output in tiles: opens their positions, makes the coefficients that
// they sample, and refuses a window of the source that is too small.
#pragma once

#include <algorithm>
#include <cmath>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "box.hpp"
#include "check.hpp"
#include "dispatch.hpp"
#include "mapping/planned.hpp"
#include "parallel.hpp"
#include "source_box.hpp"

namespace cblot {

// A tile is the unit of work between polls: some hundred microseconds.
inline constexpr Index kTilePixels = 65536;

// A row of a tile crosses no more rows of the source than this, if it can be as short as
// kLeastColumns: so many cache lines, and perhaps as many pages, have to stay at hand until the
// next row.
inline constexpr double kRowsCrossed = 64.0;
inline constexpr Index kLeastColumns = 128;

// spline3: the region that is prefiltered at once, and what its box may take in all threads
// together; beyond that the region is split.
inline constexpr Index kSplineRows = 256;
inline constexpr Index kSplineColumns = 512;
inline constexpr Index kSplinePixels = 1 << 21;          // of a tile
inline constexpr Index kSplineCallbackPixels = 1 << 17;  // a callback may hold twenty arrays
inline constexpr Index kSplineBytes = 32 << 20;

[[noreturn]] inline void fail_beyond(const Box& window) {
    fail("the mapping needs more of the source than its window of rows " +
         std::to_string(window.y0) + " to " + std::to_string(window.y1) + " and columns " +
         std::to_string(window.x0) + " to " + std::to_string(window.x1) +
         "; source_box tells what it needs");
}

/// A plane of checked windows, for a kernel of that reach.
template <class T, class Out>
PlaneJob<T, Out> plane_job(const Window<const T>& source, const Window<Out>& out,
                           const Options& options, Index reach) {
    PlaneJob<T, Out> plane;
    const View2D<const T> pixels = with_used_strides(source.pixels);
    const Box window = source.box();
    plane.source = {pixels.data,     -source.y0 * pixels.stride_y - source.x0 * pixels.stride_x,
                    pixels.stride_y, pixels.stride_x,
                    source.ny,       source.nx,
                    window.x0,       window.x1};
    plane.window = window;
    plane.reach = pixels.ny == source.ny && pixels.nx == source.nx ? -1 : reach;
    plane.out = with_used_strides(out.pixels);
    plane.out_origin = -out.y0 * plane.out.stride_y - out.x0 * plane.out.stride_x;
    plane.options = options;
    return plane;
}

/// How many rows of the source a pixel of an output row is from the next, as in most of a few
/// places of a region; 0 if no position is a number there.
inline double slope_of(const PlannedMapping& plan, const Box& region) {
    constexpr Index kPlaces = 3, kApart = 16;
    const Index n = std::min(region.width(), kApart);
    std::vector<double> slopes;
    TilePositions opened;
    double x[kApart + kPad], y[kApart + kPad];
    for (Index v = 1; v <= kPlaces; ++v) {
        const Index j = region.y0 + region.height() * v / (kPlaces + 1);
        plan.open(j, j + 1, opened);
        for (Index u = 1; u <= kPlaces && n > 1; ++u) {
            opened.positions(j, region.x0 + (region.width() - n) * u / (kPlaces + 1), n, x, y);
            const double slope = std::abs(y[n - 1] - y[0]) / double(n - 1);
            if (std::isfinite(slope)) {
                slopes.push_back(slope);
            }
        }
    }
    if (slopes.empty()) {
        return 0.0;
    }
    const auto middle = slopes.begin() + std::ptrdiff_t(slopes.size() / 2);
    std::nth_element(slopes.begin(), middle, slopes.end());
    return *middle;
}

/// Tiles of whole rows, or where rows of the output cross those of the source, narrow and high.
inline TileShape tile_shape(const PlannedMapping& plan, const Box& region) {
    TileShape shape = whole_rows(region, kTilePixels, plan.whole_row());
    if (plan.whole_row() > 0 || region.width() <= kLeastColumns) {
        return shape;
    }
    const double most = kRowsCrossed / slope_of(plan, region);
    if (most < double(region.width())) {
        shape.columns = kLeastColumns;
        while (double(2 * shape.columns) <= most) {
            shape.columns *= 2;
        }
        shape.rows = kTilePixels / shape.columns;
    }
    return shape;
}

/// Works on tiles whose kernels sample the sources themselves. One a thread.
template <class T, class Out, int N>
class TileWorker {
  public:
    TileWorker(const PlannedMapping& plan, const Job<T, Out, N>& job,
               const KernelRow<T, Out, N>& row)
        : plan_(plan), job_(job), row_(row) {}

    Index operator()(const Box& tile) {
        const Box seen = grown(tile, row_.halo, job_.frame.y1, job_.frame.x1);
        plan_.open(seen.y0, seen.y1, positions_);
        job_.positions = positions_.positions;
        const Index covered = row_.tile(job_, tile);
        if (covered == kBeyondWindow) {
            fail_beyond(job_.planes[0].window);
        }
        return covered;
    }

  private:
    const PlannedMapping& plan_;
    Job<T, Out, N> job_;
    KernelRow<T, Out, N> row_;
    TilePositions positions_;
};

/// Works on tiles of which a kernel samples spline coefficients: makes those of each region's
/// source box.
template <class T, class Out, int N>
class SplineWorker {
  public:
    SplineWorker(const PlannedMapping& plan, const Job<T, Out, N>& job,
                 const KernelRow<T, Out, N>& row, SourceBoxFn box, Index bytes)
        : plan_(plan), job_(job), row_(row), source_box_(box), bytes_(bytes) {}

    Index operator()(const Box& tile) {
        const Box seen = grown(tile, row_.halo, job_.frame.y1, job_.frame.x1);
        plan_.open(seen.y0, seen.y1, positions_);
        job_.positions = positions_.positions;
        Index covered = 0;
        for (Index i = tile.x0; i < tile.x1; i += kSplineColumns) {
            covered += blot(Box{tile.y0, tile.y1, i, std::min(i + kSplineColumns, tile.x1)});
        }
        return covered;
    }

  private:
    Index blot(const Box& region) {
        const Box seen = grown(region, row_.halo, job_.frame.y1, job_.frame.x1);
        const Index ny = job_.planes[0].source.ny, nx = job_.planes[0].source.nx;
        const Box bases = source_box_(job_.positions, seen, ny, nx, 0);
        Box boxes[N];
        double bytes = 0.0;  // in double: of the widest boxes, they are more than an Index holds
        for (int k = 0; k < N; ++k) {
            const Prefilter<T>& prefilter = row_.taps[k].prefilter;
            if (prefilter.run == nullptr) {
                continue;
            }
            const PlaneJob<T, Out>& plane = job_.planes[k];
            boxes[k] = grown(bases, row_.taps[k].reach, ny, nx);
            if (plane.reach >= 0 &&
                !holds(plane.window, grown(boxes[k], prefilter.reach, ny, nx))) {
                fail_beyond(plane.window);
            }
            if (!boxes[k].empty()) {
                bytes += (double(samples(boxes[k])) + double(prefilter.work(boxes[k]))) *
                         double(sizeof(T));
            }
        }
        const bool single = region.height() == 1 && region.width() == 1;
        if (!single && bytes > double(bytes_)) {
            const auto [first, second] = halves(region);
            return blot(first) + blot(second);
        }
        Job<T, Out, N> own = job_;
        for (int k = 0; k < N; ++k) {
            if (row_.taps[k].prefilter.run != nullptr) {
                take_coefficients(k, boxes[k], own.planes[k]);
            }
        }
        const Index covered = row_.tile(own, region);
        if (covered == kBeyondWindow) {
            for (int k = 0; k < N; ++k) {
                if (row_.taps[k].prefilter.run == nullptr && own.planes[k].reach >= 0) {
                    fail_beyond(own.planes[k].window);
                }
            }
            fail("the mapping's positions changed while they were used");
        }
        return covered;
    }

    static Index samples(const Box& box) { return box.height() * box.width(); }

    /// Has plane k sample coefficients of a box.
    void take_coefficients(int k, const Box& box, PlaneJob<T, Out>& plane) {
        const Taps<T>& taps = row_.taps[k];
        // The box of coefficients holds all that is needed, unless positions in the caller's memory
        // are others when they are read again.
        plane.window = box;
        plane.reach = plan_.borrowed() ? taps.reach : -1;
        if (box.empty()) {
            return;
        }
        std::vector<T>& coefficients = coefficients_[k];
        coefficients.resize(std::size_t(samples(box)));
        work_.resize(std::size_t(taps.prefilter.work(box)));
        const Samples<T> source = plane.source;
        taps.prefilter.run(source, box, coefficients.data(), work_.data());
        plane.source = {coefficients.data(),
                        -box.y0 * box.width() - box.x0,
                        box.width(),
                        1,
                        source.ny,
                        source.nx,
                        box.x0,
                        box.x1};
    }

    static std::pair<Box, Box> halves(const Box& box) {
        Box first = box, second = box;
        if (box.height() >= box.width()) {
            first.y1 = second.y0 = box.y0 + box.height() / 2;
        } else {
            first.x1 = second.x0 = box.x0 + box.width() / 2;
        }
        return {first, second};
    }

    const PlannedMapping& plan_;
    Job<T, Out, N> job_;
    KernelRow<T, Out, N> row_;
    SourceBoxFn source_box_;
    Index bytes_;
    TilePositions positions_;
    std::vector<T> coefficients_[N], work_;
};

/// Blots a region of the output and returns how many of its pixels are covered. `box` is that of
/// the row's arithmetic.
template <class T, class Out, int N>
Index blot_region(const Box& region, const PlannedMapping& plan, const Job<T, Out, N>& job,
                  const KernelRow<T, Out, N>& row, SourceBoxFn box, const Options& options) {
    const int threads = threads_of(options, plan.single_thread());
    const bool splines =
        std::any_of(std::begin(row.taps), std::end(row.taps),
                    [](const auto& taps) { return taps.prefilter.run != nullptr; });
    if (!splines) {
        return for_tiles(region, tile_shape(plan, region), threads, options,
                         [&] { return TileWorker<T, Out, N>(plan, job, row); });
    }
    const Index most = plan.single_thread() ? kSplineCallbackPixels : kSplinePixels;
    const Index width = std::max(region.width(), plan.whole_row());
    const TileShape shape = whole_rows(region, std::min(kSplineRows * width, most), width);
    const Index bytes = kSplineBytes / tasks_of(region, shape, threads);
    return for_tiles(region, shape, threads, options,
                     [&] { return SplineWorker<T, Out, N>(plan, job, row, box, bytes); });
}

}  // namespace cblot
