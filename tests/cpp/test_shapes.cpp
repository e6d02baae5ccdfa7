// Tiles: their shape, which follows from the mapping, and which thread takes which.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <mutex>
#include <thread>
#include <vector>

#include "images.hpp"
#include "tiles.hpp"

namespace {

using namespace cblot;

constexpr Index kNy = 1000, kNx = 3000;

/// Of a mapping that turns by so many degrees, for a region of the whole output.
TileShape shape_of(double degrees, Index nx = kNx) {
    ExactMapping exact;
    const double c = 1e-5 * std::cos(degrees / 57.29577951308232),
                 s = 1e-5 * std::sin(degrees / 57.29577951308232);
    exact.exposure = {1500.0, 500.0, -c, s, s, c, 10.0, 20.0};
    exact.source = {1700.0, 1700.0, -1e-5, 0.0, 0.0, 1e-5, 10.0, 20.0};
    const Mapping mapping(exact);
    const auto plan = mapping.held().plan({kNy, nx, Isa::best, false});
    return tile_shape(*plan, {0, kNy, 0, nx});
}

}  // namespace

TEST_CASE("tiles are of whole rows where these lie along those of the source, else narrow") {
    for (const double degrees : {0.0, 0.5, 180.0, -179.5}) {
        CAPTURE(degrees);
        CHECK(shape_of(degrees).columns == kNx);
        CHECK(shape_of(degrees).rows == kTilePixels / kNx);
    }
    for (const double degrees : {3.0, 10.0, 30.0, 60.0, 90.0}) {
        CAPTURE(degrees);
        const TileShape shape = shape_of(degrees);
        CHECK(shape.columns * shape.rows == kTilePixels);
        const double crossed = double(shape.columns) * std::sin(degrees / 57.29577951308232);
        CHECK((shape.columns == kLeastColumns || crossed <= kRowsCrossed));
        CHECK(2.0 * crossed > kRowsCrossed);  // no narrower than it must be
        CHECK(shape_of(-degrees).columns == shape.columns);
        CHECK(shape_of(180.0 - degrees).columns == shape.columns);
    }
    CHECK(shape_of(90.0).columns == kLeastColumns);
    CHECK(shape_of(90.0, kLeastColumns).columns == kLeastColumns);
    CHECK(shape_of(90.0, 1).columns == 1);
}

TEST_CASE("positions that are not numbers do not choose the tiles' shape") {
    Image<double> x(kNy, kNx), y(kNy, kNx);
    const auto shape = [&](double slope, double rest) {
        for (Index j = 0; j < kNy; ++j) {
            for (Index i = 0; i < kNx; ++i) {
                x.view()(j, i) = double(i);
                y.view()(j, i) = i < kNx / 2 ? slope * double(i) : rest;
            }
        }
        const Mapping mapping(PixmapMapping{x.cview(), y.cview()});
        const auto plan = mapping.held().plan({kNy, kNx, Isa::best, false});
        return tile_shape(*plan, {0, kNy, 0, kNx});
    };
    CHECK(shape(1.0, NAN).columns == kLeastColumns);
    CHECK(shape(0.001, INFINITY).columns == kNx);
    CHECK(shape(NAN, NAN).columns == kNx);
}

TEST_CASE("a callback is asked for whole rows, whatever its positions, and for each once") {
    std::vector<int> asked(kNy, 0);
    const Mapping mapping(CallbackMapping{[&](Index begin, Index end, double* x, double* y) {
        for (Index j = begin; j < end; ++j) {
            ++asked[std::size_t(j)];
            for (Index i = 0; i < kNx; ++i) {
                x[(j - begin) * kNx + i] = double(j);
                y[(j - begin) * kNx + i] = double(i);
            }
        }
    }});
    const Image<float> source = noise<float>(kNx, kNy);
    Image<float> out(kNy, kNx);
    cblot::blot<float, float>(source.cview(), mapping, out.view(), Options());
    CHECK(asked == std::vector<int>(kNy, 1));
    bool same = true;
    for (Index j = 0; j < kNy; ++j) {
        for (Index i = 0; i < kNx; ++i) {
            same = same && out.cview()(j, i) == source.cview()(i, j);
        }
    }
    CHECK(same);
}

TEST_CASE("each tile is done once, and two threads begin with different parts of the region") {
    const Box region{3, 803, 5, 2005};
    const TileShape shape{64, 300};
    std::atomic<int> begun{0};
    std::mutex mutex;
    std::vector<int> done(800 * 2000, 0);
    std::vector<Index> first_rows;
    const auto make_worker = [&] {
        return [&, first = true](const Box& tile) mutable {
            if (first) {
                first = false;
                ++begun;
                while (begun < 2) {
                    std::this_thread::yield();
                }
                const std::lock_guard<std::mutex> lock(mutex);
                first_rows.push_back(tile.y0);
            }
            const std::lock_guard<std::mutex> lock(mutex);
            for (Index j = tile.y0; j < tile.y1; ++j) {
                for (Index i = tile.x0; i < tile.x1; ++i) {
                    ++done[std::size_t((j - 3) * 2000 + i - 5)];
                }
            }
            return tile.height() * tile.width();
        };
    };
    CHECK(for_tiles(region, shape, 2, Options(), make_worker) == 800 * 2000);
    CHECK(done == std::vector<int>(800 * 2000, 1));
    std::sort(first_rows.begin(), first_rows.end());
    CHECK(first_rows == std::vector<Index>{3, 3 + 6 * 64});
}
