// What can't be used is refused before anything is written.
#include <doctest/doctest.h>

#include <iterator>
#include <limits>
#include <string>

#include "images.hpp"

namespace {

struct Call {
    Image<float> source = noise<float>(8, 9);
    Positions positions{4, 5, 0.0, 0.0};
    cblot::Mapping mapping = positions.mapping();
    Image<float> out{4, 5, -1.0F};
    cblot::Options options;

    /// The message of the error.
    std::string error() {
        try {
            cblot::blot<float, float>(source.cview(), mapping, out.view(), options);
        } catch (const cblot::Error& failure) {
            CHECK(out.memory == std::vector<float>(20, -1.0F));
            return failure.what();
        }
        return "";
    }
};

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("options") {
    const double nan = std::numeric_limits<double>::quiet_NaN();
    const auto error = [](auto change) {
        Call call;
        change(call.options);
        return call.error();
    };
    using Options = cblot::Options;
    CHECK(has(error([&](Options& o) { o.sinscl = 0.0; }), "sinscl must be positive"));
    CHECK(has(error([&](Options& o) { o.pix_ratio = nan; }), "pix_ratio must be positive"));
    CHECK(has(error([&](Options& o) { o.exptime = nan; }), "exptime must be a finite number"));
    CHECK(has(error([&](Options& o) { o.threads = 0; }), "threads must be at least 1, got 0"));
    const auto count = std::size(kKernels);
    CHECK(has(error([&](Options& o) { o.kernel = cblot::Kernel(count); }),
              "kernel must be one of " + std::to_string(count)));
    CHECK(has(error([&](Options& o) { o.kernel = cblot::Kernel(-1); }), "got -1"));
    CHECK(
        has(error([&](Options& o) { o.classic = cblot::Classic(3); }), "classic must be one of 3"));
    CHECK(has(error([&](Options& o) { o.isa = cblot::Isa(99); }), "isa must be one of 4"));
    CHECK(has(error([&](Options& o) { o.reserved = 1; }), "reserved member"));
    CHECK(has(error([&](Options& o) { o.size = 8; }), "the size of the options must be from"));
    CHECK(has(error([&](Options& o) {
                  o.classic = cblot::Classic::drizzle;
                  o.kernel = cblot::Kernel::sinc;
              }),
              "classic arithmetic is defined for nearest, linear, poly3 and poly5 only, got sinc"));
}

TEST_CASE("a caller with a newer header") {
    struct Newer {
        cblot::Options options;
        double added = 0.0;
    } newer;
    newer.options.size = sizeof(newer);
    Call call;
    cblot::blot<float, float>(call.source.cview(), call.mapping, call.out.view(), newer.options);
    newer.added = 1.0;
    const auto again = [&] {
        cblot::blot<float, float>(call.source.cview(), call.mapping, call.out.view(),
                                  newer.options);
    };
    CHECK_THROWS_AS(again(), cblot::Error);
}

TEST_CASE("views") {
    Call call;
    const auto blot = [&](cblot::View2D<const float> source, cblot::View2D<float> out) {
        cblot::blot<float, float>(source, call.mapping, out, call.options);
    };
    auto source = call.source.cview();
    auto out = call.out.view();
    source.data = nullptr;
    CHECK_THROWS_AS(blot(source, out), cblot::Error);
    source = call.source.cview();
    source.ny = 0;
    CHECK_THROWS_AS(blot(source, out), cblot::Error);
    source = call.source.cview();
    source.nx = Index(1) << 31;
    CHECK_THROWS_AS(blot(source, out), cblot::Error);
    out.nx = 6;
    CHECK_THROWS_AS(blot(call.source.cview(), out), cblot::Error);
}

TEST_CASE("mappings") {
    Call call;
    call.mapping = cblot::NodeMapping{call.positions.x.cview(), call.positions.y.cview(), 1};
    CHECK(has(call.error(), "the step of a node grid must be at least 2, got 1"));
    call.mapping = cblot::NodeMapping{call.positions.x.cview(), call.positions.y.cview(), 10};
    CHECK(has(call.error(), "node x must have shape (2, 2)"));
    call.mapping =
        cblot::NodeMapping{call.positions.x.cview(), call.positions.y.cview(), Index(1) << 40};
    CHECK(has(call.error(), "the step of a node grid must be at most"));
    call.mapping = cblot::CallbackMapping{};
    CHECK(has(call.error(), "a callback mapping must have a function"));
    cblot::ExactMapping exact;
    exact.source = {1, 1, 0, 0, 0, 0, 10, 10};  // a CD matrix that has no inverse
    call.mapping = exact;
    CHECK(call.error() != "");
    exact.exposure = exact.source = {1, 1, 1e-5, 0, 0, 1e-5, 10, 10};
    exact.sip = cblot::SipPolynomials{2, 2, std::vector<double>(3), std::vector<double>(9), 1, 1};
    call.mapping = exact;
    CHECK(call.error() != "");
    exact.sip->a_order = std::numeric_limits<int>::max();
    call.mapping = exact;
    CHECK(has(call.error(), "must have order 0 to 20"));
    exact.sip.reset();
    const float value = 0.0F;
    exact.table_x = cblot::DistortionTable{{&value, 1 << 20, 1 << 20, 0, 0}, 1, 1, 1, 1, 1, 1};
    call.mapping = exact;
    CHECK(has(call.error(), "table_x must have at most 2^28 elements"));
    Image<double> x(3, 3), y(3, 3);
    exact.table_x.reset();
    CHECK_THROWS_AS(
        cblot::nodes(exact, std::numeric_limits<Index>::max(), x.view(), y.view(), call.options),
        cblot::Error);
    CHECK_THROWS_AS(cblot::positions_at(exact, -1, nullptr, nullptr, call.options), cblot::Error);
}

TEST_CASE("double source with classic arithmetic") {
    Call call;
    const auto source = noise<double>(8, 9);
    call.options.classic = cblot::Classic::drizzlepac;
    CHECK_THROWS_WITH_AS(
        (cblot::blot<double, float>(source.cview(), call.mapping, call.out.view(), call.options)),
        "classic arithmetic takes a float source, got double", cblot::Error);
}

TEST_CASE("names") {
    for (const std::string& name : cblot::kernel_names()) {
        CHECK(int(cblot::kernel_from_name(name)) >= 0);
    }
    CHECK_THROWS_AS(cblot::kernel_from_name("cubic"), cblot::Error);
    CHECK_THROWS_AS(cblot::isa_from_name("sse9"), cblot::Error);
}
