// Rectangles of the source and of the output give the whole images' bits.
#include <doctest/doctest.h>

#include <cstdint>
#include <cstring>
#include <string>

#include "images.hpp"

namespace {

constexpr Index kNy = 60, kNx = 530, kSourceNy = 80, kSourceNx = 500;

/// Mappings of every kind that cover most of the output.
struct Mappings {
    Mappings() : positions(kNy, kNx, -3.2, 4.1, 0.97, 0.03), node_x(8, 55), node_y(8, 55) {
        exact.exposure = {260.0, 30.0, 1e-5, 1e-7, -1e-7, 1e-5, 10.0, 20.0};
        exact.source = {250.0, 40.0, 1e-5, 0.0, 0.0, 1e-5, 10.0, 20.0};
        cblot::SipPolynomials sip;
        sip.a_order = sip.b_order = 2;
        sip.a = {0.0, 0.0, 1e-5, 0.0, 2e-5, 0.0, -1e-5, 0.0, 0.0};
        sip.b = sip.a;
        exact.sip = sip;
        Image<float> corrections = noise<float>(4, 60);
        table = corrections;
        exact.table_x = cblot::DistortionTable{table.cview(), 1.0, 1.0, 1.0, 1.0, 9.7, 17.3};
        cblot::nodes(exact, 10, node_x.view(), node_y.view(), cblot::Options());
        // Of the nodes' cells every other, moved by what no neighbour has.
        cells = Image<std::int32_t>(7, 54, -1);
        patch_x = Image<double>(10 * 7 * 27, 10);
        patch_y = patch_x;
        for (Index p = 0; p < 7 * 27; ++p) {
            const Index l = p / 27, k = p % 27 * 2 + l % 2;
            cells.view()(l, k) = std::int32_t(p);
            for (Index n = 0; n < 10; ++n) {
                for (Index m = 0; m < 10; ++m) {
                    patch_x.view()(p * 10 + n, m) = double(k * 10 + m) - 9.0 + double(n) / 32.0;
                    patch_y.view()(p * 10 + n, m) = double(l * 10 + n) + 9.0 - double(m) / 32.0;
                }
            }
        }
        const cblot::NodeMapping nodes{node_x.cview(), node_y.cview(), 10};
        cblot::NodeMapping patched = nodes;
        patched.cells = cells.cview();
        patched.patch_x = patch_x.cview();
        patched.patch_y = patch_y.cview();
        all = {positions.mapping(), exact, nodes, patched,
               cblot::CallbackMapping{[this](Index begin, Index end, double* x, double* y) {
                   for (Index j = begin; j < end; ++j) {
                       for (Index i = 0; i < kNx; ++i) {
                           *x++ = positions.x.cview()(j, i);
                           *y++ = positions.y.cview()(j, i);
                       }
                   }
               }}};
    }

    static constexpr std::size_t kPatched = 3;

    Positions positions;
    Image<double> node_x, node_y;
    Image<std::int32_t> cells{1, 1};
    Image<double> patch_x{1, 1}, patch_y{1, 1};
    Image<float> table{1, 1};
    cblot::ExactMapping exact;
    std::vector<cblot::Mapping> all;
};

template <class T>
cblot::Window<const T> cut(const Image<T>& image, const cblot::Box& box, Image<T>& memory) {
    const auto whole = image.cview();
    memory = Image<T>(box.height(), box.width());
    for (Index j = 0; j < box.height(); ++j) {
        for (Index i = 0; i < box.width(); ++i) {
            memory.view()(j, i) = whole(box.y0 + j, box.x0 + i);
        }
    }
    return {memory.cview(), box.y0, box.x0, whole.ny, whole.nx};
}

template <class T, class Out>
void compare(const cblot::Options& options) {
    const auto source = noise<T>(kSourceNy, kSourceNx);
    const Mappings mappings;
    for (std::size_t k = 0; k < mappings.all.size(); ++k) {
        CAPTURE(k);
        const cblot::Mapping& mapping = mappings.all[k];
        if (options.classic != cblot::Classic::off && k == Mappings::kPatched) {
            continue;
        }
        Image<Out> whole(kNy, kNx);
        cblot::blot<T, Out>(source.cview(), mapping, whole.view(), options);
        Index covered = 0;
        for (const cblot::Box region : {cblot::Box{0, kNy, 0, kNx}, cblot::Box{7, 30, 13, 311},
                                        cblot::Box{59, 60, 0, 530}, cblot::Box{31, 60, 300, 530}}) {
            const cblot::Box box =
                cblot::source_box(mapping, kNy, kNx, region, kSourceNy, kSourceNx, options);
            REQUIRE(!box.empty());
            Image<T> memory(1, 1);
            const auto window = cut(source, box, memory);
            Image<Out> out(region.height(), region.width());
            covered = cblot::blot_window<T, Out>(
                window, mapping, {out.view(), region.y0, region.x0, kNy, kNx}, options);
            bool same = true;
            for (Index j = region.y0; j < region.y1; ++j) {
                same = same &&
                       std::memcmp(&out.cview()(j - region.y0, 0), &whole.cview()(j, region.x0),
                                   sizeof(Out) * std::size_t(region.width())) == 0;
            }
            CHECK(same);
            CHECK(covered > 0);
        }
    }
}

}  // namespace

TEST_CASE("windows of the source and of the output") {
    for (const auto kernel : kKernels) {
        for (const int threads : {1, 3}) {
            CAPTURE(int(kernel));
            cblot::Options options;
            options.kernel = kernel;
            options.threads = threads;
            options.fill = 3.0;
            compare<float, float>(options);
            compare<double, double>(options);
        }
    }
    cblot::Options classic;
    classic.classic = cblot::Classic::drizzlepac;
    for (const auto kernel : {cblot::Kernel::nearest, cblot::Kernel::poly5}) {
        classic.kernel = kernel;
        compare<float, double>(classic);
    }
}

TEST_CASE("windows that can't be") {
    const auto source = noise<float>(8, 9);
    const Positions positions(4, 5, 2.0, 2.0);
    Image<float> out(4, 5);
    const auto error = [&](const cblot::Window<const float>& from, Index y0) -> std::string {
        try {
            cblot::blot_window<float, float>(from, positions.mapping(), {out.view(), y0, 0, 4, 5},
                                             cblot::Options());
        } catch (const cblot::Error& failure) {
            return failure.what();
        }
        return "";
    };
    CHECK(error({source.cview(), 0, 0, 8, 9}, 0).empty());
    CHECK(error({source.cview(), 2, 0, 8, 9}, 0) ==
          "source has rows 2 to 10 and columns 0 to 9, which an image of shape (8, 9) has not");
    CHECK(error({source.cview(), 0, -1, 8, 9}, 0) ==
          "source has rows 0 to 8 and columns -1 to 8, which an image of shape (8, 9) has not");
    CHECK(error({source.cview(), 0, 0, 8, 9}, 1) ==
          "out has rows 1 to 5 and columns 0 to 5, which an image of shape (4, 5) has not");
    CHECK(error({source.cview(), 40, 40, 80, 90}, 0) ==
          "the mapping needs more of the source than its window of rows 40 to 48 and columns 40 to "
          "49; source_box tells what it needs");
    CHECK_THROWS_AS(
        cblot::source_box(positions.mapping(), 4, 5, {0, 5, 0, 5}, 8, 9, cblot::Options()),
        cblot::Error);
    const Positions apart(4, 5, 200.0, 2.0);
    CHECK(cblot::source_box(apart.mapping(), 4, 5, {0, 4, 0, 5}, 8, 9, cblot::Options()).empty());
}
