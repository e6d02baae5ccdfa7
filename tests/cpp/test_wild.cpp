// Sizes, strides and places that no image has: refused, whatever they add up to.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>

#include "images.hpp"

namespace {

constexpr Index kWild[] = {std::numeric_limits<Index>::max(), std::numeric_limits<Index>::min(),
                           std::numeric_limits<Index>::max() / 8 - 1, -(Index(1) << 60)};

struct Scene {
    Image<float> source = noise<float>(20, 20);
    Positions positions{9, 9, 3.0, 4.0};
    Image<float> out{9, 9};

    std::string error(const cblot::Window<const float>& from, const cblot::Mapping& mapping,
                      const cblot::Window<float>& to) const {
        cblot::Options options;
        options.kernel = cblot::Kernel::nearest;  // a window of one row is enough
        try {
            cblot::blot_window<float, float>(from, mapping, to, options);
        } catch (const cblot::Error& error) {
            return error.what();
        }
        return "";
    }

    std::string error(const cblot::View2D<const float>& from, const cblot::Mapping& mapping,
                      const cblot::View2D<float>& to) const {
        return error({from, 0, 0, from.ny, from.nx}, mapping, {to, 0, 0, to.ny, to.nx});
    }
};

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("scattered pixels of a window that begins beyond column 2^30") {
    constexpr Index kSize = 40, kFar = Index(1) << 30, kAt = kFar + 64;
    const auto source = noise<float>(kSize, kSize);
    cblot::Options options;
    options.kernel = cblot::Kernel::poly5;
    options.fill = -7.0;
    Image<float> near(kSize, kSize), far(kSize, kSize);
    const auto blot = [&](Index at, Image<float>& out) {
        // Down the columns, and every third pixel beyond the image.
        const cblot::CallbackMapping turned{[at](Index begin, Index end, double* x, double* y) {
            for (Index j = begin; j < end; ++j) {
                for (Index i = 0; i < kSize; ++i) {
                    *x++ = double(at + 4 + j * 3 / 4) + 0.25;
                    *y++ = i % 3 == 0 && j % 2 == 0 ? -1.0 : double(4 + i * 3 / 4) + 0.5;
                }
            }
        }};
        return cblot::blot_window<float, float>({source.cview(), 0, at, kSize, at + kSize + 4},
                                                turned, {out.view(), 0, 0, kSize, kSize}, options);
    };
    CHECK(blot(64, near) == blot(kAt, far));
    CHECK(near.memory == far.memory);
}

TEST_CASE("the stride of a single row or column is of no meaning") {
    Scene scene;
    Positions row(1, 9, 3.0, 0.0), column(9, 1, 0.0, 4.0);
    for (const Index wild : kWild) {
        CAPTURE(wild);
        auto source = scene.source.cview();
        auto out = scene.out.view();
        out.ny = source.ny = 1;
        source.stride_y = wild;
        auto x = row.x.cview(), y = row.y.cview();
        x.stride_y = wild;
        out.stride_y = wild;
        CHECK(scene.error(source, cblot::PixmapMapping{x, y}, out) == "");
        CHECK(scene.out.memory[8] == source(0, 11));
        // As windows, far down in a long image.
        const cblot::Window<const float> from{source, 1 << 30, 0, (1 << 30) + 1, 20};
        const cblot::Window<float> to{out, 1 << 30, 0, (1 << 30) + 1, 9};
        const cblot::CallbackMapping all{[](Index begin, Index end, double* px, double* py) {
            std::fill(px, px + (end - begin) * 9, 3.0);
            std::fill(py, py + (end - begin) * 9, double(1 << 30));
        }};
        CHECK(scene.error(from, all, to) == "");
        CHECK(scene.out.memory[8] == source(0, 3));

        source = {scene.source.memory.data(), 20, 1, 20, wild};
        out = {scene.out.memory.data(), 9, 1, 9, wild};
        x = column.x.cview();
        x.stride_x = wild;
        CHECK(scene.error(source, cblot::PixmapMapping{x, column.y.cview()}, out) == "");
        CHECK(scene.out.memory[9] == source(5, 0));
    }
}

TEST_CASE("strides and sizes that can't be") {
    Scene scene;
    const auto source = scene.source.cview();
    const auto out = scene.out.view();
    const auto x = scene.positions.x.cview(), y = scene.positions.y.cview();
    const cblot::PixmapMapping pixmap{x, y};
    const cblot::NodeMapping nodes{{x.data, 2, 2, 2, 1}, {y.data, 2, 2, 2, 1}, 12};
    const std::int32_t cell = 0;
    CHECK(scene.error(source, pixmap, out) == "");
    CHECK(scene.error(source, nodes, out) == "");
    for (const Index wild : kWild) {
        CAPTURE(wild);
        const auto refused = [&](const std::string& name, auto change) {
            auto from = source;
            auto to = out;
            auto map = pixmap;
            auto grid = nodes;
            grid.cells = {&cell, 1, 1, 1, 1};
            grid.patch_x = grid.patch_y = {x.data, 10, 10, 10, 1};
            const bool by_nodes = change(from, to, map, grid);
            const std::string text = by_nodes ? scene.error(from, grid, to)  //
                                              : scene.error(from, map, to);
            CAPTURE(name);
            CAPTURE(text);
            return has(text, name + " must have strides that fit into memory, got (") ||
                   has(text, name + " must have axes of at most") ||
                   has(text, name + " must not be empty");
        };
        CHECK(
            refused("source", [&](auto& s, auto&, auto&, auto&) { return s.stride_y = wild, 0; }));
        CHECK(
            refused("source", [&](auto& s, auto&, auto&, auto&) { return s.stride_x = wild, 0; }));
        CHECK(refused("source", [&](auto& s, auto&, auto&, auto&) { return s.nx = wild, 0; }));
        CHECK(refused("out", [&](auto&, auto& o, auto&, auto&) { return o.stride_y = wild, 0; }));
        CHECK(refused("out", [&](auto&, auto& o, auto&, auto&) { return o.ny = wild, 0; }));
        CHECK(refused("pixmap x", [&](auto&, auto&, auto& m, auto&) { return m.x.ny = wild, 0; }));
        CHECK(refused("pixmap y",
                      [&](auto&, auto&, auto& m, auto&) { return m.y.stride_x = wild, 0; }));
        CHECK(refused("node x",
                      [&](auto&, auto&, auto&, auto& n) { return n.x.stride_y = wild, 1; }));
        CHECK(refused("node y", [&](auto&, auto&, auto&, auto& n) { return n.y.nx = wild, 1; }));
        CHECK(refused("cells", [&](auto&, auto&, auto&, auto& n) { return n.cells.ny = wild, 1; }));
        CHECK(refused("patch x",
                      [&](auto&, auto&, auto&, auto& n) { return n.patch_x.stride_y = wild, 1; }));
        CHECK(refused("patch y",
                      [&](auto&, auto&, auto&, auto& n) { return n.patch_y.stride_x = wild, 1; }));
    }
}

TEST_CASE("places that can't be") {
    const Scene scene;
    Image<float> out(9, 9);
    const auto source = scene.source.cview();
    const auto mapping = scene.positions.mapping();
    CHECK(scene.error({source, kWild[0], 0, 20, 20}, mapping, {out.view(), 0, 0, 9, 9}) ==
          "source begins at row 9223372036854775807 and column 0, which an image of shape (20, 20) "
          "has not");
    for (const Index wild : kWild) {
        CAPTURE(wild);
        const std::string no = "which an image of shape (9, 9) has not";
        CHECK(has(scene.error({source, 0, 0, 20, 20}, mapping, {out.view(), wild, 0, 9, 9}), no));
        CHECK(has(scene.error({source, 0, 0, 20, 20}, mapping, {out.view(), 0, wild, 9, 9}), no));
        CHECK(scene.error({source, 0, 0, wild, 20}, mapping, {out.view(), 0, 0, 9, 9}) != "");
        for (const Index other : {Index(0), Index(5), kWild[0], kWild[1]}) {
            for (const auto& region : {cblot::Box{wild, other, 0, 9}, cblot::Box{other, wild, 0, 9},
                                       cblot::Box{0, 9, wild, other}}) {
                CHECK_THROWS_AS(cblot::source_box(mapping, 9, 9, region, 20, 20, cblot::Options()),
                                cblot::Error);
            }
        }
    }
    // Where the image, laid out as its window is, would reach beyond all memory.
    CHECK(has(scene.error({{source.data, 2, 20, Index(1) << 40, 1}, 0, 0, 1 << 30, 20}, mapping,
                          {out.view(), 0, 0, 9, 9}),
              "source must have strides that fit into memory"));
}
