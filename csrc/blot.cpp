// Validates a call and chooses its functions once.
#include "cblot/blot.hpp"

#include <algorithm>
#include <mutex>
#include <type_traits>

#include "box.hpp"
#include "check.hpp"
#include "dispatch.hpp"
#include "mapping/exact.hpp"
#include "overlap.hpp"
#include "parallel.hpp"
#include "source_box.hpp"
#include "tiles.hpp"

namespace cblot {

namespace {

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
Index blot_through(const KernelRow<T, Out>& row, const Window<const T>& source,
                   const PlannedMapping& plan, const Window<Out>& out, const Options& options) {
    const auto boxes = functions<SourceBoxFunctions>(options.isa);
    const Job<T, Out> job{
        {plane_job(source, out, options, row.taps[0].reach)}, {0, out.ny, 0, out.nx}, {}};
    return blot_region(out.box(), plan, job, row,
                       options.classic == Classic::off ? boxes.plain : boxes.classic, options);
}

/// From a base pixel to the farthest sample that its value depends on, in either type.
Index source_reach(const Options& options) {
    if (options.classic != Classic::off) {
        return functions<ClassicTable<float>>(options.isa)
            .row(options.kernel, options.classic)
            .taps[0]
            .reach;
    }
    // A coefficient of a double spline depends on more samples than one of float.
    const Taps<double> taps = functions<KernelTable<double, float>>(options.isa)
                                  .row(options.kernel, options.sinscl != 1.0)
                                  .taps[0];
    return taps.reach + taps.prefilter.reach;
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
        const auto table = functions<KernelTable<Source, Out>>(options.isa);
        return blot_through(table.row(options.kernel, options.sinscl != 1.0), source, *plan, out,
                            options);
    }
    if constexpr (std::is_same_v<Source, float>) {
        const auto table = functions<ClassicTable<Out>>(options.isa);
        return blot_through(table.row(options.kernel, options.classic), source, *plan, out,
                            options);
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
    const TileShape shape = whole_rows(region, kTilePixels, plan->whole_row());
    for_tiles(region, shape, threads_of(options, plan->single_thread()), options, [&] {
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
    const Box frame{0, x.ny, 0, x.nx};
    for_tiles(frame, whole_rows(frame, kTilePixels), threads, options,
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
    const Box grid{0, x.ny, 0, x.nx};
    for_tiles(grid, whole_rows(grid, kTilePixels), threads_of(options, false), options, [&] {
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
