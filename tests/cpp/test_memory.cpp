// Memory that is not the call's own: options of odd sizes, images that overlap, positions that
// change, callbacks of wide frames.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <memory>
#include <string>
#include <thread>

#include "cblot/blot.h"
#include "images.hpp"

namespace {

template <class Call>
std::string error_of(const Call& call) {
    try {
        call();
    } catch (const cblot::Error& error) {
        return error.what();
    }
    return "";
}

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

using Doubles = cblot::View2D<double>;
using ConstDoubles = cblot::View2D<const double>;

ConstDoubles read_only(const Doubles& view) {
    return {view.data, view.ny, view.nx, view.stride_y, view.stride_x};
}

/// An error of a blot of these views, all of them in one memory.
std::string overlap(const Doubles& source, const Doubles& out) {
    const Positions positions(out.ny, out.nx, 0.0, 0.0, 0.1, 0.0);
    return error_of([&] {
        cblot::blot<double, double>(read_only(source), positions.mapping(), out, cblot::Options());
    });
}

/// Whether two views have a byte in common, by writing one and looking at the other.
bool share(std::vector<double>& memory, const Doubles& a, const Doubles& b) {
    std::fill(memory.begin(), memory.end(), 0.0);
    for (Index j = 0; j < a.ny; ++j) {
        for (Index i = 0; i < a.nx; ++i) {
            a(j, i) = 1.0;
        }
    }
    for (Index j = 0; j < b.ny; ++j) {
        for (Index i = 0; i < b.nx; ++i) {
            if (b(j, i) != 0.0) {
                return true;
            }
        }
    }
    return false;
}

/// Whether two pixels of a view lie in one place.
bool several(std::vector<double>& memory, const Doubles& view) {
    std::fill(memory.begin(), memory.end(), 0.0);
    for (Index j = 0; j < view.ny; ++j) {
        for (Index i = 0; i < view.nx; ++i) {
            view(j, i) += 1.0;
        }
    }
    return *std::max_element(memory.begin(), memory.end()) > 1.0;
}

}  // namespace

TEST_CASE("options of any size are read as far as they say, within bounds") {
    // At the very end of memory that is theirs: a sanitizer sees a step beyond it.
    const auto source = noise<float>(8, 9);
    const Positions positions(4, 5, 0.0, 0.0);
    Image<float> out(4, 5);
    const auto call = [&](std::uint32_t size, std::size_t bytes) {
        const std::unique_ptr<unsigned char[]> memory(new unsigned char[bytes]());
        const cblot::Options defaults;
        std::memcpy(memory.get(), static_cast<const void*>(&defaults),
                    std::min(bytes, sizeof(defaults)));
        std::memcpy(memory.get(), &size, sizeof(size));
        const auto& options = *reinterpret_cast<const cblot::Options*>(memory.get());
        const std::string text = error_of([&] { cblot::validate(options); });
        CHECK(error_of([&] {
                  cblot::blot<float, float>(source.cview(), positions.mapping(), out.view(),
                                            options);
              }) == text);
        char message[200];
        auto c_source = noise<float>(8, 9);
        Positions map(4, 5, 0.0, 0.0);
        const auto image = [](auto& from, int type) {
            const auto view = from.view();
            return cblot_image{view.data, type, view.ny, view.nx, view.stride_y, view.stride_x};
        };
        const cblot_image c_from = image(c_source, CBLOT_FLOAT);
        cblot_image c_to = image(out, CBLOT_FLOAT);
        cblot_mapping c_mapping;
        cblot_default_mapping(&c_mapping);
        c_mapping.kind = CBLOT_PIXMAP;
        c_mapping.x = image(map.x, CBLOT_DOUBLE);
        c_mapping.y = image(map.y, CBLOT_DOUBLE);
        const int status = cblot_blot(&c_from, &c_mapping, &c_to,
                                      reinterpret_cast<const cblot_options*>(memory.get()), nullptr,
                                      message, sizeof(message));
        CHECK(status == (text.empty() ? CBLOT_OK : CBLOT_BAD_ARGUMENT));
        CHECK(message == text);  // one rule, one wording
        return text;
    };
    constexpr auto own = std::uint32_t(sizeof(cblot::Options));
    CHECK(call(own, own) == "");
    CHECK(call(own + 8, own + 8) == "");
    CHECK(call(4096, 4096) == "");
    for (const std::uint32_t wild : {0u, 1u, own - 1u, 4097u, 1u << 20, ~0u}) {
        CHECK(call(wild, own) == "the size of the options must be from " + std::to_string(own) +
                                     " to 4096 bytes, got " + std::to_string(wild) +
                                     "; cblot_default_options sets it");
    }
}

TEST_CASE("so are mappings in C") {
    cblot_options options;
    cblot_default_options(&options);
    Positions map(4, 5, 0.0, 0.0);
    const auto call = [&](std::uint32_t size, std::size_t bytes) {
        const std::unique_ptr<unsigned char[]> memory(new unsigned char[bytes]);
        auto& mapping = *reinterpret_cast<cblot_mapping*>(memory.get());
        cblot_default_mapping_of_size(&mapping, bytes);
        mapping.kind = CBLOT_PIXMAP;
        mapping.x = {map.x.memory.data(), CBLOT_DOUBLE, 4, 5, 5, 1};
        mapping.y = {map.y.memory.data(), CBLOT_DOUBLE, 4, 5, 5, 1};
        mapping.size = size;
        const cblot_box region{0, 4, 0, 5};
        cblot_box box;
        char message[200];
        const int status = cblot_source_box(&mapping, 4, 5, &region, 8, 9, &options, &box, message,
                                            sizeof(message));
        CHECK(status == (message[0] == '\0' ? CBLOT_OK : CBLOT_BAD_ARGUMENT));
        return std::string(message);
    };
    constexpr auto own = std::uint32_t(sizeof(cblot_mapping));
    CHECK(call(own, own) == "");
    CHECK(call(own + 8, own + 8) == "");
    CHECK(call(4096, 4096) == "");
    for (const std::uint32_t wild : {0u, 1u, own - 1u, 4097u, 1u << 20, ~0u}) {
        CHECK(call(wild, own) == "the size of the mapping must be from " + std::to_string(own) +
                                     " to 4096 bytes, got " + std::to_string(wild) +
                                     "; cblot_default_mapping sets it");
    }
}

TEST_CASE("numbers that are no instruction set") {
    CHECK(cblot::isa_name(cblot::Isa::avx512) == "avx512");
    for (const int number : {-1, 4, 99}) {
        const auto isa = cblot::Isa(number);
        CHECK(has(error_of([&] { static_cast<void>(cblot::isa_name(isa)); }),
                  "isa must be one of 4 numbers from 0, got " + std::to_string(number)));
        CHECK(!cblot::available(isa));
        CHECK(has(error_of([&] { cblot::resolve(isa); }), "isa must be one of 4"));
    }
}

TEST_CASE("scales whose product is no number") {
    const auto error = [](double pix_ratio, double exptime, cblot::Classic classic) {
        cblot::Options options;
        options.pix_ratio = pix_ratio;
        options.exptime = exptime;
        options.classic = classic;
        return error_of([&] { cblot::validate(options); });
    };
    using cblot::Classic;
    CHECK(error(1e-170, 1.0, Classic::off) ==
          "pix_ratio must be such that double holds its square, got 1e-170");
    CHECK(has(error(1e170, 1.0, Classic::off), "holds its square, got 1e+170"));
    CHECK(error(1e-150, 1e10, Classic::off) ==
          "exptime must be such that double holds exptime / pix_ratio^2, got 10000000000");
    CHECK(error(1e-150, 1e-10, Classic::off) == "");
    CHECK(error(1e-30, 1.0, Classic::off) == "");
    CHECK(error(1e-30, 1.0, Classic::drizzlepac) ==
          "pix_ratio must be such that float32 holds its square, got 1e-30");
    CHECK(has(error(1e25, 1.0, Classic::drizzlepac), "float32 holds its square, got 1e+25"));
    for (const double unused : {1e-170, 1e-30, 1e170}) {  // by drizzle
        CHECK(error(unused, 1.0, Classic::drizzle) == "");
    }
    for (const auto classic : {Classic::drizzlepac, Classic::drizzle}) {
        CHECK(has(error(0.0, 1.0, classic), "pix_ratio must be positive and finite, got 0"));
        CHECK(error(1.0, 1e39, classic) == "exptime must be such that float32 holds it, got 1e+39");
        CHECK(error(1.0, -1e38, classic) == "");
    }
}

TEST_CASE("images that overlap, and images of one memory that do not") {
    std::vector<double> memory(4000);
    double* const m = memory.data();
    // The same; one pixel in common; a transposed one.
    CHECK(overlap({m, 9, 9, 9, 1}, {m, 9, 9, 9, 1}) == "out must not overlap source in memory");
    CHECK(overlap({m, 9, 9, 9, 1}, {m + 80, 4, 4, 4, 1}) != "");
    CHECK(overlap({m, 9, 9, 9, 1}, {m + 81, 4, 4, 4, 1}) == "");
    CHECK(overlap({m, 9, 9, 1, 9}, {m + 40, 2, 2, 9, 1}) != "");
    // Planes of complex numbers; left and right of an image; rows in turn; backwards.
    CHECK(overlap({m, 9, 9, 18, 2}, {m + 1, 9, 9, 18, 2}) == "");
    CHECK(overlap({m, 20, 9, 30, 1}, {m + 9, 20, 21, 30, 1}) == "");
    CHECK(overlap({m, 20, 10, 30, 1}, {m + 9, 20, 21, 30, 1}) != "");
    CHECK(overlap({m, 9, 9, 18, 1}, {m + 9, 9, 9, 18, 1}) == "");
    CHECK(overlap({m + 8, 9, 9, 18, -1}, {m + 9 + 8 * 18, 9, 9, -18, 1}) == "");
    // A source of one pixel, seen everywhere.
    CHECK(overlap({m, 9, 9, 0, 0}, {m + 1, 9, 9, 9, 1}) == "");
    CHECK(overlap({m + 5, 9, 9, 0, 0}, {m + 1, 9, 9, 9, 1}) != "");
    // Floats that are the second halves of doubles.
    float* const halves = reinterpret_cast<float*>(m) + 1;
    const Positions positions(9, 9, 0.0, 0.0);
    CHECK(error_of([&] {
              cblot::blot<double, float>(ConstDoubles{m, 9, 9, 9, 1}, positions.mapping(),
                                         {halves, 9, 9, 18, 2}, cblot::Options());
          }) == "out must not overlap source in memory");
    // An output several of whose pixels lie in one place.
    CHECK(overlap({m + 900, 9, 9, 9, 1}, {m, 9, 9, 9, 0}) ==
          "out must have a place in memory for each pixel, got strides (9, 0)");
    CHECK(overlap({m + 900, 9, 9, 9, 1}, {m, 9, 9, 8, 1}) != "");
    CHECK(overlap({m + 900, 9, 9, 9, 1}, {m, 1, 9, 0, 1}) == "");
}

TEST_CASE("random views of one memory overlap where they do") {
    std::mt19937 generator(3);
    const auto pick = [&](int least, int most) {
        return least + int(generator() % unsigned(most - least + 1));
    };
    std::vector<double> memory(700);
    int apart = 0, common = 0;
    for (int round = 0; round < 20000; ++round) {
        const auto view = [&] {
            return Doubles{memory.data() + 250 + pick(-20, 60), pick(1, 6), pick(1, 6),
                           pick(-20, 20), pick(-6, 6)};
        };
        const Doubles source = view(), out = view();
        const std::string text = overlap(source, out);
        CAPTURE(round);
        if (several(memory, out)) {
            CHECK(has(text, "out must have a place in memory for each pixel"));
        } else if (share(memory, source, out)) {
            ++common;
            CHECK(text == "out must not overlap source in memory");
        } else {
            ++apart;
            CHECK(text == "");
        }
    }
    CHECK(apart > 1000);
    CHECK(common > 1000);
}

TEST_CASE("an output in the memory of the mapping") {
    const auto source = noise<double>(30, 30);
    Image<double> x(24, 24, 3.0), y(24, 24, 4.0);
    const cblot::PixmapMapping pixmap{x.cview(), y.cview()};
    const cblot::Options options;
    const auto blot = [&](const cblot::Mapping& mapping, const Doubles& out) {
        return error_of(
            [&] { cblot::blot<double, double>(source.cview(), mapping, out, options); });
    };
    CHECK(blot(pixmap, x.view()) == "out must not overlap pixmap x in memory");
    CHECK(blot(pixmap, y.view()) == "out must not overlap pixmap y in memory");
    Image<double> node_x(4, 4, 3.0), node_y(4, 4, 3.0);
    const cblot::NodeMapping nodes{node_x.cview(), node_y.cview(), 12};
    CHECK(blot(nodes, {node_x.memory.data(), 24, 24, 24, 1}) ==
          "out must not overlap node x in memory");
    CHECK(error_of([&] { cblot::positions(pixmap, 0.0, x.view(), y.view(), options); }) ==
          "x must not overlap pixmap x in memory");
    Image<double> p(24, 24);
    CHECK(error_of([&] { cblot::positions(pixmap, 0.0, p.view(), p.view(), options); }) ==
          "x must not overlap y in memory");
    const cblot::ExactMapping exact;
    CHECK(has(error_of([&] { cblot::nodes(exact, 5, p.view(), p.view(), options); }),
              "x must not overlap y"));
    CHECK(has(error_of([&] {
                  cblot::positions_at(exact, 20, p.memory.data(), p.memory.data() + 19, options);
              }),
              "x must not overlap y"));
    // The two planes of one map.
    std::vector<double> map(24 * 24 * 2);
    cblot::positions(pixmap, 0.0, {map.data(), 24, 24, 48, 2}, {map.data() + 1, 24, 24, 48, 2},
                     options);
    CHECK(map[0] == 3.0);
    CHECK(map[1] == 4.0);
}

TEST_CASE("positions that change while they are used: an error at worst") {
    const Index size = 600;
    const auto source = noise<float>(size, size);
    for (const bool by_nodes : {false, true}) {
        const Index cells = by_nodes ? size / 10 + 2 : size;
        // Each of them is inside; read twice, they differ by far.
        Image<double> x(cells, cells, 30.0), y(cells, cells, 30.0);
        const cblot::Mapping mapping =
            by_nodes ? cblot::Mapping(cblot::NodeMapping{x.cview(), y.cview(), 10})
                     : cblot::Mapping(cblot::PixmapMapping{x.cview(), y.cview()});
        std::atomic<bool> stop{false};
        std::thread racer([&] {
            for (double at = 500.0; !stop; at = 530.0 - at) {
                for (std::size_t k = 0; k < x.memory.size(); ++k) {
                    // As another language's threads do it: no torn values, no order.
                    __atomic_store(&x.memory[k], &at, __ATOMIC_RELAXED);
                    __atomic_store(&y.memory[k], &at, __ATOMIC_RELAXED);
                }
            }
        });
        const auto blot = [&](cblot::Kernel kernel, int threads) {
            cblot::Options options;
            options.kernel = kernel;
            options.threads = threads;
            Image<float> out(size, size);
            return error_of(
                [&] { cblot::blot<float, float>(source.cview(), mapping, out.view(), options); });
        };
        for (const auto kernel : kKernels) {
            for (const int threads : {1, 2, 1}) {
                const std::string text = blot(kernel, threads);
                CHECK((text.empty() || kernel == cblot::Kernel::spline3));
            }
        }
        // It reads them twice: sooner or later they are others.
        std::string text;
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
        for (int call = 0; text.empty() && std::chrono::steady_clock::now() < end; ++call) {
            text = blot(cblot::Kernel::spline3, 1 + call % 2);
        }
        CHECK(text == "the mapping's positions changed while they were used");
        stop = true;
        racer.join();
    }
}

TEST_CASE("a narrow window of a wide frame asks a callback for no more than a tile") {
    const Index ny = 40000, nx = 4096;
    Index most = 0, rows = 0;
    const cblot::CallbackMapping mapping{[&](Index begin, Index end, double* x, double* y) {
        most = std::max(most, (end - begin) * nx);
        rows += end - begin;
        std::fill(x, x + (end - begin) * nx, 3.0);
        std::fill(y, y + (end - begin) * nx, 4.0);
    }};
    const auto source = noise<float>(8, 9);
    Image<float> out(ny, 1);
    for (const auto kernel : {cblot::Kernel::linear, cblot::Kernel::spline3}) {
        most = rows = 0;
        cblot::Options options;
        options.kernel = kernel;
        cblot::blot_window<float, float>({source.cview(), 0, 0, 8, 9}, mapping,
                                         {out.view(), 0, 77, ny, nx}, options);
        CHECK(rows == ny);
        CHECK(most <= 1 << 17);
    }
    most = rows = 0;
    const cblot::Box box =
        cblot::source_box(mapping, ny, nx, {0, ny, 77, 78}, 8, 9, cblot::Options());
    CHECK(box.y1 > 4);
    CHECK(rows == ny);
    CHECK(most <= 1 << 17);
}

TEST_CASE("more threads than there will ever be") {
    const auto source = noise<float>(700, 700);
    const Positions positions(700, 700, 0.25, 0.5);
    Image<float> expected(700, 700), out(700, 700);
    cblot::Options options;
    cblot::blot<float, float>(source.cview(), positions.mapping(), expected.view(), options);
    options.threads = std::numeric_limits<std::int32_t>::max();
    cblot::blot<float, float>(source.cview(), positions.mapping(), out.view(), options);
    CHECK(out.memory == expected.memory);
}
