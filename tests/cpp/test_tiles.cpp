// Several planes, and a sink that sees what is around a tile, through the tiles of the library.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "halo.hpp"
#include "images.hpp"
#include "tiles.hpp"

namespace {

using namespace cblot;

// Several tiles of each kind, the last of fewer rows, and regions of spline3 beside each other.
constexpr Index kNy = 610, kNx = 700, kSourceNy = 1100, kSourceNx = 710;
const Box kFrame{0, kNy, 0, kNx};

struct Mappings {
    Mappings() {
        for (Index j = 0; j < kNy; ++j) {
            for (Index i = 0; i < kNx; ++i) {
                const double u = double(i), v = double(j);
                x.view()(j, i) = (i + j) % 97 == 0 ? NAN : -2.3 + 1.004 * u + 0.02 * v;
                y.view()(j, i) = -3.2 + 1.8 * v - 0.005 * u;
            }
        }
        all.emplace_back("pixmap", PixmapMapping{x.cview(), y.cview()});
        all.emplace_back("callback",
                         CallbackMapping{[this](Index begin, Index end, double* px, double* py) {
                             const Index first = begin * kNx, last = end * kNx;
                             std::copy(&x.memory[0] + first, &x.memory[0] + last, px);
                             std::copy(&y.memory[0] + first, &y.memory[0] + last, py);
                         }});
        ExactMapping exact;
        exact.exposure = {260.0, 30.0, 1e-5, 1e-7, -1e-7, 1e-5, 10.0, 20.0};
        exact.source = {250.0, 40.0, 1e-5, 0.0, 0.0, 5e-6, 10.0, 20.0};
        all.emplace_back("exact", exact);
    }

    Image<double> x{kNy, kNx}, y{kNy, kNx};
    std::vector<std::pair<std::string, Mapping>> all;
};

Options options_of(Kernel kernel, double exptime, double fill) {
    Options options;
    options.kernel = kernel;
    options.exptime = exptime;
    options.fill = fill;
    options.threads = 3;
    return options;
}

struct Planes {
    Planes(Kernel first, Kernel second)
        : row(halo_row(first, second)),
          options{options_of(first, 3.0, -0.5), options_of(second, 2.0, -9.0)} {}

    /// Those of a region of the output, of which memory is a box, from a box of the sources.
    Index blot(const Mapping& mapping, const Box& region, const Box& box) {
        const auto plan = mapping.held().plan({kNy, kNx, Isa::best, false});
        Job<float, float, 2> job;
        job.frame = kFrame;
        std::vector<float> parts[2];  // no more than the boxes: reading beyond them is seen
        for (int k = 0; k < 2; ++k) {
            for (Index y = box.y0; y < box.y1; ++y) {
                const float* from = &sources[k].memory[std::size_t(y * kSourceNx)];
                parts[k].insert(parts[k].end(), from + box.x0, from + box.x1);
            }
            out[k] = Image<float>(region.height(), region.width());
            job.planes[k] = plane_job<float, float>(
                {{parts[k].data(), box.height(), box.width(), box.width(), 1},
                 box.y0,
                 box.x0,
                 kSourceNy,
                 kSourceNx},
                {out[k].view(), region.y0, region.x0, kNy, kNx}, options[k], row.taps[k].reach);
        }
        return blot_region(region, *plan, job, row, halo_source_box(), options[0]);
    }

    /// The samples that both planes need for a region.
    Box needed(const Mapping& mapping, const Box& region) const {
        const auto plan = mapping.held().plan({kNy, kNx, Isa::best, false});
        TilePositions positions;
        plan->open(region.y0, region.y1, positions);
        Index reach = 0;
        for (const Taps<float>& taps : row.taps) {
            reach = std::max(reach, taps.reach + taps.prefilter.reach);
        }
        return halo_source_box()(positions.positions, region, kSourceNy, kSourceNx, reach);
    }

    KernelRow<float, float, 2> row;
    Options options[2];
    Image<float> sources[2] = {noise<float>(kSourceNy, kSourceNx, 1),
                               noise<float>(kSourceNy, kSourceNx, 2)};
    Image<float> out[2] = {{1, 1}, {1, 1}};
};

/// The greatest of each pixel and its neighbours.
Image<float> greatest(const Image<float>& image) {
    Image<float> result(kNy, kNx);
    for (Index j = 0; j < kNy; ++j) {
        for (Index i = 0; i < kNx; ++i) {
            const Box near = grown({j, j + 1, i, i + 1}, 1, kNy, kNx);
            float most = image.cview()(j, i);
            for (Index y = near.y0; y < near.y1; ++y) {
                for (Index x = near.x0; x < near.x1; ++x) {
                    most = std::max(most, image.cview()(y, x));
                }
            }
            result.view()(j, i) = most;
        }
    }
    return result;
}

std::vector<float> part(const Image<float>& image, const Box& box) {
    std::vector<float> values;
    for (Index j = box.y0; j < box.y1; ++j) {
        for (Index i = box.x0; i < box.x1; ++i) {
            values.push_back(image.cview()(j, i));
        }
    }
    return values;
}

}  // namespace

TEST_CASE("a sink sees what is around the library's tiles, with another plane beside its own") {
    const Mappings mappings;
    const Box whole{0, kSourceNy, 0, kSourceNx};
    const Box regions[] = {kFrame, {200, 433, 11, 690}, {0, 1, 0, kNx}, {300, 301, 250, 251}};
    const std::pair<Kernel, Kernel> kernels[] = {{Kernel::poly3, Kernel::nearest},
                                                 {Kernel::spline3, Kernel::nearest},
                                                 {Kernel::spline3, Kernel::spline3}};
    for (const auto& pair : kernels) {  // (not by name: doctest captures what it shows)
        Planes planes(pair.first, pair.second);
        for (const auto& named : mappings.all) {
            CAPTURE(named.first);
            CAPTURE(int(pair.first));
            CAPTURE(int(pair.second));
            const Mapping& mapping = named.second;
            Image<float> alone[2] = {{kNy, kNx}, {kNy, kNx}};
            Index covered[2];
            for (int k = 0; k < 2; ++k) {
                covered[k] = blot<float, float>(planes.sources[k].cview(), mapping, alone[k].view(),
                                                planes.options[k]);
            }
            REQUIRE(covered[1] > kNy * kNx / 2);
            const Image<float> smooth = greatest(alone[0]);
            CHECK(planes.blot(mapping, kFrame, whole) == covered[1]);
            for (const Box& region : regions) {
                CAPTURE(region.y0);
                const Box seen = grown(region, 1, kNy, kNx);
                for (const Box& box : {whole, planes.needed(mapping, seen)}) {
                    CAPTURE(box.y0);
                    planes.blot(mapping, region, box);
                    CHECK(planes.out[0].memory == part(smooth, region));
                    CHECK(planes.out[1].memory == part(alone[1], region));
                }
            }
            // What a tile needs without what is around it is too little.
            const Box inside = regions[1];
            CHECK_THROWS_AS(planes.blot(mapping, inside, planes.needed(mapping, inside)), Error);
        }
    }
}
