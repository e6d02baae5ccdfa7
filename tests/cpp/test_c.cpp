// The C interface gives what the C++ one does.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string>

#include "cblot/blot.h"
#include "images.hpp"

namespace {

template <class T>
cblot_image image_of(Image<T>& image) {
    const auto view = image.view();
    return {view.data,     sizeof(T) == 4 ? CBLOT_FLOAT : CBLOT_DOUBLE,
            view.ny,       view.nx,
            view.stride_y, view.stride_x};
}

struct Call {
    Image<float> source = noise<float>(40, 50);
    Positions positions{30, 45, -1.5, 0.25, 0.97, 0.02};
    Image<float> out{30, 45};
    cblot_options options;
    cblot_mapping mapping;
    char message[200];

    Call() {
        cblot_default_options(&options);
        cblot_default_mapping(&mapping);
        mapping.kind = CBLOT_PIXMAP;
        mapping.x = image_of(positions.x);
        mapping.y = image_of(positions.y);
    }

    int operator()(ptrdiff_t* covered = nullptr) {
        std::fill(out.memory.begin(), out.memory.end(), -77.0F);
        const cblot_image from = image_of(source);
        cblot_image to = image_of(out);
        return cblot_blot(&from, &mapping, &to, &options, covered, message, sizeof(message));
    }

    std::string text() const { return message; }
};

}  // namespace

TEST_CASE("pixmap, and every kernel and type") {
    for (const auto kernel : kKernels) {
        Call call;
        call.options.kernel = int(kernel);
        call.options.exptime = 2.5;
        ptrdiff_t covered = -1;
        REQUIRE(call(&covered) == CBLOT_OK);
        CHECK(call.text() == "");
        cblot::Options options;
        options.kernel = kernel;
        options.exptime = 2.5;
        Image<float> expected(30, 45);
        CHECK(cblot::blot<float, float>(call.source.cview(), call.positions.mapping(),
                                        expected.view(), options) == covered);
        CHECK(call.out.memory == expected.memory);
        auto source = noise<double>(40, 50);
        Image<double> out(30, 45), same(30, 45);
        const cblot_image from = image_of(source);
        cblot_image to = image_of(out);
        REQUIRE(cblot_blot(&from, &call.mapping, &to, &call.options, nullptr, nullptr, 0) ==
                CBLOT_OK);
        cblot::blot<double, double>(source.cview(), call.positions.mapping(), same.view(), options);
        CHECK(out.memory == same.memory);
    }
}

TEST_CASE("callback, exact and nodes") {
    Call call;
    REQUIRE(call() == CBLOT_OK);
    const auto expected = call.out.memory;
    call.mapping.kind = CBLOT_CALLBACK;
    call.mapping.context = &call;
    call.mapping.positions = [](void* context, ptrdiff_t begin, ptrdiff_t end, double* x,
                                double* y) {
        const auto& own = static_cast<Call*>(context)->positions;
        std::memcpy(x, &own.x.memory[std::size_t(begin * 45)], std::size_t(end - begin) * 45 * 8);
        std::memcpy(y, &own.y.memory[std::size_t(begin * 45)], std::size_t(end - begin) * 45 * 8);
        return 0;
    };
    REQUIRE(call() == CBLOT_OK);
    CHECK(call.out.memory == expected);
    call.mapping.positions = [](void*, ptrdiff_t, ptrdiff_t, double*, double*) { return 7; };
    CHECK(call() == CBLOT_STOPPED);
    CHECK(call.text() == "a function of the caller's stopped it");

    Image<double> node_x(5, 6), node_y(5, 6);
    for (Index l = 0; l < 5; ++l) {
        for (Index k = 0; k < 6; ++k) {
            node_x.view()(l, k) = 0.97 * double(10 * k) + 1.25;
            node_y.view()(l, k) = double(10 * l) + 0.5;
        }
    }
    call.mapping.kind = CBLOT_NODES;
    call.mapping.step = 10;
    call.mapping.x = image_of(node_x);
    call.mapping.y = image_of(node_y);
    REQUIRE(call() == CBLOT_OK);
    Image<float> by_nodes(30, 45);
    cblot::blot<float, float>(call.source.cview(),
                              cblot::NodeMapping{node_x.cview(), node_y.cview(), 10},
                              by_nodes.view(), cblot::Options());
    CHECK(call.out.memory == by_nodes.memory);

    cblot::ExactMapping exact;
    exact.exposure = exact.source = {20.0, 15.0, -1e-5, 1e-6, 2e-6, 1.1e-5, 150.0, 2.0};
    exact.source.crpix_y += 2.25;
    const std::vector<double> a{0, 0, 1e-6, 0, 2e-6, 0, 1e-6, 0, 0}, b{0, 0, 0, 0};
    exact.sip = cblot::SipPolynomials{2, 1, a, b, 20, 15};
    Image<float> table(3, 4, 0.25F);
    exact.table_x = cblot::DistortionTable{table.cview(), 1, 1, 1, 1, 10, 10};
    exact.detector_y = cblot::DistortionTable{table.cview(), 2, 1, 1, 3, 8, 9};
    call.mapping.kind = CBLOT_EXACT;
    call.mapping.sip = {2, 1, a.data(), b.data(), {20, 15}};
    call.mapping.table_x = {image_of(table), {1, 1}, {1, 1}, {10, 10}};
    call.mapping.detector_y = {image_of(table), {2, 1}, {1, 3}, {8, 9}};
    call.mapping.exposure = {{20.0, 15.0}, {{-1e-5, 1e-6}, {2e-6, 1.1e-5}}, {150.0, 2.0}};
    call.mapping.source = call.mapping.exposure;
    call.mapping.source.crpix[1] += 2.25;
    REQUIRE(call() == CBLOT_OK);
    Image<float> same(30, 45);
    cblot::blot<float, float>(call.source.cview(), exact, same.view(), cblot::Options());
    CHECK(call.out.memory == same.memory);

    Image<double> x(30, 45), y(30, 45), px(30, 45), py(30, 45);
    cblot_image to_x = image_of(x), to_y = image_of(y);
    REQUIRE(cblot_positions(&call.mapping, 1.0, &to_x, &to_y, &call.options, nullptr, 0) ==
            CBLOT_OK);
    cblot::positions(exact, 1.0, px.view(), py.view(), cblot::Options());
    CHECK(x.memory == px.memory);
    CHECK(y.memory == py.memory);

    CHECK(cblot_node_count(0, 30) == 0);
    CHECK(cblot_patch_size(0, 30) == 0);
    CHECK(cblot_patch_size(-3, 10) == 0);
    const Index rows = cblot_node_count(10, 30), columns = cblot_node_count(10, 45);
    CHECK(rows == 5);
    Image<double> nx(rows, columns), ny(rows, columns), mx(rows, columns), my(rows, columns);
    to_x = image_of(nx);
    to_y = image_of(ny);
    const auto nodes = [&] {
        return cblot_nodes(&call.mapping, 10, &to_x, &to_y, &call.options, call.message, 200);
    };
    REQUIRE(nodes() == CBLOT_OK);
    cblot::nodes(exact, 10, mx.view(), my.view(), cblot::Options());
    CHECK(nx.memory == mx.memory);
    CHECK(ny.memory == my.memory);

    std::vector<double> ax{1.5, 20.0, -3.0}, ay{2.0, 7.25, 40.0}, bx = ax, by = ay;
    const auto at = [&] {
        return cblot_positions_at(&call.mapping, 3, ax.data(), ay.data(), &call.options,
                                  call.message, 200);
    };
    REQUIRE(at() == CBLOT_OK);
    cblot::positions_at(exact, 3, bx.data(), by.data(), cblot::Options());
    CHECK(ax == bx);
    CHECK(ay == by);
    call.mapping.kind = CBLOT_PIXMAP;
    CHECK(at() == CBLOT_BAD_ARGUMENT);
    CHECK(call.text() == "the mapping must be of kind CBLOT_EXACT, got 1");
    CHECK(nodes() == CBLOT_BAD_ARGUMENT);
}

TEST_CASE("nodes with patches") {
    Call call;
    const Index step = 10, rows = cblot_node_count(step, 30), columns = cblot_node_count(step, 45);
    const Index height = cblot_patch_size(step, 30), width = cblot_patch_size(step, 45);
    CHECK(height == step);
    Image<double> x(rows, columns), y(rows, columns);
    for (Index l = 0; l < rows; ++l) {
        for (Index k = 0; k < columns; ++k) {
            x.view()(l, k) = double(k * step);
            y.view()(l, k) = double(l * step);
        }
    }
    std::vector<std::int32_t> cells(std::size_t((rows - 1) * (columns - 1)), -1);
    cells[1] = 0;
    Image<double> patch_x(height, width, 7.0), patch_y(height, width, 8.0);
    call.mapping.kind = CBLOT_NODES;
    call.mapping.x = image_of(x);
    call.mapping.y = image_of(y);
    call.mapping.cells = {cells.data(), CBLOT_INT32, rows - 1, columns - 1, columns - 1, 1};
    call.mapping.patch_x = image_of(patch_x);
    call.mapping.patch_y = image_of(patch_y);
    REQUIRE(call() == CBLOT_OK);
    cblot::NodeMapping nodes{x.cview(), y.cview(), step};
    nodes.cells = {cells.data(), rows - 1, columns - 1, columns - 1, 1};
    nodes.patch_x = patch_x.cview();
    nodes.patch_y = patch_y.cview();
    Image<float> expected(30, 45);
    cblot::blot<float, float>(call.source.cview(), nodes, expected.view(), cblot::Options());
    CHECK(call.out.memory == expected.memory);
    call.mapping.cells.type = CBLOT_FLOAT;
    CHECK(call() == CBLOT_BAD_ARGUMENT);
    CHECK(call.text() == "cells must be of type CBLOT_INT32");
}

TEST_CASE("a host's executor and a poll") {
    auto source = noise<float>(700, 700);
    Positions positions(700, 700, 0.25, 0.5);
    Image<float> out(700, 700), expected(700, 700);
    cblot::blot<float, float>(source.cview(), positions.mapping(), expected.view(),
                              cblot::Options());
    Call call;
    call.mapping.x = image_of(positions.x);
    call.mapping.y = image_of(positions.y);
    int runs = 0;
    const cblot_executor executor = {
        3,
        [](void* context, int count, void (*task)(void*, int), void* task_context) {
            ++*static_cast<int*>(context);
            for (int k = 0; k < count; ++k) {
                task(task_context, k);
            }
        },
        &runs};
    call.options.executor = &executor;
    const cblot_image from = image_of(source);
    cblot_image to = image_of(out);
    const auto blot = [&] {
        return cblot_blot(&from, &call.mapping, &to, &call.options, nullptr, call.message, 200);
    };
    REQUIRE(blot() == CBLOT_OK);
    CHECK(runs == 1);
    CHECK(out.memory == expected.memory);
    call.options.poll = [](void*) { return 1; };
    CHECK(blot() == CBLOT_STOPPED);
}

TEST_CASE("programs with an older or a newer header") {
    Call call;
    struct Newer {
        cblot_options options;
        double added;
        unsigned char guard;
    } newer;
    newer.guard = 0x5a;
    cblot_default_options_of_size(&newer.options, offsetof(Newer, guard));
    CHECK(newer.guard == 0x5a);
    CHECK(newer.added == 0.0);
    CHECK(newer.options.size == offsetof(Newer, guard));
    const cblot_image from = image_of(call.source);
    cblot_image to = image_of(call.out);
    const auto blot = [&] {
        return cblot_blot(&from, &call.mapping, &to, &newer.options, nullptr, call.message, 200);
    };
    CHECK(blot() == CBLOT_OK);
    newer.added = 1.0;
    CHECK(blot() == CBLOT_BAD_ARGUMENT);
    CHECK(call.text() == "an option is set that this version of cblot does not have");
    cblot_default_options_of_size(nullptr, 8);
    cblot_default_mapping_of_size(nullptr, 8);

    struct NewerMapping {
        cblot_mapping mapping;
        void* added;
        unsigned char guard;
    } mapping;
    mapping.guard = 0x5a;
    cblot_default_mapping_of_size(&mapping.mapping, offsetof(NewerMapping, guard));
    CHECK(mapping.guard == 0x5a);
    CHECK(mapping.mapping.size == offsetof(NewerMapping, guard));
    CHECK(mapping.added == nullptr);
    mapping.mapping.kind = CBLOT_PIXMAP;
    mapping.mapping.x = call.mapping.x;
    mapping.mapping.y = call.mapping.y;
    const auto positions = [&] {
        return cblot_blot(&from, &mapping.mapping, &to, &call.options, nullptr, call.message, 200);
    };
    CHECK(positions() == CBLOT_OK);
    mapping.added = &mapping;
    CHECK(positions() == CBLOT_BAD_ARGUMENT);
    CHECK(call.text() == "a member of the mapping is set that this version of cblot does not have");
    mapping.mapping.size = 0;  // not filled in
    CHECK(positions() == CBLOT_BAD_ARGUMENT);
    CHECK(call.text().find("the size of the mapping must be from ") == 0);
    mapping.mapping.size = 4097;
    CHECK(positions() == CBLOT_BAD_ARGUMENT);
}

TEST_CASE("defaults are those of C++") {
    cblot_options options;
    cblot_mapping mapping;
    cblot_default_options(&options);
    cblot_default_mapping(&mapping);
    using cblot::Kernel, cblot::Classic, cblot::Isa;
    const cblot::Options own;
#define CBLOT_OPTION(type, c_type, name, value, keyword) CHECK(type(options.name) == own.name);
#define CBLOT_HOOK(type, c_type, name) CHECK(bool(options.name == nullptr));
#include "cblot/options.def"
    CHECK(mapping.step == cblot::NodeMapping().step);
    CHECK(mapping.table_y.cdelt[1] == cblot::DistortionTable().cdelt_y);
    CHECK(mapping.source.cd[0][0] == cblot::TanProjection().cd11);
    CHECK(mapping.exposure.cd[0][1] == cblot::TanProjection().cd12);
    CHECK(mapping.x.data == nullptr);
}

TEST_CASE("names and instruction sets in C") {
    const auto names = cblot::kernel_names();
    int k = 0;
    for (const std::string& name : names) {
        CHECK(cblot_kernel_name(k++) == name);
        CHECK(cblot_kernel_from_name(name.c_str()) == int(cblot::kernel_from_name(name)));
    }
    CHECK(cblot_kernel_name(k) == nullptr);
    CHECK(cblot_kernel_name(-1) == nullptr);
    for (int isa = CBLOT_ISA_BEST; isa <= CBLOT_ISA_AVX512; ++isa) {
        const bool there = cblot::available(cblot::Isa(isa));
        CHECK(cblot_isa_name(isa) == std::string(cblot::isa_name(cblot::Isa(isa))));
        CHECK((cblot_isa_available(isa) == 1) == there);
        CHECK((cblot_isa_resolve(isa) >= CBLOT_ISA_BASELINE) == there);
    }
    CHECK(cblot_isa_resolve(CBLOT_ISA_BEST) == int(cblot::resolve(cblot::Isa::best)));
    CHECK(cblot_isa_from_name("avx2") == CBLOT_ISA_AVX2);
    for (const int unknown : {-1, 4, 1000}) {
        CHECK(cblot_isa_name(unknown) == nullptr);
        CHECK(cblot_isa_available(unknown) == 0);
        CHECK(cblot_isa_resolve(unknown) == -1);
    }
    CHECK(cblot_isa_from_name("sse9") == -1);
    CHECK(cblot_isa_from_name(nullptr) == -1);
    cblot_options options;
    cblot_default_options(&options);
    char message[100];
    CHECK(cblot_validate(&options, message, sizeof(message)) == CBLOT_OK);
    options.threads = 0;
    CHECK(cblot_validate(&options, message, sizeof(message)) == CBLOT_BAD_ARGUMENT);
    CHECK(message == std::string("threads must be at least 1, got 0"));
}

TEST_CASE("errors") {
    const auto status = [](auto change) {
        Call call;
        change(call);
        const int found = call();
        CHECK((found == CBLOT_OK) == call.text().empty());
        return found;
    };
    CHECK(status([](Call&) {}) == CBLOT_OK);
    CHECK(status([](Call& c) { c.options.kernel = 77; }) == CBLOT_BAD_ARGUMENT);
    CHECK(status([](Call& c) { c.options.size = 3; }) == CBLOT_BAD_ARGUMENT);
    CHECK(status([](Call& c) { c.options.reserved = 1; }) == CBLOT_BAD_ARGUMENT);
    CHECK(status([](Call& c) {
              c.mapping.kind = CBLOT_EXACT;
              c.mapping.sip.a = c.mapping.sip.b = c.positions.x.memory.data();
              c.mapping.sip.a_order = 21;
          }) == CBLOT_BAD_ARGUMENT);
    CHECK(status([](Call& c) {
              c.mapping.kind = CBLOT_EXACT;
              c.mapping.table_x.values = c.mapping.x;  // of double
          }) == CBLOT_BAD_ARGUMENT);
    CHECK(status([](Call& c) { c.mapping.kind = 9; }) == CBLOT_BAD_ARGUMENT);
    CHECK(status([](Call& c) { c.mapping.kind = CBLOT_CALLBACK; }) == CBLOT_BAD_ARGUMENT);
    CHECK(status([](Call& c) { c.mapping.x.type = CBLOT_FLOAT; }) == CBLOT_BAD_ARGUMENT);
    CHECK(status([](Call& c) { c.mapping.y.data = nullptr; }) == CBLOT_BAD_ARGUMENT);
    Call call;
    const cblot_image from = image_of(call.source);
    cblot_image to = image_of(call.out);
    CHECK(cblot_blot(nullptr, &call.mapping, &to, &call.options, nullptr, call.message, 200) == 1);
    CHECK(cblot_blot(&from, nullptr, &to, &call.options, nullptr, call.message, 200) == 1);
    CHECK(cblot_blot(&from, &call.mapping, nullptr, &call.options, nullptr, call.message, 200) ==
          1);
    CHECK(cblot_blot(&from, &call.mapping, &to, nullptr, nullptr, call.message, 8) == 1);
    CHECK(call.text() == "options");  // cut to its size
    CHECK(cblot_kernel_from_name("lan3") == CBLOT_LANCZOS3);
    CHECK(cblot_kernel_from_name("cubic") == -1);
    CHECK(cblot_kernel_from_name(nullptr) == -1);
    CHECK(std::string(cblot_version()) == CBLOT_VERSION);
}

TEST_CASE("windows in C") {
    Call call;
    REQUIRE(call() == CBLOT_OK);
    const Image<float> whole = call.out;
    const cblot_box region{12, 30, 5, 45};
    cblot_box box{};
    REQUIRE(cblot_source_box(&call.mapping, 30, 45, &region, 40, 50, &call.options, &box,
                             call.message, sizeof(call.message)) == CBLOT_OK);
    CHECK(box.y0 > 0);
    cblot_image from = image_of(call.source);
    from.data = static_cast<float*>(from.data) + box.y0 * 50 + box.x0;
    from.ny = box.y1 - box.y0;
    from.nx = box.x1 - box.x0;
    const cblot_place from_place{box.y0, box.x0, 40, 50}, to_place{12, 5, 30, 45};
    Image<float> out(18, 40);
    cblot_image to = image_of(out);
    const auto blot = [&] {
        return cblot_blot_window(&from, &from_place, &call.mapping, &to, &to_place, &call.options,
                                 nullptr, call.message, sizeof(call.message));
    };
    REQUIRE(blot() == CBLOT_OK);
    for (Index j = 0; j < 18; ++j) {
        for (Index i = 0; i < 40; ++i) {
            CHECK(out.cview()(j, i) == whole.cview()(12 + j, 5 + i));
        }
    }
    from.ny -= 9;
    CHECK(blot() == CBLOT_BAD_ARGUMENT);
    CHECK(call.text().find("source_box tells what it needs") != std::string::npos);
    CHECK(cblot_source_box(&call.mapping, 30, 45, nullptr, 40, 50, &call.options, &box, nullptr,
                           0) == CBLOT_BAD_ARGUMENT);
}
