// Means between nodes, of which whole blocks can be known to be inside the image.
#include <doctest/doctest.h>

#include <atomic>
#include <cmath>
#include <cstdint>
#include <limits>
#include <thread>
#include <utility>

#include "images.hpp"

namespace {

const Index kStep = 10, kNy = 23, kNx = 544;  // of the output: two whole blocks and two vectors
const Index kSourceNy = 40, kSourceNx = 600;

/// Nodes of an output all of which is inside.
struct Nodes {
    Nodes() : x(kNy / kStep + 2, kNx / kStep + 2), y(x) {
        for (Index l = 0; l < kNy / kStep + 2; ++l) {
            for (Index k = 0; k < kNx / kStep + 2; ++k) {
                x.view()(l, k) = 2.25 + 10.01 * double(k) + 0.5 * double(l);
                y.view()(l, k) = 4.25 + 9.75 * double(l) - 0.03 * double(k);
            }
        }
    }

    cblot::NodeMapping mapping() const {
        cblot::NodeMapping nodes{x.cview(), y.cview(), kStep};
        if (patched) {
            nodes.cells = cells.cview();
            nodes.patch_x = nodes.patch_y = patch.cview();
        }
        return nodes;
    }

    Image<double> x, y;  // FITS
    bool patched = false;
    Image<std::int32_t> cells{kNy / kStep + 1, kNx / kStep + 1, -1};
    Image<double> patch{cblot::patch_size(kStep, kNy), cblot::patch_size(kStep, kNx), 3.0};
};

/// The same values as of the positions one by one, of which nothing is known.
void check_same(const Nodes& nodes, bool all_covered) {
    const auto source = noise<float>(kSourceNy, kSourceNx);
    for (const auto isa : {cblot::Isa::baseline, cblot::Isa::avx2, cblot::Isa::avx512}) {
        if (!cblot::available(isa)) {
            continue;
        }
        Image<double> x(kNy, kNx), y = x;
        cblot::Options options;
        options.isa = isa;
        cblot::positions(nodes.mapping(), 0.0, x.view(), y.view(), options);
        for (const auto kernel : kKernels) {
            CAPTURE(int(kernel));
            options.kernel = kernel;
            options.fill = 7.0F;
            Image<float> out(kNy, kNx), expected = out;
            const Index covered =
                cblot::blot<float, float>(source.cview(), nodes.mapping(), out.view(), options);
            CHECK(covered == cblot::blot<float, float>(source.cview(),
                                                       cblot::PixmapMapping{x.cview(), y.cview()},
                                                       expected.view(), options));
            CHECK((covered == kNy * kNx) == all_covered);
            CHECK(out.memory == expected.memory);
        }
    }
}

}  // namespace

TEST_CASE("nodes that are inside, or not quite") {
    check_same(Nodes(), true);
    const double nan = std::numeric_limits<double>::quiet_NaN();
    const double infinity = std::numeric_limits<double>::infinity();
    for (const auto& node : {std::pair<Index, Index>{1, 30}, {0, 0}, {2, 26}}) {
        for (const bool of_x : {true, false}) {
            const double width = double(of_x ? kSourceNx : kSourceNy);
            const auto with = [&](double value) {
                Nodes nodes;
                (of_x ? nodes.x : nodes.y).view()(node.first, node.second) = value;
                return nodes;
            };
            // FITS: the first pixel is 1, the last is `width`.
            for (const double value : {1.0, width, std::nextafter(width, 1e9)}) {
                CAPTURE(value);
                check_same(with(value), true);
            }
            for (const double value : {-9.0, 2.0 * width, 1e300, -1e300, nan, -nan, infinity}) {
                CAPTURE(value);
                check_same(with(value), false);
            }
        }
    }
}

TEST_CASE("nodes on the first and the last pixel") {
    for (const double x : {1.0, double(kSourceNx)}) {
        for (const double y : {1.0, double(kSourceNy)}) {
            Nodes nodes;
            nodes.x.memory.assign(nodes.x.memory.size(), x);
            nodes.y.memory.assign(nodes.y.memory.size(), y);
            check_same(nodes, true);
            nodes.x.memory.assign(nodes.x.memory.size(), x == 1.0 ? 1.0 - 1e-9 : x + 1.0);
            check_same(nodes, false);
        }
    }
}

TEST_CASE("a patch that is outside, among nodes that are not") {
    Nodes nodes;
    nodes.patched = true;
    check_same(nodes, true);
    nodes.cells.view()(1, 30) = 0;
    check_same(nodes, true);
    for (const double value : {-9.0, 1e4, std::numeric_limits<double>::quiet_NaN()}) {
        nodes.patch.view()(4, 5) = value;
        check_same(nodes, false);
    }
}

TEST_CASE("nodes that another thread changes") {
    Image<float> source(kSourceNy, kSourceNx, 3.0F), out(kNy, kNx);
    Nodes nodes;
    const cblot::NodeMapping mapping = nodes.mapping();
    std::atomic<bool> done{false};
    std::thread other([&] {
        const double wild[] = {302.0, std::numeric_limits<double>::quiet_NaN(), 1e300, -1e9, 1e9};
        volatile double* const x = &nodes.x.memory[std::size_t(kNx / kStep + 2 + 30)];
        volatile double* const y = &nodes.y.memory[std::size_t(kNx / kStep + 2 + 30)];
        for (std::size_t n = 0; !done; ++n) {
            *x = wild[n % 5];
            *y = n % 2 == 0 ? 13.0 : wild[n % 5];
        }
    });
    Index wrong = 0;
    for (int call = 0; call < 300; ++call) {
        for (const auto kernel : {cblot::Kernel::nearest, cblot::Kernel::linear}) {
            cblot::Options options;
            options.kernel = kernel;
            options.threads = 1;
            options.fill = 7.0F;
            cblot::blot<float, float>(source.cview(), mapping, out.view(), options);
            for (const float value : out.memory) {
                wrong += !(std::abs(value - 3.0F) < 1e-5F || value == 7.0F);
            }
        }
    }
    done = true;
    other.join();
    CHECK(wrong == 0);
}
