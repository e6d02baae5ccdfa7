// Validates a call, chooses its functions once, and works through the output in tiles.
#include "cblot/blot.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <memory>
#include <type_traits>
#include <utility>

#include "dispatch.hpp"

namespace cblot {

namespace {

struct Name {
    std::string_view name;
    Kernel kernel;
};

constexpr std::array<Name, 12> kNames{{{"nearest", Kernel::nearest},
                                       {"linear", Kernel::linear},
                                       {"poly3", Kernel::poly3},
                                       {"poly5", Kernel::poly5},
                                       {"spline3", Kernel::spline3},
                                       {"sinc", Kernel::sinc},
                                       {"lanczos3", Kernel::lanczos3},
                                       {"lanczos5", Kernel::lanczos5},
                                       {"bilinear", Kernel::linear},
                                       {"lsinc", Kernel::sinc},
                                       {"lan3", Kernel::lanczos3},
                                       {"lan5", Kernel::lanczos5}}};

// Base pixels are 32-bit; the margin is for the rounding up of a nearest pixel and of the taps.
constexpr Index kMaxAxis = std::numeric_limits<std::int32_t>::max() - 64;

// A tile is the unit of work between polls: some hundred microseconds.
constexpr Index kTilePixels = 65536;

// spline3: the region that is prefiltered at once, and the most samples its box may have (4 MB of
// doubles and twice that to work in); beyond that the region is split.
constexpr Index kSplineRows = 256;
constexpr Index kSplineColumns = 512;
constexpr Index kSplinePixels = 1 << 21;  // of a tile: a callback's positions are held that long
constexpr Index kSplineBox = 512 * 1024;

std::string shape_of(Index ny, Index nx) {
    return "(" + std::to_string(ny) + ", " + std::to_string(nx) + ")";
}

[[noreturn]] void fail(const std::string& message) { throw Error(message); }

template <class T>
void check_view(const View2D<T>& view, const char* name) {
    if (view.data == nullptr || view.ny < 1 || view.nx < 1) {
        fail(std::string(name) + " must not be empty, got shape " + shape_of(view.ny, view.nx));
    }
    if (view.ny > kMaxAxis || view.nx > kMaxAxis) {
        fail(std::string(name) + " must have axes of at most " + std::to_string(kMaxAxis) +
             " pixels, got shape " + shape_of(view.ny, view.nx));
    }
}

void check_shape(const View2D<const double>& view, const char* name, Index ny, Index nx) {
    check_view(view, name);
    if (view.ny != ny || view.nx != nx) {
        fail(std::string(name) + " must have shape " + shape_of(ny, nx) +
             " to fit the output, got " + shape_of(view.ny, view.nx));
    }
}

void check_number(bool valid, const char* name, const char* expected, double given) {
    if (!valid) {
        fail(std::string(name) + " must be " + expected + ", got " + std::to_string(given));
    }
}

/// The mapping of a call as the tiles see it: owns what the plans point to.
class MappingPlan {
  public:
    MappingPlan(const Mapping& mapping, Index ny, Index nx, PositionsFn nodes, PositionsFn pixmap)
        : nx_(nx), pixmap_positions_(pixmap) {
        if (const auto* grid = std::get_if<NodeMapping>(&mapping)) {
            plan_nodes(*grid, ny, nx);
            positions_ = {nodes, &node_plan_};
        } else if (const auto* map = std::get_if<PixmapMapping>(&mapping)) {
            check_shape(map->x, "pixmap x", ny, nx);
            check_shape(map->y, "pixmap y", ny, nx);
            pixmap_plan_.pixmap = *map;
            positions_ = {pixmap, &pixmap_plan_};
        } else {
            callback_ = &std::get<CallbackMapping>(mapping);
            if (!callback_->positions) {
                fail("a callback mapping must have a function");
            }
        }
    }

    /// Positions of a tile of rows: what a callback answers stays in buffer for the tile's life.
    struct TilePositions {
        Positions positions;
        PixmapPlan plan;
        std::unique_ptr<double[]> buffer;
    };

    void open(Index row_begin, Index row_end, TilePositions& tile) const {
        if (callback_ == nullptr) {
            tile.positions = positions_;
            return;
        }
        const Index count = (row_end - row_begin) * nx_;
        if (!tile.buffer) {
            tile.buffer = std::make_unique<double[]>(2 * std::size_t(count));
        }
        double *x = tile.buffer.get(), *y = x + count;
        callback_->positions(row_begin, row_end, x, y);
        tile.plan.pixmap.x = {x, row_end - row_begin, nx_, nx_, 1};
        tile.plan.pixmap.y = {y, row_end - row_begin, nx_, nx_, 1};
        tile.plan.first_row = row_begin;
        tile.positions = {pixmap_positions_, &tile.plan};
    }

  private:
    void plan_nodes(const NodeMapping& nodes, Index ny, Index nx) {
        if (nodes.step < 2) {
            fail("the step of a node grid must be at least 2, got " + std::to_string(nodes.step));
        }
        check_shape(nodes.x, "node x", ny / nodes.step + 2, nx / nodes.step + 2);
        check_shape(nodes.y, "node y", ny / nodes.step + 2, nx / nodes.step + 2);
        // Fractions beyond the frame are never used; a step may be much longer than the frame.
        const Index used = std::min(nodes.step, std::max(ny, nx) + 1);
        fractions_.assign(std::size_t(2 * (used + kPad)), 0.0);
        double *t = fractions_.data(), *u = t + used + kPad;
        for (Index m = 0; m < used; ++m) {
            t[m] = double(m) / double(nodes.step);
            u[m] = double(nodes.step - m) / double(nodes.step);
        }
        node_plan_ = {nodes, t, u};
    }

    Index nx_;
    PositionsFn pixmap_positions_;
    const CallbackMapping* callback_ = nullptr;
    Positions positions_;
    NodePlan node_plan_;
    PixmapPlan pixmap_plan_;
    std::vector<double> fractions_;
};

/// Blots a region whose kernel samples spline coefficients: makes those of the region's source box.
template <class T, class Out>
class SplineTile {
  public:
    SplineTile(const KernelTable<T, Out>& table, const KernelRow<T, Out>& row)
        : table_(table), row_(row) {}

    Index blot(const Job<T, Out>& job, const Box& region) {
        const Box box = table_.source_box(job.positions, region, job.source.ny, job.source.nx,
                                          -row_.offset, row_.offset + row_.width - 1);
        const bool single = region.height() == 1 && region.width() == 1;
        if (!single && box.height() * box.width() > kSplineBox) {
            const auto [first, second] = halves(region);
            return blot(job, first) + blot(job, second);
        }
        Job<T, Out> own = job;
        if (!box.empty()) {
            coefficients_.resize(std::size_t(box.height() * box.width()));
            work_.resize(std::size_t(table_.prefilter_work(box)));
            table_.prefilter(job.source, box, coefficients_.data(), work_.data());
            own.source = {coefficients_.data(), -box.y0 * box.width() - box.x0,
                          box.width(),          1,
                          job.source.ny,        job.source.nx};
        }
        return row_.tile(own, region);
    }

  private:
    static std::pair<Box, Box> halves(const Box& box) {
        Box first = box, second = box;
        if (box.height() >= box.width()) {
            first.y1 = second.y0 = box.y0 + box.height() / 2;
        } else {
            first.x1 = second.x0 = box.x0 + box.width() / 2;
        }
        return {first, second};
    }

    const KernelTable<T, Out>& table_;
    const KernelRow<T, Out>& row_;
    std::vector<T> coefficients_, work_;
};

template <class T>
Samples<T> samples_of(const View2D<const T>& source) {
    return {source.data, 0, source.stride_y, source.stride_x, source.ny, source.nx};
}

/// Calls work(tile) for tiles of whole rows, polling between them; adds up what it returns.
template <class Work>
Index for_tiles(Index ny, Index nx, Index tile_pixels, const std::function<void()>& poll,
                const Work& work) {
    const Index rows = std::max<Index>(1, tile_pixels / nx);
    Index covered = 0;
    for (Index j = 0; j < ny; j += rows) {
        if (poll) {
            poll();
        }
        covered += work(Box{j, std::min(j + rows, ny), 0, nx});
    }
    return covered;
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
    const KernelTable<T, Out> table = baseline::kernel_table<T, Out>();
    const KernelRow<T, Out> row = table.row(options.kernel, options.sinscl != 1.0);
    const MappingPlan plan(mapping, out.ny, out.nx, table.node_positions, table.pixmap_positions);
    Job<T, Out> job = make_job(source, out, options);
    MappingPlan::TilePositions tile_positions;
    if (options.kernel != Kernel::spline3) {
        return for_tiles(out.ny, out.nx, kTilePixels, options.poll, [&](const Box& tile) {
            plan.open(tile.y0, tile.y1, tile_positions);
            job.positions = tile_positions.positions;
            return row.tile(job, tile);
        });
    }
    SplineTile<T, Out> spline(table, row);
    const Index spline_pixels = std::min(kSplineRows * out.nx, kSplinePixels);
    return for_tiles(out.ny, out.nx, spline_pixels, options.poll, [&](const Box& tile) {
        plan.open(tile.y0, tile.y1, tile_positions);
        job.positions = tile_positions.positions;
        Index covered = 0;
        for (Index i = 0; i < out.nx; i += kSplineColumns) {
            covered +=
                spline.blot(job, Box{tile.y0, tile.y1, i, std::min(i + kSplineColumns, out.nx)});
        }
        return covered;
    });
}

template <class Out>
Index blot_classic(View2D<const float> source, const Mapping& mapping, View2D<Out> out,
                   const Options& options) {
    const TileFn<float, Out> tile_fn = classic::tile<Out>(options.kernel, options.classic);
    const MappingPlan plan(mapping, out.ny, out.nx, classic::node_positions(),
                           classic::pixmap_positions());
    Job<float, Out> job = make_job(source, out, options);
    MappingPlan::TilePositions tile_positions;
    return for_tiles(out.ny, out.nx, kTilePixels, options.poll, [&](const Box& tile) {
        plan.open(tile.y0, tile.y1, tile_positions);
        job.positions = tile_positions.positions;
        return tile_fn(job, tile);
    });
}

}  // namespace

Kernel kernel_from_name(std::string_view name) {
    for (const Name& known : kNames) {
        if (known.name == name) {
            return known.kernel;
        }
    }
    std::string message = "unknown interpolant '" + std::string(name) + "'; the valid ones are ";
    for (std::size_t i = 0; i < kNames.size(); ++i) {
        message += (i == 0 ? "" : ", ") + std::string(kNames[i].name);
    }
    fail(message);
}

std::vector<std::string> kernel_names() {
    std::vector<std::string> names;
    for (const Name& known : kNames) {
        names.emplace_back(known.name);
    }
    return names;
}

void validate(const Options& options) {
    check_number(std::isfinite(options.sinscl) && options.sinscl > 0.0, "sinscl",
                 "positive and finite", options.sinscl);
    check_number(std::isfinite(options.pix_ratio) && options.pix_ratio > 0.0, "pix_ratio",
                 "positive and finite", options.pix_ratio);
    check_number(std::isfinite(options.exptime), "exptime", "a finite number", options.exptime);
    const bool has_classic = options.kernel <= Kernel::poly5;
    if (options.classic != Classic::off && !has_classic) {
        fail("classic arithmetic is defined for nearest, linear, poly3 and poly5 only, got " +
             std::string(kNames[std::size_t(options.kernel)].name));
    }
}

template <class Source, class Out>
Index blot(View2D<const Source> source, const Mapping& mapping, View2D<Out> out,
           const Options& options) {
    validate(options);
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

template Index blot(View2D<const float>, const Mapping&, View2D<float>, const Options&);
template Index blot(View2D<const float>, const Mapping&, View2D<double>, const Options&);
template Index blot(View2D<const double>, const Mapping&, View2D<float>, const Options&);
template Index blot(View2D<const double>, const Mapping&, View2D<double>, const Options&);

}  // namespace cblot
