// Beyond 32-bit element counts: images with strides of 0, so that they fit.
#include <doctest/doctest.h>

#include "images.hpp"

TEST_CASE("a source of more than 2^31 elements") {
    const Index ny = 100'000, nx = 100'000;
    const auto row = noise<float>(1, nx);
    const cblot::View2D<const float> source{row.memory.data(), ny, nx, 0, 1};
    Positions positions(40, 300, 99'600.25, 99'900.5, 1.25);
    for (const auto kernel : kKernels) {
        CAPTURE(int(kernel));
        cblot::Options options;
        options.kernel = kernel;
        Image<float> out(40, 300), same(40, 300);
        const Index covered =
            cblot::blot<float, float>(source, positions.mapping(), out.view(), options);
        CHECK(covered == 40 * 300);
        // The same by an image that has just the last columns and rows.
        const Index cut = 1000;
        const cblot::View2D<const float> small{row.memory.data() + nx - cut, cut, cut, 0, 1};
        Positions near(40, 300, 99'600.25 - double(nx - cut), 99'900.5 - double(ny - cut), 1.25);
        cblot::blot<float, float>(small, near.mapping(), same.view(), options);
        for (std::size_t k = 0; k < out.memory.size(); ++k) {
            CHECK(out.memory[k] == doctest::Approx(same.memory[k]).epsilon(1e-5));
        }
    }
}

TEST_CASE("spline3 from opposite corners of the widest source") {
    const Index n = (Index(1) << 31) - 65;
    const float value = 2.5F;
    const cblot::View2D<const float> source{&value, n, n, 0, 0};
    Positions positions(1, 2, 0.5, 0.5);
    positions.x.view()(0, 1) = positions.y.view()(0, 1) = double(n) - 1.5;
    cblot::Options options;
    options.kernel = cblot::Kernel::spline3;
    Image<float> out(1, 2);
    CHECK(cblot::blot<float, float>(source, positions.mapping(), out.view(), options) == 2);
    CHECK(out.memory[0] == doctest::Approx(2.5));
    CHECK(out.memory[1] == doctest::Approx(2.5));
}

TEST_CASE("an output of more than 2^31 elements") {
    // Its last rows and columns; each pixel has a place of its own, so all would not fit.
    const Index ny = 48'000, nx = 45'000, height = 30, width = 700;
    const auto source = noise<float>(6, 8);
    Image<double> x(1, nx, 2.0), y(1, 1, 3.0);
    for (Index i = 0; i < nx; ++i) {
        x.view()(0, i) = double(i % 8);
    }
    const cblot::View2D<const double> px{x.memory.data(), ny, nx, 0, 1};
    const cblot::View2D<const double> py{y.memory.data(), ny, nx, 0, 0};
    cblot::Options options;
    options.kernel = cblot::Kernel::nearest;
    Image<float> out(height, width);
    const Index covered =
        cblot::blot_window<float, float>({source.cview(), 0, 0, 6, 8}, cblot::PixmapMapping{px, py},
                                         {out.view(), ny - height, nx - width, ny, nx}, options);
    CHECK(covered == height * width);
    Index wrong = 0;
    for (Index j = 0; j < height; ++j) {
        for (Index i = 0; i < width; ++i) {
            wrong += out.cview()(j, i) != source.cview()(3, (nx - width + i) % 8);
        }
    }
    CHECK(wrong == 0);
}
