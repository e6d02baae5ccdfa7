// Validates a call, chooses its functions once, and works through the output in tiles.
#include "cblot/blot.hpp"

#include <algorithm>
#include <type_traits>
#include <utility>

#include "check.hpp"
#include "dispatch.hpp"
#include "plan.hpp"
#include "tiles.hpp"

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

/// Works on tiles whose kernel samples the source itself. One a thread.
template <class T, class Out>
class TileWorker {
  public:
    TileWorker(const MappingPlan& plan, const Job<T, Out>& job, TileFn<T, Out> tile)
        : plan_(plan), job_(job), tile_(tile) {}

    Index operator()(const Box& tile) {
        plan_.open(tile.y0, tile.y1, positions_);
        job_.positions = positions_.positions;
        return tile_(job_, tile);
    }

  private:
    const MappingPlan& plan_;
    Job<T, Out> job_;
    TileFn<T, Out> tile_;
    MappingPlan::TilePositions positions_;
};

/// Works on tiles whose kernel samples spline coefficients: makes those of each region's source
/// box.
template <class T, class Out>
class SplineWorker {
  public:
    SplineWorker(const MappingPlan& plan, const Job<T, Out>& job, const PositionTable& positions,
                 const KernelTable<T, Out>& table, const KernelRow<T, Out>& row, Index bytes)
        : plan_(plan),
          job_(job),
          source_box_(positions.source_box),
          table_(table),
          row_(row),
          bytes_(bytes) {}

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
        // Mirrored at the far edge, taps after the base pixel reach as far before it.
        const Index reach = std::max<Index>(-row_.offset, row_.offset + row_.width - 1);
        const Box box = source_box_(job_.positions, region, source.ny, source.nx, reach, reach);
        const Index samples = box.height() * box.width();
        const Index work = box.empty() ? 0 : table_.prefilter_work(box);
        const bool single = region.height() == 1 && region.width() == 1;
        // In double: of the widest boxes, the bytes are more than an Index holds.
        const double bytes = (double(samples) + double(work)) * double(sizeof(T));
        if (!single && bytes > double(bytes_)) {
            const auto [first, second] = halves(region);
            return blot(first) + blot(second);
        }
        Job<T, Out> own = job_;
        if (!box.empty()) {
            coefficients_.resize(std::size_t(samples));
            work_.resize(std::size_t(work));
            table_.prefilter(source, box, coefficients_.data(), work_.data());
            own.source = {coefficients_.data(),
                          -box.y0 * box.width() - box.x0,
                          box.width(),
                          1,
                          source.ny,
                          source.nx,
                          box.x0,
                          box.x1};
        }
        return row_.tile(own, region);
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

    const MappingPlan& plan_;
    Job<T, Out> job_;
    decltype(PositionTable::source_box) source_box_;
    KernelTable<T, Out> table_;
    KernelRow<T, Out> row_;
    Index bytes_;
    MappingPlan::TilePositions positions_;
    std::vector<T> coefficients_, work_;
};

/// Writes the positions themselves.
class PositionsWorker {
  public:
    PositionsWorker(const MappingPlan& plan, double origin, const View2D<double>& x,
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
    const MappingPlan& plan_;
    double origin_;
    View2D<double> x_, y_;
    MappingPlan::TilePositions positions_;
};

template <class T>
Samples<T> samples_of(const View2D<const T>& source) {
    return {source.data, 0, source.stride_y, source.stride_x, source.ny, source.nx, 0, source.nx};
}

template <class T, class Out>
Job<T, Out> make_job(const View2D<const T>& source, const View2D<Out>& out,
                     const Options& options) {
    Job<T, Out> job;
    job.source = samples_of(source);
    job.out = out;
    job.sinscl = options.sinscl;
    job.exptime = options.exptime;
    job.pix_ratio = options.pix_ratio;
    job.fill = options.fill;
    return job;
}

template <class T, class Out>
Index blot_exact(View2D<const T> source, const Mapping& mapping, View2D<Out> out,
                 const Options& options) {
    const KernelTable<T, Out> table = kernel_table<T, Out>(options.isa);
    const KernelRow<T, Out> row = table.row(options.kernel, options.sinscl != 1.0);
    const PositionTable positions = position_table(options.isa);
    const MappingPlan plan(mapping, out.ny, out.nx, positions, positions.nodes);
    const Job<T, Out> job = make_job(source, out, options);
    const int threads = threads_of(options, plan.single_thread());
    if (options.kernel != Kernel::spline3) {
        return for_tiles(out.ny, out.nx, kTilePixels, threads, options,
                         [&] { return TileWorker<T, Out>(plan, job, row.tile); });
    }
    const Index most = plan.single_thread() ? kSplineCallbackPixels : kSplinePixels;
    const Index pixels = std::min(kSplineRows * out.nx, most);
    const Index bytes = kSplineBytes / tasks_of(out.ny, out.nx, pixels, threads);
    return for_tiles(out.ny, out.nx, pixels, threads, options,
                     [&] { return SplineWorker<T, Out>(plan, job, positions, table, row, bytes); });
}

template <class Out>
Index blot_classic(View2D<const float> source, const Mapping& mapping, View2D<Out> out,
                   const Options& options) {
    const ClassicTable<Out> table = classic_table<Out>(options.isa);
    const TileFn<float, Out> tile_fn = table.tile(options.kernel, options.classic);
    const PositionTable positions = position_table(options.isa);
    const MappingPlan plan(mapping, out.ny, out.nx, positions, positions.classic_nodes);
    const Job<float, Out> job = make_job(source, out, options);
    const int threads = threads_of(options, plan.single_thread());
    return for_tiles(out.ny, out.nx, kTilePixels, threads, options,
                     [&] { return TileWorker<float, Out>(plan, job, tile_fn); });
}

}  // namespace

template <class Source, class Out>
Index blot(View2D<const Source> source, const Mapping& mapping, View2D<Out> out,
           const Options& given) {
    const Options options = known(given);
    check_view(source, "source");
    check_view(out, "out");
    if (options.classic == Classic::off) {
        return blot_exact(source, mapping, out, options);
    }
    if constexpr (std::is_same_v<Source, float>) {
        return blot_classic(source, mapping, out, options);
    } else {
        fail("classic arithmetic takes a float source, got double");
    }
}

void positions(const Mapping& mapping, double origin, View2D<double> x, View2D<double> y,
               const Options& given) {
    const Options options = known(given);
    check_view(x, "x");
    check_shape(View2D<const double>{y.data, y.ny, y.nx, y.stride_y, y.stride_x}, "y", x.ny, x.nx);
    const PositionTable table = position_table(options.isa);
    const MappingPlan plan(mapping, x.ny, x.nx, table, table.nodes);
    const int threads = threads_of(options, plan.single_thread());
    for_tiles(x.ny, x.nx, kTilePixels, threads, options,
              [&] { return PositionsWorker(plan, origin, x, y); });
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
    const PositionTable table = position_table(options.isa);
    const ExactPlanner planner(mapping);
    for_tiles(x.ny, x.nx, kTilePixels, threads_of(options, false), options, [&] {
        return [&](const Box& tile) {
            double px[kBlock + kPad], py[kBlock + kPad];
            for (Index l = tile.y0; l < tile.y1; ++l) {
                for (Index k = tile.x0; k < tile.x1; k += kBlock) {
                    const Index n = std::min(kBlock, tile.x1 - k);
                    table.exact_nodes(planner.plan(), step, double(l) * double(step), k, n, px, py);
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
    position_table(options.isa).exact_at(ExactPlanner(mapping).plan(), count, x, y);
}

template CBLOT_API Index blot(View2D<const float>, const Mapping&, View2D<float>, const Options&);
template CBLOT_API Index blot(View2D<const float>, const Mapping&, View2D<double>, const Options&);
template CBLOT_API Index blot(View2D<const double>, const Mapping&, View2D<float>, const Options&);
template CBLOT_API Index blot(View2D<const double>, const Mapping&, View2D<double>, const Options&);

}  // namespace cblot
