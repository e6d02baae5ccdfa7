// Several planes through one set of positions, and sinks that see rows: the loop inside the
// library.
#define CBLOT_ISA planes_test

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "blot_tile.hpp"
#include "classic.hpp"
#include "images.hpp"

namespace {

using namespace cblot;
using namespace cblot::planes_test;

const Index kNy = 40, kNx = 700;
const Index kSourceNy = 45, kSourceNx = 710;

/// Of both planes; a part of the frame is outside, and some positions are none.
struct Map {
    static Most fill(const void*, Index j, Index i, Index n, double* x, double* y) {
        for (Index p = 0; p < n; ++p) {
            const double u = double(i + p), v = double(j);
            x[p] = (i + p + j) % 97 == 0 ? NAN : -2.3 + 1.004 * u + 0.02 * v;
            y[p] = 1.7 + 1.01 * v - 0.005 * u;
        }
        return {};
    }

    Map() {
        for (Index j = 0; j < kNy; ++j) {
            fill(nullptr, j, 0, kNx, &x.view()(j, 0), &y.view()(j, 0));
        }
    }

    Mapping mapping() const { return PixmapMapping{x.cview(), y.cview()}; }

    Image<double> x{kNy, kNx}, y{kNy, kNx};
};

template <class T>
Samples<T> samples(const Image<T>& image) {
    const auto view = image.cview();
    return {view.data, 0, view.stride_y, 1, view.ny, view.nx, 0, view.nx};
}

template <class T>
std::vector<T> blotted(const Image<T>& source, const Map& map, Kernel kernel, Classic classic,
                       Options options, Index* covered = nullptr) {
    options.kernel = kernel;
    options.classic = classic;
    Image<T> out(kNy, kNx);
    const Index count = blot<T, T>(source.cview(), map.mapping(), out.view(), options);
    if (covered != nullptr) {
        *covered = count;
    }
    return out.memory;
}

/// The greatest of a pixel and its neighbours in the frame: what a mask of cosmic rays does.
template <class T>
struct Greatest {
    static constexpr Index halo = 1;

    void operator()(const Rows<T>& rows, Index j) {
        REQUIRE(rows.y0 == std::max<Index>(0, j - 1));
        REQUIRE(rows.y1 == std::min(kNy, j + 2));
        CHECK(j == next++);
        for (Index i = tile.x0; i < tile.x1; ++i) {
            T most = rows(j, i);
            for (Index y = rows.y0; y < rows.y1; ++y) {
                for (Index x = std::max(rows.x0, i - 1); x < std::min(rows.x1, i + 2); ++x) {
                    most = std::max(most, rows(y, x));
                }
            }
            out.view()(j, i) = most;
        }
    }

    Box tile;
    Image<T>& out;
    Index next = tile.y0;
};

template <class T>
std::vector<T> greatest(const std::vector<T>& values) {
    std::vector<T> result;
    for (Index j = 0; j < kNy; ++j) {
        for (Index i = 0; i < kNx; ++i) {
            T most = values[std::size_t(j * kNx + i)];
            for (Index y = std::max<Index>(0, j - 1); y < std::min(kNy, j + 2); ++y) {
                for (Index x = std::max<Index>(0, i - 1); x < std::min(kNx, i + 2); ++x) {
                    most = std::max(most, values[std::size_t(y * kNx + x)]);
                }
            }
            result.push_back(most);
        }
    }
    return result;
}

/// Tiles of a size through a plane into an output and one, of another image, into rows.
template <class T, class First, class Second>
void check_planes(Kernel first_kernel, Kernel second_kernel, Classic classic) {
    const Map map;
    const auto image = noise<T>(kSourceNy, kSourceNx, 1),
               variance = noise<T>(kSourceNy, kSourceNx, 2);
    Options first_options, second_options;
    first_options.exptime = 3.0;
    first_options.fill = -7.0;
    second_options.exptime = 2.0;
    second_options.fill = -9.0;
    Index covered = 0;
    const auto expected = blotted(image, map, first_kernel, classic, first_options, &covered);
    const auto smooth = greatest(blotted(variance, map, second_kernel, classic, second_options));
    const First first(1.0);
    const Second second(1.0);
    const auto first_sum = first.sum();
    const auto second_sum = second.sum();
    using FirstSink = OutputSink<T, typename First::Gain>;
    using SecondSink = RowSink<T, typename Second::Gain, Greatest<T>>;
    const Box frame{0, kNy, 0, kNx};
    for (const Index height : {Index(1), Index(7), kNy}) {
        for (const Index width : {Index(1), Index(255), Index(257), kNx}) {
            CAPTURE(height);
            CAPTURE(width);
            Image<T> out(kNy, kNx), rows_out(kNy, kNx);
            Index count = 0;
            for (Index y = 0; y < kNy; y += height) {
                for (Index x = 0; x < kNx; x += width) {
                    const Box tile{y, std::min(y + height, kNy), x, std::min(x + width, kNx)};
                    Greatest<T> take{tile, rows_out};
                    std::vector<T> memory(std::size_t(SecondSink::memory_size(tile, frame)));
                    Plane<T, typename First::Locate, decltype(first.sum()), FirstSink> one{
                        samples(image),
                        {},
                        -1,
                        first_sum,
                        FirstSink{out.view(), 0, typename First::Gain(first_options),
                                  first_options.fill}};
                    Plane<T, typename Second::Locate, decltype(second.sum()), SecondSink> two{
                        samples(variance),
                        {},
                        -1,
                        second_sum,
                        SecondSink(tile, frame, typename Second::Gain(second_options),
                                   second_options.fill, take, memory.data())};
                    count += blot_tile<T>({&Map::fill, nullptr}, tile, frame, one, two);
                    CHECK(take.next == tile.y1);
                }
            }
            CHECK(count == covered);
            CHECK(out.memory == expected);
            CHECK(rows_out.memory == smooth);
        }
    }
}

}  // namespace

TEST_CASE("two planes and a sink of rows give what separate calls give") {
    check_planes<float, Plain<float, Poly5<float>>, Plain<float, Poly5<float>>>(
        Kernel::poly5, Kernel::poly5, Classic::off);
    // Different footprints, and a base pixel that is found in another way.
    check_planes<float, Plain<float, Poly3<float>>, Plain<float, Nearest<float>>>(
        Kernel::poly3, Kernel::nearest, Classic::off);
    check_planes<double, Plain<double, Linear<double>>, Plain<double, Lanczos3<double>>>(
        Kernel::linear, Kernel::lanczos3, Classic::off);
    check_planes<float, ClassicArithmetic<ClassicPoly5, true>,
                 ClassicArithmetic<ClassicLinear, true>>(Kernel::poly5, Kernel::linear,
                                                         Classic::drizzlepac);
}

TEST_CASE("a plane that lacks samples ends the tile") {
    const auto image = noise<float>(kSourceNy, kSourceNx);
    Image<float> out(kNy, kNx);
    using Poly = Plain<float, Poly5<float>>;
    using Sink = OutputSink<float, PlainGain>;
    const Poly poly(1.0);
    const Box tile{0, kNy, 0, kNx};
    const Sink sink{out.view(), 0, PlainGain(Options()), 0.0};
    Plane<float, Poly::Locate, WeightedSum<float, Poly5<float>>, Sink> all{
        samples(image), {0, kSourceNy, 0, kSourceNx}, Poly::reach, poly.sum(), sink};
    auto part = all;
    part.window.y1 -= 2;
    CHECK(blot_tile<float>({&Map::fill, nullptr}, tile, tile, all, all) > 0);
    CHECK(blot_tile<float>({&Map::fill, nullptr}, tile, tile, all, part) == kBeyondWindow);
}
