// Validates a call, chooses its functions once, and works through the output in tiles.
#include "cblot/blot.hpp"

#include <algorithm>
#include <mutex>
#include <type_traits>
#include <utility>

#include "box.hpp"
#include "check.hpp"
#include "dispatch.hpp"
#include "mapping/exact.hpp"
#include "overlap.hpp"
#include "parallel.hpp"
#include "source_box.hpp"

namespace cblot {

namespace {

// A tile is the unit of work between polls: some hundred microseconds.
constexpr Index kTilePixels = 65536;

// spline3: the region that is prefiltered at once, and what its box may take in all threads
// together; beyond that the region is split.
constexpr Index kSplineRows = 256;
constexpr Index kSplineColumns = 512;
constexpr Index kSplinePixels = 1 << 21;          // of a tile
constexpr Index kSplineCallbackPixels = 1 << 17;  // a callback may hold twenty arrays of them
constexpr Index kSplineBytes = 32 << 20;

[[noreturn]] void fail_beyond(const Box& window) {
    fail("the mapping needs more of the source than its window of rows " +
         std::to_string(window.y0) + " to " + std::to_string(window.y1) + " and columns " +
         std::to_string(window.x0) + " to " + std::to_string(window.x1) +
         "; source_box tells what it needs");
}

Box joined(const Box& a, const Box& b) {
    if (a.empty() || b.empty()) {
        return a.empty() ? b : a;
    }
    return {std::min(a.y0, b.y0), std::max(a.y1, b.y1), std::min(a.x0, b.x0), std::max(a.x1, b.x1)};
}

template <class A, class B>
void check_apart(const View2D<A>& a, const char* name, const View2D<B>& b, const char* other) {
    check_apart(Footprint(a), name, Footprint(b), other);
}

/// Works on tiles whose kernel samples the source itself. One a thread.
template <class T, class Out>
class TileWorker {
  public:
    TileWorker(const PlannedMapping& plan, const Job<T, Out>& job, TileFn<T, Out> tile)
        : plan_(plan), job_(job), tile_(tile) {}

    Index operator()(const Box& tile) {
        plan_.open(tile.y0, tile.y1, positions_);
        job_.positions = positions_.positions;
        const Index covered = tile_(job_, tile);
        if (covered == kBeyondWindow) {
            fail_beyond(job_.window);
        }
        return covered;
    }

  private:
    const PlannedMapping& plan_;
    Job<T, Out> job_;
    TileFn<T, Out> tile_;
    TilePositions positions_;
};

/// Works on tiles whose kernel samples spline coefficients: makes those of each region's source
/// box.
template <class T, class Out>
class SplineWorker {
  public:
    SplineWorker(const PlannedMapping& plan, const Job<T, Out>& job, SourceBoxFn box,
                 const KernelRow<T, Out>& row, Index bytes)
        : plan_(plan), job_(job), source_box_(box), row_(row), bytes_(bytes) {}

    Index operator()(const Box& tile) {
        plan_.open(tile.y0, tile.y1, positions_);
        job_.positions = positions_.positions;
        Index covered = 0;
        for (Index i = tile.x0; i < tile.x1; i += kSplineColumns) {
            covered += blot(Box{tile.y0, tile.y1, i, std::min(i + kSplineColumns, tile.x1)});
        }
        return covered;
    }

  private:
    Index blot(const Box& region) {
        const Samples<T>& source = job_.source;
        const Box box = source_box_(job_.positions, region, source.ny, source.nx, row_.reach);
        if (job_.reach >= 0 &&
            !holds(job_.window, grown(box, row_.prefilter.reach, source.ny, source.nx))) {
            fail_beyond(job_.window);
        }
        const Index samples = box.height() * box.width();
        const Index work = box.empty() ? 0 : row_.prefilter.work(box);
        const bool single = region.height() == 1 && region.width() == 1;
        // In double: of the widest boxes, the bytes are more than an Index holds.
        const double bytes = (double(samples) + double(work)) * double(sizeof(T));
        if (!single && bytes > double(bytes_)) {
            const auto [first, second] = halves(region);
            return blot(first) + blot(second);
        }
        Job<T, Out> own = job_;
        // The box of coefficients holds all that is needed, unless positions in the caller's memory
        // are others when they are read again.
        own.window = box;
        own.reach = plan_.borrowed() ? row_.reach : -1;
        if (!box.empty()) {
            coefficients_.resize(std::size_t(samples));
            work_.resize(std::size_t(work));
            row_.prefilter.run(source, box, coefficients_.data(), work_.data());
            own.source = {coefficients_.data(),
                          -box.y0 * box.width() - box.x0,
                          box.width(),
                          1,
                          source.ny,
                          source.nx,
                          box.x0,
                          box.x1};
        }
        const Index covered = row_.tile(own, region);
        if (covered == kBeyondWindow) {
            fail("the mapping's positions changed while they were used");
        }
        return covered;
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
    Job<T, Out> job_;
    SourceBoxFn source_box_;
    KernelRow<T, Out> row_;
    Index bytes_;
    TilePositions positions_;
    std::vector<T> coefficients_, work_;
};

/// Writes the positions themselves.
class PositionsWorker {
  public:
    PositionsWorker(const PlannedMapping& plan, double origin, const View2D<double>& x,
                    const View2D<double>& y)
        : plan_(plan), origin_(origin), x_(x), y_(y) {}

    Index operator()(const Box& tile) {
        plan_.open(tile.y0, tile.y1, positions_);
        double x[kBlock + kPad], y[kBlock + kPad];
        for (Index j = tile.y0; j < tile.y1; ++j) {
            for (Index i = tile.x0; i < tile.x1; i += kBlock) {
                const Index n = std::min(kBlock, tile.x1 - i);
                positions_.positions(j, i, n, x, y);
                for (Index p = 0; p < n; ++p) {
                    x_(j, i + p) = x[p] + origin_;
                    y_(j, i + p) = y[p] + origin_;
                }
            }
        }
        return 0;
    }

  private:
    const PlannedMapping& plan_;
    double origin_;
    View2D<double> x_, y_;
    TilePositions positions_;
};

template <class T, class Out>
Job<T, Out> make_job(const Window<const T>& source, const Window<Out>& out, Index reach,
                     const Options& options) {
    Job<T, Out> job;
    const View2D<const T> pixels = with_used_strides(source.pixels);
    const Box window = source.box();
    job.source = {pixels.data,     -source.y0 * pixels.stride_y - source.x0 * pixels.stride_x,
                  pixels.stride_y, pixels.stride_x,
                  source.ny,       source.nx,
                  window.x0,       window.x1};
    job.window = window;
    job.reach = pixels.ny == source.ny && pixels.nx == source.nx ? -1 : reach;
    job.out = with_used_strides(out.pixels);
    job.out_origin = -out.y0 * job.out.stride_y - out.x0 * job.out.stride_x;
    job.options = options;
    return job;
}

template <class T, class Out>
Index blot_plain(const Window<const T>& source, const PlannedMapping& plan, const Window<Out>& out,
                 const Options& options) {
    const KernelRow<T, Out> row =
        kernel_table<T, Out>(options.isa).row(options.kernel, options.sinscl != 1.0);
    const Job<T, Out> job = make_job(source, out, row.reach, options);
    const Box region = out.box();
    const Index width = plan.row_width(region);
    const int threads = threads_of(options, plan.single_thread());
    if (row.prefilter.run == nullptr) {
        return for_tiles(region, rows_of(kTilePixels, width), threads, options,
                         [&] { return TileWorker<T, Out>(plan, job, row.tile); });
    }
    const Index most = plan.single_thread() ? kSplineCallbackPixels : kSplinePixels;
    const Index rows = rows_of(std::min(kSplineRows * width, most), width);
    const Index bytes = kSplineBytes / tasks_of(region, rows, threads);
    const SourceBoxFn box = functions<SourceBoxFunctions>(options.isa).plain;
    return for_tiles(region, rows, threads, options,
                     [&] { return SplineWorker<T, Out>(plan, job, box, row, bytes); });
}

template <class Out>
Index blot_classic(const Window<const float>& source, const PlannedMapping& plan,
                   const Window<Out>& out, const Options& options) {
    const KernelRow<float, Out> row =
        classic_table<Out>(options.isa).row(options.kernel, options.classic);
    const Job<float, Out> job = make_job(source, out, row.reach, options);
    const int threads = threads_of(options, plan.single_thread());
    const Box region = out.box();
    return for_tiles(region, rows_of(kTilePixels, plan.row_width(region)), threads, options,
                     [&] { return TileWorker<float, Out>(plan, job, row.tile); });
}

/// From a base pixel to the farthest sample that its value depends on, in either type.
Index source_reach(const Options& options) {
    if (options.classic != Classic::off) {
        return classic_table<float>(options.isa).row(options.kernel, options.classic).reach;
    }
    // A coefficient of a double spline depends on more samples than one of float.
    const auto row =
        kernel_table<double, float>(options.isa).row(options.kernel, options.sinscl != 1.0);
    return row.reach + row.prefilter.reach;
}

}  // namespace

template <class Source, class Out>
Index blot(View2D<const Source> source, const Mapping& mapping, View2D<Out> out,
           const Options& options) {
    return blot_window<Source, Out>({source, 0, 0, source.ny, source.nx}, mapping,
                                    {out, 0, 0, out.ny, out.nx}, options);
}

template <class Source, class Out>
Index blot_window(const Window<const Source>& source, const Mapping& mapping,
                  const Window<Out>& out, const Options& given) {
    const Options options = known(given);
    check_window(source, "source");
    check_window(out, "out");
    check_places(out.pixels, "out");
    check_apart(out.pixels, "out", source.pixels, "source");
    const bool classic = options.classic != Classic::off;
    const auto plan = mapping.held().plan({out.ny, out.nx, options.isa, classic});
    mapping.held().check_output(Footprint(out.pixels), "out");
    if (!classic) {
        return blot_plain(source, *plan, out, options);
    }
    if constexpr (std::is_same_v<Source, float>) {
        return blot_classic(source, *plan, out, options);
    } else {
        fail("classic arithmetic takes a float source, got double");
    }
}

Box source_box(const Mapping& mapping, Index ny, Index nx, const Box& region, Index source_ny,
               Index source_nx, const Options& given) {
    const Options options = known(given);
    const char none = 0;
    const auto check_size = [&none](Index height, Index width, const char* name) {
        check_view(View2D<const char>{&none, height, width, 0, 0}, name);
    };
    check_size(ny, nx, "the output");
    check_box(region, "the region", ny, nx);
    check_size(region.height(), region.width(), "the region");
    check_size(source_ny, source_nx, "source");
    const bool classic = options.classic != Classic::off;
    const auto plan = mapping.held().plan({ny, nx, options.isa, classic});
    // The base of a value may be the pixel after the one below its position.
    const Index reach = 1 + source_reach(options);
    const auto boxes = functions<SourceBoxFunctions>(options.isa);
    const SourceBoxFn function = classic ? boxes.classic : boxes.plain;
    Box box;
    std::mutex mutex;
    const Index rows = rows_of(kTilePixels, plan->row_width(region));
    for_tiles(region, rows, threads_of(options, plan->single_thread()), options, [&] {
        return [&, positions = TilePositions()](const Box& tile) mutable {
            plan->open(tile.y0, tile.y1, positions);
            const Box found = function(positions.positions, tile, source_ny, source_nx, reach);
            const std::lock_guard<std::mutex> lock(mutex);
            box = joined(box, found);
            return Index(0);
        };
    });
    return box;
}

void positions(const Mapping& mapping, double origin, View2D<double> x, View2D<double> y,
               const Options& given) {
    const Options options = known(given);
    check_view(x, "x");
    check_shape(View2D<const double>{y.data, y.ny, y.nx, y.stride_y, y.stride_x}, "y", x.ny, x.nx);
    check_places(x, "x");
    check_places(y, "y");
    check_apart(x, "x", y, "y");
    const auto plan = mapping.held().plan({x.ny, x.nx, options.isa, false});
    mapping.held().check_output(Footprint(x), "x");
    mapping.held().check_output(Footprint(y), "y");
    const int threads = threads_of(options, plan->single_thread());
    for_tiles({0, x.ny, 0, x.nx}, rows_of(kTilePixels, x.nx), threads, options,
              [&] { return PositionsWorker(*plan, origin, x, y); });
}

void nodes(const ExactMapping& mapping, Index step, View2D<double> x, View2D<double> y,
           const Options& given) {
    const Options options = known(given);
    if (step < 1 || step > kMaxAxis) {
        fail("the step of a node grid must be from 1 to " + std::to_string(kMaxAxis) + ", got " +
             std::to_string(step));
    }
    check_view(x, "x");
    check_shape(View2D<const double>{y.data, y.ny, y.nx, y.stride_y, y.stride_x}, "y", x.ny, x.nx);
    check_places(x, "x");
    check_places(y, "y");
    check_apart(x, "x", y, "y");
    const PlannedExact planned(mapping, options.isa);
    const auto make_nodes = functions<ExactFunctions>(options.isa).nodes;
    for_tiles(
        {0, x.ny, 0, x.nx}, rows_of(kTilePixels, x.nx), threads_of(options, false), options, [&] {
            return [&](const Box& tile) {
                double px[kBlock + kPad], py[kBlock + kPad];
                for (Index l = tile.y0; l < tile.y1; ++l) {
                    for (Index k = tile.x0; k < tile.x1; k += kBlock) {
                        const Index n = std::min(kBlock, tile.x1 - k);
                        make_nodes(planned.plan(), step, double(l) * double(step), k, n, px, py);
                        for (Index p = 0; p < n; ++p) {
                            x(l, k + p) = px[p] + 1.0;
                            y(l, k + p) = py[p] + 1.0;
                        }
                    }
                }
                return Index(0);
            };
        });
}

void positions_at(const ExactMapping& mapping, Index count, double* x, double* y,
                  const Options& given) {
    const Options options = known(given);
    if (count < 0 || (count > 0 && (x == nullptr || y == nullptr))) {
        fail("there must be count positions in x and y, got count " + std::to_string(count));
    }
    if (count > 0) {
        check_apart(View2D<double>{x, 1, count}, "x", View2D<double>{y, 1, count}, "y");
    }
    const PlannedExact planned(mapping, options.isa);
    functions<ExactFunctions>(options.isa).at(planned.plan(), count, x, y);
}

#define CBLOT_INSTANTIATE(Source, Out)                                                \
    template CBLOT_API Index blot(View2D<const Source>, const Mapping&, View2D<Out>,  \
                                  const Options&);                                    \
    template CBLOT_API Index blot_window(const Window<const Source>&, const Mapping&, \
                                         const Window<Out>&, const Options&);

CBLOT_INSTANTIATE(float, float)
CBLOT_INSTANTIATE(float, double)
CBLOT_INSTANTIATE(double, float)
CBLOT_INSTANTIATE(double, double)

}  // namespace cblot
