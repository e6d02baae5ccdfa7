// What comes out, against a plain evaluation and against invariants.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "images.hpp"
#include "plain.hpp"

using cblot::Kernel;

namespace {

template <class T, class Out>
void compare(Kernel kernel, Index my, Index mx, double tolerance) {
    const auto source = noise<T>(my, mx);
    const Positions positions(23, 41, -1.3, -0.7, double(mx) / 38.0, 0.04);
    cblot::Options options;
    options.kernel = kernel;
    options.exptime = 3.0;
    options.pix_ratio = 0.8;
    options.fill = -9.0;
    Image<Out> out(23, 41);
    const Index covered =
        cblot::blot<T, Out>(source.cview(), positions.mapping(), out.view(), options);
    const plain::Image truth(source.cview(), kernel);
    Index expected = 0;
    for (Index j = 0; j < 23; ++j) {
        for (Index i = 0; i < 41; ++i) {
            const double x = positions.x.cview()(j, i), y = positions.y.cview()(j, i);
            const bool inside = truth.holds(x, y);
            expected += inside;
            const double value = inside ? truth.value(x, y, 1.0) * 3.0 / (0.8 * 0.8) : -9.0;
            CHECK(std::abs(double(out.cview()(j, i)) - value) <= tolerance);
        }
    }
    CHECK(covered == expected);
}

}  // namespace

TEST_CASE("every kernel and precision agrees with a plain evaluation") {
    for (const Kernel kernel : kKernels) {
        for (const auto& [my, mx] : {std::pair<Index, Index>{30, 37}, {6, 5}, {2, 3}, {1, 1}}) {
            CAPTURE(int(kernel));
            compare<double, double>(kernel, my, mx, 2e-13);
            compare<float, float>(kernel, my, mx, 3e-5);
            compare<float, double>(kernel, my, mx, 3e-5);
            compare<double, float>(kernel, my, mx, 2e-6);
        }
    }
}

TEST_CASE("a constant comes back constant") {
    const Image<double> source(17, 19, 7.5);
    const Positions positions(40, 40, 0.01, 0.01, 0.45, 0.003);
    for (const Kernel kernel : kKernels) {
        cblot::Options options;
        options.kernel = kernel;
        options.fill = 7.5;
        Image<double> out(40, 40);
        cblot::blot<double, double>(source.cview(), positions.mapping(), out.view(), options);
        for (const double value : out.memory) {
            CHECK(value == doctest::Approx(7.5).epsilon(1e-14));
        }
    }
}

TEST_CASE("every instruction set, thread count, stride and kind of mapping gives the same bits") {
    const auto source = noise<float>(300, 300);
    const Index ny = 290, nx = 700, step = 7;
    Image<double> node_x(ny / step + 2, nx / step + 2), node_y(ny / step + 2, nx / step + 2);
    for (Index l = 0; l < ny / step + 2; ++l) {
        for (Index k = 0; k < nx / step + 2; ++k) {
            node_x.view()(l, k) = 0.41 * double(k * step) + 0.03 * double(l * step) - 2.0;
            node_y.view()(l, k) = 1.02 * double(l * step) - 0.01 * double(k * step) + 1.0;
        }
    }
    const cblot::Mapping nodes = cblot::NodeMapping{node_x.cview(), node_y.cview(), step};
    Image<double> x(ny, nx), y(ny, nx);
    cblot::positions(nodes, 0.0, x.view(), y.view(), cblot::Options());
    const cblot::Mapping pixmap = cblot::PixmapMapping{x.cview(), y.cview()};
    const cblot::Mapping callback =
        cblot::CallbackMapping{[&](Index begin, Index end, double* px, double* py) {
            std::copy(&x.memory[std::size_t(begin * nx)], &x.memory[0] + end * nx, px);
            std::copy(&y.memory[std::size_t(begin * nx)], &y.memory[0] + end * nx, py);
        }};
    // The source once more, every third sample of rows that go up.
    std::vector<float> loose(source.memory.size() * 3);
    const cblot::View2D<float> strided{loose.data() + 299 * 900, 300, 300, -900, 3};
    for (Index j = 0; j < 300; ++j) {
        for (Index i = 0; i < 300; ++i) {
            strided(j, i) = source.cview()(j, i);
        }
    }
    for (const Kernel kernel : kKernels) {
        CAPTURE(int(kernel));
        cblot::Options options;
        options.kernel = kernel;
        options.isa = cblot::Isa::baseline;
        Image<float> first(ny, nx), out(ny, nx);
        const Index covered =
            cblot::blot<float, float>(source.cview(), nodes, first.view(), options);
        REQUIRE(covered > 0);
        for (const auto isa : {cblot::Isa::baseline, cblot::Isa::avx2, cblot::Isa::avx512}) {
            if (!cblot::available(isa)) {
                continue;
            }
            options.isa = isa;
            for (const int threads : {1, 2, 7}) {
                options.threads = threads;
                for (const auto* mapping : {&nodes, &pixmap, &callback}) {
                    CHECK(cblot::blot<float, float>(source.cview(), *mapping, out.view(),
                                                    options) == covered);
                    CHECK(out.memory == first.memory);
                }
            }
            const cblot::View2D<const float> view{strided.data, 300, 300, -900, 3};
            cblot::blot<float, float>(view, nodes, out.view(), options);
            CHECK(out.memory == first.memory);
        }
    }
}

TEST_CASE("exact mapping: identity and shift, with tables and polynomials of zero") {
    cblot::ExactMapping exact;
    exact.exposure = {20.0, 15.0, -1e-5, 1e-6, 2e-6, 1.1e-5, 150.0, 2.0};
    exact.source = exact.exposure;
    exact.source.crpix_x += 3.5;
    const Image<float> zero(4, 5);
    exact.detector_x = cblot::DistortionTable{zero.cview(), 1, 1, 1, 1, 10, 10};
    exact.table_y = exact.detector_x;
    exact.sip = cblot::SipPolynomials{2, 1, std::vector<double>(9), std::vector<double>(4), 1, 1};
    Image<double> x(30, 40), y(30, 40);
    cblot::positions(exact, 1.0, x.view(), y.view(), cblot::Options());
    double px[] = {1.0, 40.0}, py[] = {30.0, 1.0};
    cblot::positions_at(exact, 2, px, py, cblot::Options());
    for (Index j = 0; j < 30; ++j) {
        for (Index i = 0; i < 40; ++i) {
            CHECK(x.cview()(j, i) == doctest::Approx(double(i) + 4.5).epsilon(1e-12));
            CHECK(y.cview()(j, i) == doctest::Approx(double(j) + 1.0).epsilon(1e-12));
        }
    }
    CHECK(px[1] == doctest::Approx(42.5).epsilon(1e-12));
    CHECK(py[0] == doctest::Approx(29.0).epsilon(1e-12));
    Image<double> node_x(5, 6), node_y(5, 6);
    cblot::nodes(exact, 10, node_x.view(), node_y.view(), cblot::Options());
    CHECK(node_x.cview()(3, 2) == doctest::Approx(23.5).epsilon(1e-12));
}

TEST_CASE("a detector table with a NaN spoils the positions beside it only") {
    cblot::ExactMapping exact;
    exact.exposure = {20.0, 15.0, -1e-5, 0.0, 0.0, 1e-5, 150.0, 2.0};
    exact.source = exact.exposure;
    Image<float> detector(1, 64), table(1, 8);
    detector.memory[0] = detector.memory[1] = detector.memory[2] = 5.0F;
    detector.memory[20] = 10.0F;
    detector.memory[10] = detector.memory[40] = std::numeric_limits<float>::quiet_NaN();
    for (std::size_t k = 0; k < 8; ++k) {
        table.memory[k] = k % 2 == 0 ? -1.0F : 1.0F;
    }
    exact.detector_x = cblot::DistortionTable{detector.cview(), 1, 1, 1, 1, 1, 1};
    exact.table_x = cblot::DistortionTable{table.cview(), 1, 1, 1, 1, 8, 1};
    Image<double> x(1, 64), y(1, 64);
    cblot::positions(exact, 0.0, x.view(), y.view(), cblot::Options());
    for (Index i = 0; i < 64; ++i) {
        double px = double(i + 1), py = 1.0;
        cblot::positions_at(exact, 1, &px, &py, cblot::Options());
        CHECK((std::isnan(px) ? std::isnan(x.memory[std::size_t(i)])
                              : std::abs(px - x.memory[std::size_t(i)]) < 1e-9));
    }
}

TEST_CASE("positions beyond and what is not a number give the fill, and are not counted") {
    const auto source = noise<double>(5, 5);
    const double nan = std::numeric_limits<double>::quiet_NaN();
    const double inf = std::numeric_limits<double>::infinity();
    const double bad[] = {nan, inf, -inf, -1e-300, 5.0, 1e300, -1e300};
    Positions positions(1, 7, 1.0, 1.0);
    for (Index i = 0; i < 7; ++i) {
        positions.x.view()(0, i) = bad[i];
    }
    for (const Kernel kernel : kKernels) {
        cblot::Options options;
        options.kernel = kernel;
        options.fill = -4.0;
        Image<double> out(1, 7);
        CHECK(cblot::blot<double, double>(source.cview(), positions.mapping(), out.view(),
                                          options) == 0);
        CHECK(out.memory == std::vector<double>(7, -4.0));
    }
}

TEST_CASE("version") { CHECK(std::string(cblot::version()) == CBLOT_VERSION); }

TEST_CASE("the processor does not take small numbers for 0, whatever the host's flags") {
    volatile double least = std::numeric_limits<double>::min();
    CHECK(least * 0.5 > 0.0);
    const Image<double> source(9, 9, least);
    const Positions positions(4, 4, 2.0, 2.0);
    Image<double> out(4, 4);
    cblot::Options options;
    options.exptime = 0.5;
    cblot::blot<double, double>(source.cview(), positions.mapping(), out.view(), options);
    CHECK(out.memory[5] == 0x1p-1023);
}
