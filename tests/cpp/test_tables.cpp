// Tables and coefficients that are not numbers: the same bits in every way that positions are made.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>

#include "images.hpp"

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr Index kNy = 6, kNx = 70;

bool same(const Image<double>& a, const Image<double>& b) {
    // NaNs are alike, whatever their bits.
    return std::equal(a.memory.begin(), a.memory.end(), b.memory.begin(), [](double x, double y) {
        return (std::isnan(x) && std::isnan(y)) || std::memcmp(&x, &y, sizeof(x)) == 0;
    });
}

cblot::ExactMapping mapping() {
    cblot::ExactMapping exact;
    exact.exposure = {30.0, 3.0, 1e-5, 1e-7, -1e-7, 1e-5, 10.0, 20.0};
    exact.source = {31.0, 4.0, 1e-5, 0.0, 0.0, 1e-5, 10.0, 20.0};
    return exact;
}

struct Maps {
    Maps() : x(kNy, kNx), y(kNy, kNx) {}
    Image<double> x, y;
};

/// Positions by rows, by an instruction set.
Maps rows(const cblot::ExactMapping& exact, cblot::Isa isa) {
    cblot::Options options;
    options.isa = isa;
    Maps maps;
    cblot::positions(exact, 0.0, maps.x.view(), maps.y.view(), options);
    return maps;
}

/// The value of a pixel by a window of its own is that of its position in `by_rows`.
void check_windows(const cblot::ExactMapping& exact, const Maps& by_rows, cblot::Isa isa) {
    const Image<double> source = noise<double>(kNy + 4, kNx + 4);
    cblot::Options options;
    options.isa = isa;
    options.kernel = cblot::Kernel::linear;
    options.fill = -9.0;
    Image<double> whole(kNy, kNx);
    cblot::blot<double, double>(source.cview(),
                                cblot::PixmapMapping{by_rows.x.cview(), by_rows.y.cview()},
                                whole.view(), options);
    for (Index i0 = 0; i0 < kNx; ++i0) {
        const Index width = std::min<Index>(kNx - i0, 1 + i0 % 19);
        Image<double> out(kNy, width);
        cblot::blot_window<double, double>({source.cview(), 0, 0, kNy + 4, kNx + 4}, exact,
                                           {out.view(), 0, i0, kNy, kNx}, options);
        for (Index j = 0; j < kNy; ++j) {
            CHECK(std::memcmp(&out.cview()(j, 0), &whole.cview()(j, i0),
                              sizeof(double) * std::size_t(width)) == 0);
        }
    }
}

/// Every way to a position, and every instruction set.
void check_all(const cblot::ExactMapping& exact) {
    const Maps expected = rows(exact, cblot::Isa::baseline);
    Image<double> at_x(kNy, kNx), at_y(kNy, kNx);
    Image<double> node_x(kNy / 2 + 2, kNx / 2 + 2), node_y(kNy / 2 + 2, kNx / 2 + 2);
    for (const auto isa : {cblot::Isa::baseline, cblot::Isa::avx2, cblot::Isa::avx512}) {
        if (!cblot::available(isa)) {
            continue;
        }
        CAPTURE(int(isa));
        const Maps found = rows(exact, isa);
        CHECK(same(found.x, expected.x));
        CHECK(same(found.y, expected.y));
        cblot::Options options;
        options.isa = isa;
        for (Index j = 0; j < kNy; ++j) {
            for (Index i = 0; i < kNx; ++i) {
                at_x.view()(j, i) = double(i + 1);
                at_y.view()(j, i) = double(j + 1);
            }
        }
        cblot::positions_at(exact, kNy * kNx, at_x.memory.data(), at_y.memory.data(), options);
        CHECK(same(at_x, expected.x));
        CHECK(same(at_y, expected.y));
        cblot::nodes(exact, 2, node_x.view(), node_y.view(), options);
        for (Index l = 1; 2 * l <= kNy; ++l) {
            for (Index k = 1; 2 * k <= kNx; ++k) {
                const double x = node_x.cview()(l, k), y = expected.x.cview()(2 * l - 1, 2 * k - 1);
                CHECK(((std::isnan(x) && std::isnan(y)) || x == y + 1.0));
            }
        }
        check_windows(exact, expected, isa);
    }
}

std::string error_of(const cblot::ExactMapping& exact) {
    double x = 1.0, y = 1.0;
    try {
        cblot::positions_at(exact, 1, &x, &y, cblot::Options());
    } catch (const cblot::Error& error) {
        return error.what();
    }
    return "";
}

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("elements of a table that are not finite, at every place and in every kind of table") {
    std::mt19937 generator(7);
    const auto pick = [&](int count) { return int(generator() % unsigned(count)); };
    const double odd[] = {kNan, kInf, -kInf, 3e38, -3e38};
    struct Axis {
        double crpix, crval, cdelt;
    };
    // One element a pixel, from before the frame on, within it and beyond; cells of some pixels;
    // of a part of one; and backwards.
    const Axis axes[] = {{1, 1, 1},  {4, 1, 1},   {-5, 1, 1},    {1, 1, 9.7},
                         {1, 5, 16}, {1, 3, 0.4}, {30, 1, -2.5}, {1, -40, 1e9}};
    for (int round = 0; round < 120; ++round) {
        CAPTURE(round);
        const Index ny = 1 + pick(3), nx = round % 3 == 0 ? 1 + pick(4) : kNx - 12 + pick(20);
        Image<float> values = noise<float>(ny, nx, unsigned(round));
        // The last and the first column and row, and others.
        const Index places[] = {nx - 1, 0, (ny - 1) * nx, ny * nx - 1, pick(int(ny * nx))};
        values.memory[std::size_t(places[round % 5])] = float(odd[pick(5)]);
        const Axis x = axes[round % 8], y = axes[(round / 8) % 8];
        const cblot::DistortionTable table{values.cview(), x.crpix, y.crpix, x.crval,
                                           y.crval,        x.cdelt, y.cdelt};
        cblot::ExactMapping exact = mapping();
        (round % 4 == 0   ? exact.detector_x
         : round % 4 == 1 ? exact.detector_y
         : round % 4 == 2 ? exact.table_x
                          : exact.table_y) = table;
        const Image<float> small(2, 2, 0.3F);
        if (round % 2 == 1) {  // positions between the columns
            exact.table_x = exact.table_x ? exact.table_x
                                          : cblot::DistortionTable{small.cview(), 1, 1, 1, 1, 9, 9};
        }
        check_all(exact);
    }
}

TEST_CASE("tables of both axes with their elements at the same places") {
    struct Axis {
        double crpix, crval, cdelt;
    };
    const Axis axes[] = {{1, 1, 9.7}, {0, 0, 16}, {1, 5, 3}, {2, 3, 1}, {1, -40, 1e9}};
    for (int round = 0; round < 40; ++round) {
        CAPTURE(round);
        const Axis x = axes[round % 5], y = axes[(round / 5) % 5];
        std::vector<Image<float>> values;
        cblot::DistortionTable tables[4];
        for (int k = 0; k < 4; ++k) {
            values.push_back(noise<float>(4, 9, unsigned(4 * round + k)));
            std::vector<float>& elements = values.back().memory;
            if (round % 3 == k) {
                elements[std::size_t(round % 36)] = float(kNan);
            }
            // Corrections of a part of a pixel, and of some.
            for (float& value : elements) {
                value *= round % 2 == 0 ? 0.01F : 1.0F;
            }
        }
        for (int k = 0; k < 4; ++k) {
            tables[k] = {values[std::size_t(k)].cview(),
                         x.crpix,
                         y.crpix,
                         x.crval,
                         y.crval,
                         x.cdelt,
                         y.cdelt};
        }
        cblot::ExactMapping exact = mapping();
        exact.detector_x = tables[0];
        exact.detector_y = tables[1];
        exact.table_x = tables[2];
        exact.table_y = tables[3];
        if (round % 4 != 0) {
            // Of which three terms around a row are enough, and of which they are not.
            const double size = round % 4 == 1 ? 1.0 : 1e9;
            std::vector<double> a(16), b(16);
            a[3] = size * 1e-15, a[9] = 3e-6, a[2] = b[5] = 2e-5, b[3] = size * -2e-15;
            exact.sip = cblot::SipPolynomials{3, 3, a, b, 20, 2};
        }
        check_all(exact);
    }
}

TEST_CASE("what is not a number spreads to the positions whose cell holds it") {
    cblot::ExactMapping exact = mapping();
    Image<float> values(1, kNx, 0.0F);
    values.memory[20] = float(kInf);
    exact.detector_x = cblot::DistortionTable{values.cview(), 1, 1, 1, 1, 1, 1};
    const Maps by_pixel = rows(exact, cblot::Isa::best);
    for (Index i = 0; i < kNx; ++i) {
        CHECK(std::isnan(by_pixel.x.cview()(2, i)) == (i == 20));
    }
    // A table of cells 10 pixels wide, from the first pixel on; the NaN is at pixel 41.
    Image<float> cells(2, 8, 0.0F);
    cells.view()(1, 4) = float(kNan);
    exact.detector_x.reset();
    exact.table_y = cblot::DistortionTable{cells.cview(), 1, 1, 1, 1, 10, 3};
    const Maps by_cell = rows(exact, cblot::Isa::best);
    for (Index j = 0; j < kNy; ++j) {
        for (Index i = 0; i < kNx; ++i) {
            CHECK(std::isnan(by_cell.x.cview()(j, i)) == (i > 30 && i < 50 && j > 0));
        }
    }
}

TEST_CASE("coefficients that are not finite, and matrices without an inverse") {
    const Image<float> values(2, 3, 0.5F);
    const std::vector<double> none(9, 0.0);
    cblot::ExactMapping good = mapping();
    good.sip = cblot::SipPolynomials{2, 2, none, none, 1, 1};
    good.detector_y = good.table_x = cblot::DistortionTable{values.cview(), 1, 1, 1, 1, 5, 5};
    CHECK(error_of(good) == "");
    const auto error = [&](auto change) {
        cblot::ExactMapping exact = good;
        change(exact);
        return error_of(exact);
    };
    using Exact = cblot::ExactMapping;
    for (const double bad : {kNan, kInf, -kInf}) {
        const std::string text = std::string(" must be finite, got ") + (std::isnan(bad) ? "nan"
                                                                         : bad > 0       ? "inf"
                                                                                         : "-inf");
        CHECK(error([&](Exact& e) { e.exposure.crpix_x = bad; }) ==
              "CRPIX1 of the exposure" + text);
        CHECK(error([&](Exact& e) { e.source.crpix_y = bad; }) == "CRPIX2 of the source" + text);
        CHECK(error([&](Exact& e) { e.exposure.cd11 = bad; }) == "CD1_1 of the exposure" + text);
        CHECK(error([&](Exact& e) { e.source.cd21 = bad; }) == "CD2_1 of the source" + text);
        CHECK(error([&](Exact& e) { e.exposure.cd12 = bad; }) == "CD1_2 of the exposure" + text);
        CHECK(error([&](Exact& e) { e.source.cd22 = bad; }) == "CD2_2 of the source" + text);
        CHECK(error([&](Exact& e) { e.source.lon = bad; }) == "CRVAL1 of the source" + text);
        CHECK(error([&](Exact& e) { e.exposure.lat = bad; }) == "CRVAL2 of the exposure" + text);
        CHECK(error([&](Exact& e) { e.sip.value().a[3] = bad; }) == "SIP coefficient a_1_0" + text);
        CHECK(error([&](Exact& e) { e.sip.value().b[2] = bad; }) == "SIP coefficient b_0_2" + text);
        CHECK(error([&](Exact& e) { e.sip.value().crpix_y = bad; }) ==
              "CRPIX2 of the SIP polynomials" + text);
        CHECK(error([&](Exact& e) { e.table_x->cdelt_x = bad; }) == "CDELT1 of table_x" + text);
        CHECK(error([&](Exact& e) { e.detector_y->cdelt_y = bad; }) ==
              "CDELT2 of detector_y" + text);
        CHECK(error([&](Exact& e) { e.table_x->crval_y = bad; }) == "CRVAL2 of table_x" + text);
        CHECK(error([&](Exact& e) { e.table_x->crpix_x = bad; }) == "CRPIX1 of table_x" + text);
    }
    for (const double scale : {0.0, 1e-200}) {
        CHECK(has(error([&](Exact& e) {
                      e.exposure.cd11 = e.exposure.cd22 = scale;
                      e.exposure.cd12 = e.exposure.cd21 = 0.0;
                  }),
                  "the CD matrix of the exposure must be invertible, got determinant 0"));
    }
    CHECK(has(error([](Exact& e) { e.source.cd11 = e.source.cd21 = 0.0; }),
              "the CD matrix of the source must be invertible, got determinant 0"));
    CHECK(has(error([](Exact& e) { e.table_x->cdelt_x = 1e-310; }),
              "1 / CDELT and CRVAL / CDELT of table_x must be finite"));
    CHECK(has(error([](Exact& e) { e.table_x->cdelt_y = 0.0; }), "other than 0"));
}
