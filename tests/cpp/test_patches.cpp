// Cells of a node grid that are given pixel by pixel.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>

#include "images.hpp"

namespace {

/// Nodes of an output, some of its cells with patches.
struct Patched {
    Patched(Index ny_, Index nx_, Index step_, Index count)
        : ny(ny_),
          nx(nx_),
          step(step_),
          height(cblot::patch_size(step, ny)),
          width(cblot::patch_size(step, nx)),
          node_x(noise<double>(ny / step + 2, nx / step + 2, 2)),
          node_y(noise<double>(ny / step + 2, nx / step + 2, 3)),
          cells(ny / step + 1, nx / step + 1, -1),
          patch_x(noise<double>(count * height, width, 4)),
          patch_y(noise<double>(count * height, width, 5)) {
        // Not in order, and the last twice.
        const std::size_t all = cells.memory.size();
        for (Index p = 0; p < count; ++p) {
            cells.memory[all - 1 - std::size_t(p) * 2] = std::int32_t(p);
        }
        cells.memory[0] = std::int32_t(count - 1);
    }

    cblot::NodeMapping bare() const { return {node_x.cview(), node_y.cview(), step}; }
    cblot::NodeMapping mapping() const {
        return {node_x.cview(), node_y.cview(),  step,
                cells.cview(),  patch_x.cview(), patch_y.cview()};
    }

    Index ny, nx, step, height, width;
    Image<double> node_x, node_y;
    Image<std::int32_t> cells;
    Image<double> patch_x, patch_y;
};

void check_positions(const Patched& grid, const cblot::Options& options) {
    Image<double> x(grid.ny, grid.nx), y = x, bare_x = x, bare_y = x;
    cblot::positions(grid.mapping(), 1.0, x.view(), y.view(), options);
    cblot::positions(grid.bare(), 1.0, bare_x.view(), bare_y.view(), options);
    Index wrong = 0, of_patches = 0;
    for (Index j = 0; j < grid.ny; ++j) {
        for (Index i = 0; i < grid.nx; ++i) {
            const Index l = (j + 1) / grid.step, k = (i + 1) / grid.step;
            const std::int32_t patch = grid.cells.cview()(l, k);
            double ex = bare_x.cview()(j, i), ey = bare_y.cview()(j, i);
            if (patch >= 0) {
                const Index line = patch * grid.height + (j + 1) % grid.step;
                ex = grid.patch_x.cview()(line, (i + 1) % grid.step) - 1.0 + 1.0;
                ey = grid.patch_y.cview()(line, (i + 1) % grid.step) - 1.0 + 1.0;
                ++of_patches;
            }
            wrong += x.cview()(j, i) != ex || y.cview()(j, i) != ey;
        }
    }
    CHECK(wrong == 0);
    CHECK(of_patches > 0);
}

}  // namespace

TEST_CASE("cells that are given pixel by pixel, of every step and size") {
    for (const auto isa : {cblot::Isa::baseline, cblot::Isa::avx2, cblot::Isa::avx512}) {
        if (!cblot::available(isa)) {
            continue;
        }
        for (const Index step : {2, 3, 7, 10, 64, 1000}) {
            for (const auto& shape :
                 {std::pair<Index, Index>{1, 1}, {1, 90}, {90, 1}, {37, 61}, {63, 64}, {64, 65}}) {
                const Index ny = shape.first, nx = shape.second;
                CAPTURE(step);
                CAPTURE(ny);
                CAPTURE(nx);
                cblot::Options options;
                options.isa = isa;
                options.threads = 2;
                const Index cells = (ny / step + 1) * (nx / step + 1);
                check_positions(Patched(ny, nx, step, std::min<Index>(5, (cells + 1) / 2)),
                                options);
            }
        }
    }
}

TEST_CASE("patches that can't be") {
    const auto source = noise<float>(9, 9);
    Image<float> out(37, 61);
    const Patched grid(37, 61, 10, 3);
    cblot::Options options;
    const auto refuses = [&](const char* message,
                             const std::function<void(cblot::NodeMapping&)>& change) {
        CAPTURE(std::string(message));
        cblot::NodeMapping mapping = grid.mapping();
        change(mapping);
        out.memory.assign(out.memory.size(), 7.0F);
        bool refused = false;
        try {
            cblot::blot<float, float>(source.cview(), mapping, out.view(), options);
        } catch (const cblot::Error& error) {
            refused = true;
            CHECK(std::string(error.what()).find(message) != std::string::npos);
        }
        CHECK(refused);
        CHECK(out.memory == std::vector<float>(out.memory.size(), 7.0F));
    };
    Image<std::int32_t> cells = grid.cells;
    for (const std::int32_t wrong : {-2, 3, INT32_MIN, INT32_MAX}) {
        cells.memory[5] = wrong;
        refuses("cells must be -1 or one of 3 patches",
                [&](cblot::NodeMapping& m) { m.cells = cells.cview(); });
    }
    refuses("cells", [](cblot::NodeMapping& m) { --m.cells.ny; });
    refuses("cells", [](cblot::NodeMapping& m) { ++m.cells.nx; });
    refuses("patch x must have 10 rows a patch, got 29 rows",
            [](cblot::NodeMapping& m) { --m.patch_x.ny; });
    refuses("patch x must have 10 rows a patch, got 3 rows",
            [](cblot::NodeMapping& m) { m.patch_x.ny = 3; });
    refuses("patch x", [](cblot::NodeMapping& m) { --m.patch_x.nx; });
    refuses("patch x", [](cblot::NodeMapping& m) { m.patch_x.data = nullptr; });
    refuses("patch y", [](cblot::NodeMapping& m) { m.patch_y.ny -= 10; });
    refuses("patch y", [](cblot::NodeMapping& m) { m.patch_y.data = nullptr; });
    refuses("patch x", [](cblot::NodeMapping& m) {
        m.patch_x = m.patch_y = {m.patch_x.data, 0, m.patch_x.nx, m.patch_x.nx, 1};
    });
    options.classic = cblot::Classic::drizzlepac;
    refuses("classic arithmetic is that of nodes alone", [](cblot::NodeMapping&) {});
}
