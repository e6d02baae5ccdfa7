// libFuzzer: shapes, strides, kernel, options, positions and pixels that the input's bytes give are
// blotted by the library and by a plain evaluation in double, and compared. Odd pixels and options,
// and mappings by coefficients and nodes, are compared among instruction sets and threads. Options
// of odd sizes, views of wild numbers, and positions that another thread changes, must do no harm.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <memory>
#include <thread>

#include "cblot/blot.h"
#include "fuzz_bytes.hpp"
#include "fuzz_wild.hpp"
#include "plain.hpp"

namespace {

constexpr Index kLastKernel =
#define CBLOT_KERNEL(...) 1 +
#include "cblot/kernels.def"
    -1;

[[noreturn]] void complain(const char* what, const cblot::Options& options, Index j, Index i,
                           double x, double y, double found, double expected) {
    std::fprintf(stderr,
                 "%s: kernel %d, isa %d, pixel (%td, %td) from (%.17g, %.17g): %.17g, not %.17g\n",
                 what, int(options.kernel), int(options.isa), j, i, x, y, found, expected);
    std::abort();
}

/// What making weights sum to 1 does to their errors, those of a rounded fraction among them, along
/// one axis. Beyond bounds where rounding decides whether they are used at all.
double cancellation(const cblot::Options& options, double position) {
    if (options.kernel != cblot::Kernel::sinc || options.sinscl == 1.0) {
        return 1.0;
    }
    const auto weights = plain::sinc_weights(position - std::floor(position + 0.5), options.sinscl);
    const double size = plain::total_size(weights), found = plain::cancellation(weights);
    if ((found > 950.0 && found < 1050.0) || (size > 1e-7 && size < 1e-5)) {
        return 1e9;
    }
    return found > 1e3 || size < 1e-6 ? 1.0 : found * (1.0 + 4.0 / (options.sinscl * size));
}

template <class T, class Out>
void one(Bytes& bytes) {
    const Index my = bytes.whole(1, 24), mx = bytes.whole(1, 24);
    const Index ny = bytes.whole(1, 6), nx = bytes.whole(1, bytes.flag() ? 300 : 24);
    Strided<T> source(bytes, my, mx);
    double greatest = 0.0;
    for (Index j = 0; j < my; ++j) {
        for (Index i = 0; i < mx; ++i) {
            const double value = bytes.real(-8.0, 8.0);
            source.view()(j, i) = T(value);
            greatest = std::max(greatest, std::abs(double(T(value))));
        }
    }
    cblot::Options options;
    options.kernel = cblot::Kernel(bytes.whole(0, kLastKernel));
    options.sinscl = bytes.flag() ? 1.0 : bytes.real(0.05, 3.0);
    options.exptime = bytes.real(-2.0, 2.0);
    options.pix_ratio = bytes.real(0.5, 2.0);
    options.fill = bytes.real(-4.0, 4.0);
    options.threads = int(bytes.whole(1, 3));
    Strided<double> x(bytes, ny, nx), y(bytes, ny, nx);
    const bool affine = bytes.flag();
    const double x0 = bytes.real(-3.0, 20.0), y0 = bytes.real(-3.0, 20.0);
    const double xx = bytes.flag() ? 1.0 : bytes.real(-3.0, 3.0), xy = bytes.real(-0.3, 0.3);
    for (Index j = 0; j < ny; ++j) {
        for (Index i = 0; i < nx; ++i) {
            x.view()(j, i) = affine ? x0 + xx * double(i) + xy * double(j) : wild(bytes, mx);
            y.view()(j, i) = affine ? y0 + double(j) - xy * double(i) : wild(bytes, my);
        }
    }
    cblot::Mapping mapping = cblot::PixmapMapping{x.cview(), y.cview()};
    if (bytes.flag()) {
        mapping = cblot::CallbackMapping{[&](Index begin, Index end, double* px, double* py) {
            for (Index j = begin; j < end; ++j) {
                for (Index i = 0; i < nx; ++i) {
                    *px++ = x.view()(j, i);
                    *py++ = y.view()(j, i);
                }
            }
        }};
    }
    const plain::Image truth(source.cview(), options.kernel);
    const double gain = options.exptime / (options.pix_ratio * options.pix_ratio);
    // What an odd extension makes of a short axis' samples is large, and so is what it rounds.
    const double digits = sizeof(T) == 4 ? 1.2e-7 : 2.3e-16;
    const double rounding = sizeof(Out) == 4 ? 1.2e-7 : digits;
    const double tolerance = (400.0 * digits + 4.0 * rounding) * std::max(greatest, 1e-30) *
                             std::abs(gain) * (my < 6 || mx < 6 ? 300.0 : 1.0);
    for (const auto isa : {cblot::Isa::baseline, cblot::Isa::avx2, cblot::Isa::avx512}) {
        if (!cblot::available(isa)) {
            continue;
        }
        options.isa = isa;
        Strided<Out> out(bytes, ny, nx);
        const Index covered = cblot::blot<T, Out>(source.cview(), mapping, out.view(), options);
        Index expected_count = 0;
        for (Index j = 0; j < ny; ++j) {
            for (Index i = 0; i < nx; ++i) {
                const double px = x.view()(j, i), py = y.view()(j, i);
                const bool inside = truth.holds(px, py);
                expected_count += inside;
                const double found = double(out.view()(j, i));
                if (!inside) {
                    if (found != double(Out(options.fill))) {
                        complain("not the fill", options, j, i, px, py, found, options.fill);
                    }
                    continue;
                }
                const double expected = truth.value(px, py, options.sinscl) * gain;
                const double cancelled = cancellation(options, px) * cancellation(options, py);
                if (cancelled < 1e5 && !(std::abs(found - expected) <= tolerance * cancelled)) {
                    complain("another value", options, j, i, px, py, found, expected);
                }
            }
        }
        if (covered != expected_count) {
            complain("another count", options, 0, 0, 0, 0, double(covered), double(expected_count));
        }
    }
}

/// A table of corrections, now and then of odd values, or none.
std::optional<cblot::DistortionTable> table(Bytes& bytes, std::vector<Strided<float>>& kept) {
    if (bytes.flag()) {
        return std::nullopt;
    }
    Strided<float>& values = kept.emplace_back(bytes, bytes.whole(1, 5), bytes.whole(1, 70));
    const bool odd = bytes.flag();
    for (Index j = 0; j < values.view().ny; ++j) {
        for (Index i = 0; i < values.view().nx; ++i) {
            values.view()(j, i) = float(odd ? wild(bytes, 8) : bytes.real(-3.0, 3.0));
        }
    }
    if (bytes.flag()) {  // one that is not a number, often in the last column or row
        const Index j = bytes.flag() ? values.view().ny - 1 : bytes.whole(0, values.view().ny - 1);
        const Index i = bytes.flag() ? values.view().nx - 1 : bytes.whole(0, values.view().nx - 1);
        values.view()(j, i) = bytes.flag() ? std::numeric_limits<float>::quiet_NaN()
                                           : std::numeric_limits<float>::infinity();
    }
    const bool by_pixel = bytes.flag();
    return cblot::DistortionTable{
        values.cview(),          by_pixel ? double(bytes.whole(-2, 2)) : bytes.real(-3.0, 3.0),
        bytes.real(-3.0, 3.0),   by_pixel ? 0.0 : bytes.real(-20.0, 60.0),
        bytes.real(-20.0, 60.0), by_pixel ? 1.0 : bytes.real(0.1, 60.0),
        bytes.real(0.1, 60.0)};
}

cblot::ExactMapping exact(Bytes& bytes, std::vector<Strided<float>>& kept) {
    cblot::ExactMapping mapping;
    mapping.detector_x = table(bytes, kept);
    mapping.detector_y = table(bytes, kept);
    mapping.table_x = table(bytes, kept);
    mapping.table_y = table(bytes, kept);
    if (bytes.flag()) {
        cblot::SipPolynomials sip;
        sip.a_order = int(bytes.whole(0, 6));
        sip.b_order = int(bytes.whole(0, 6));
        sip.a.resize(std::size_t((sip.a_order + 1) * (sip.a_order + 1)));
        sip.b.resize(std::size_t((sip.b_order + 1) * (sip.b_order + 1)));
        for (auto* terms : {&sip.a, &sip.b}) {
            for (double& term : *terms) {
                term = bytes.real(-1e-4, 1e-4);
            }
        }
        mapping.sip = sip;
    }
    mapping.exposure = {bytes.real(-9.0, 9.0),
                        bytes.real(-9.0, 9.0),
                        1e-5,
                        bytes.real(-1e-5, 1e-5),
                        bytes.real(-1e-5, 1e-5),
                        1e-5,
                        10.0,
                        20.0};
    mapping.source = {bytes.real(0.0, 20.0),
                      bytes.real(0.0, 20.0),
                      1e-5,
                      0.0,
                      0.0,
                      1e-5,
                      bytes.flag() ? 10.0 : 190.0,
                      20.0};
    if (bytes.whole(0, 31) == 0) {  // one coefficient of any value
        cblot::DistortionTable none;
        cblot::DistortionTable& first = mapping.table_x ? *mapping.table_x : none;
        double* const any[] = {&mapping.exposure.cd11,  &mapping.exposure.lon, &mapping.source.cd22,
                               &mapping.source.crpix_x, &first.cdelt_x,        &first.crval_y};
        *any[bytes.whole(0, 5)] = bytes.take<double>();
    }
    return mapping;
}

/// Any region of the output, from no more of the source than its box: in memory of its own, where a
/// sanitizer sees a step beyond it.
template <class T, class Out>
void windows(Bytes& bytes, const cblot::View2D<const T>& source, const cblot::Mapping& mapping,
             const cblot::View2D<Out>& whole, const cblot::Options& options) {
    const Index y0 = bytes.whole(0, whole.ny - 1), x0 = bytes.whole(0, whole.nx - 1);
    const cblot::Box region{y0, bytes.whole(y0 + 1, whole.ny), x0, bytes.whole(x0 + 1, whole.nx)};
    const cblot::Box box =
        cblot::source_box(mapping, whole.ny, whole.nx, region, source.ny, source.nx, options);
    if (box.empty()) {
        return;
    }
    const auto memory = std::make_unique<T[]>(std::size_t(box.height() * box.width()));
    for (Index j = 0; j < box.height(); ++j) {
        for (Index i = 0; i < box.width(); ++i) {
            memory[std::size_t(j * box.width() + i)] = source(box.y0 + j, box.x0 + i);
        }
    }
    Strided<Out> out(bytes, region.height(), region.width());
    cblot::blot_window<T, Out>({{memory.get(), box.height(), box.width(), box.width(), 1},
                                box.y0,
                                box.x0,
                                source.ny,
                                source.nx},
                               mapping, {out.view(), region.y0, region.x0, whole.ny, whole.nx},
                               options);
    for (Index j = region.y0; j < region.y1; ++j) {
        for (Index i = region.x0; i < region.x1; ++i) {
            const Out found = out.view()(j - y0, i - x0), expected = whole(j, i);
            if (found != expected && !(std::isnan(found) && std::isnan(expected))) {
                complain("another window", options, j, i, 0, 0, double(found), double(expected));
            }
        }
    }
}

/// Odd pixels and options, and every kind of mapping: whatever comes out, it is the same by a pixel
/// map of the mapping's own positions, on every instruction set, with any number of threads.
template <class T, class Out>
void same(Bytes& bytes) {
    const Index my = bytes.whole(1, 40), mx = bytes.whole(1, 40);
    const bool tall = bytes.whole(0, 255) == 0;
    const Index ny = tall ? 600 : bytes.whole(1, 12), nx = tall ? 500 : bytes.whole(1, 300);
    Strided<T> source(bytes, my, mx);
    for (Index j = 0; j < my; ++j) {
        for (Index i = 0; i < mx; ++i) {
            source.view()(j, i) = T(bytes.whole(0, 31) == 0 ? wild(bytes, 3) : bytes.real(-8, 8));
        }
    }
    cblot::Options options;
    options.kernel = cblot::Kernel(bytes.whole(0, kLastKernel + 1));  // one too many
    options.sinscl = bytes.flag() ? 1.0 : bytes.take<double>();
    options.exptime = bytes.flag() ? 1.0 : bytes.take<double>();
    options.classic = cblot::Classic(bytes.whole(0, 5) == 0 ? bytes.whole(0, 3) : 0);
    std::vector<Strided<float>> kept;
    kept.reserve(4);
    const Index step = bytes.whole(2, 30);
    Strided<double> node_x(bytes, ny / step + 2, nx / step + 2);
    Strided<double> node_y(bytes, ny / step + 2, nx / step + 2);
    const cblot::ExactMapping given = exact(bytes, kept);
    cblot::Mapping mapping = given;
    try {
        double x = 1.0, y = 1.0;
        cblot::positions_at(given, 1, &x, &y, cblot::Options());
    } catch (const cblot::Error&) {
        return;
    }
    if (bytes.flag()) {
        cblot::nodes(given, step, node_x.view(), node_y.view(), cblot::Options());
        mapping = cblot::NodeMapping{node_x.cview(), node_y.cview(), step};
    }
    Strided<double> x(bytes, ny, nx), y(bytes, ny, nx);
    cblot::positions(mapping, 0.0, x.view(), y.view(), cblot::Options());
    Strided<Out> first(bytes, ny, nx), out(bytes, ny, nx);
    Index covered = 0;
    try {
        covered = cblot::blot<T, Out>(source.cview(), cblot::PixmapMapping{x.cview(), y.cview()},
                                      first.view(), options);
    } catch (const cblot::Error&) {
        return;
    }
    for (const auto isa : {cblot::Isa::baseline, cblot::Isa::avx2, cblot::Isa::avx512}) {
        if (!cblot::available(isa)) {
            continue;
        }
        options.isa = isa;
        options.threads = int(bytes.whole(1, 4));
        // Classic nodes have an arithmetic of their own, and so positions.
        const bool own = options.classic != cblot::Classic::off;
        const cblot::Mapping again =
            own ? cblot::Mapping(cblot::PixmapMapping{x.cview(), y.cview()}) : mapping;
        const Index count = cblot::blot<T, Out>(source.cview(), again, out.view(), options);
        windows<T, Out>(bytes, source.cview(), again, out.view(), options);
        if (count != covered) {
            complain("another count", options, 0, 0, 0, 0, double(count), double(covered));
        }
        for (Index j = 0; j < ny; ++j) {
            for (Index i = 0; i < nx; ++i) {
                const Out found = out.view()(j, i), expected = first.view()(j, i);
                if (found != expected && !(std::isnan(found) && std::isnan(expected))) {
                    complain("not the same", options, j, i, x.view()(j, i), y.view()(j, i),
                             double(found), double(expected));
                }
            }
        }
    }
}

/// Positions, each of them valid, that another thread changes meanwhile: whatever comes out, no
/// memory is touched that is not the call's.
void race(Bytes& bytes) {
    const Index size = bytes.whole(40, 100);
    Strided<float> source(bytes, size, size), out(bytes, size, size);
    const Index step = bytes.flag() ? bytes.whole(2, 20) : 0;
    const Index count = step > 0 ? size / step + 2 : size;
    Strided<double> x(bytes, count, count), y(bytes, count, count);
    const double near = bytes.real(1.0, 20.0), far = bytes.real(20.0, double(size) - 1.0);
    const auto set = [&](double value) {
        for (Index j = 0; j < count; ++j) {
            for (Index i = 0; i < count; ++i) {
                __atomic_store(&x.view()(j, i), &value, __ATOMIC_RELAXED);
                __atomic_store(&y.view()(j, i), &value, __ATOMIC_RELAXED);
            }
        }
    };
    set(near);
    cblot::Options options;
    options.kernel =
        bytes.flag() ? cblot::Kernel::spline3 : cblot::Kernel(bytes.whole(0, kLastKernel));
    options.threads = int(bytes.whole(1, 2));
    cblot::Mapping mapping = cblot::PixmapMapping{x.cview(), y.cview()};
    if (step > 0) {
        mapping = cblot::NodeMapping{x.cview(), y.cview(), step};
    }
    std::atomic<bool> stop{false};
    std::thread racer([&] {
        while (!stop) {
            set(far);
            set(near);
        }
    });
    for (int round = 0; round < 2; ++round) {
        try {
            cblot::blot<float, float>(source.cview(), mapping, out.view(), options);
        } catch (const cblot::Error&) {
            continue;  // it may be noticed
        }
    }
    stop = true;
    racer.join();
}

/// Options of any size, at the end of memory that is no longer than a size that can be says.
void sizes(Bytes& bytes) {
    const auto size =
        bytes.flag() ? bytes.take<std::uint32_t>() : std::uint32_t(bytes.whole(0, 5000));
    const bool possible = size >= sizeof(cblot::Options) && size <= 4096;
    const std::size_t length = possible ? size : std::size_t(bytes.whole(4, 200)) / 8 * 8 + 8;
    const std::unique_ptr<unsigned char[]> memory(new unsigned char[length]());
    const cblot::Options defaults;
    std::memcpy(memory.get(), static_cast<const void*>(&defaults),
                std::min(length, sizeof(defaults)));
    std::memcpy(memory.get(), &size, sizeof(size));
    if (possible && bytes.flag()) {
        memory[std::size_t(bytes.whole(4, Index(length) - 1))] = bytes.take<unsigned char>();
    }
    bool valid = true;
    try {
        cblot::validate(*reinterpret_cast<const cblot::Options*>(memory.get()));
    } catch (const cblot::Error&) {
        valid = false;
    }
    if (valid && !possible) {
        complain("a size that can't be", defaults, 0, 0, 0, 0, double(size), 0);
    }
    if (!possible) {
        cblot_box region{0, 1, 0, 1}, box{};
        cblot_mapping mapping;
        cblot_default_mapping(&mapping);
        char message[100];
        if (cblot_source_box(&mapping, 1, 1, &region, 1, 1,
                             reinterpret_cast<const cblot_options*>(memory.get()), &box, message,
                             sizeof(message)) != CBLOT_BAD_ARGUMENT) {
            complain("a size in C", defaults, 0, 0, 0, 0, double(size), 0);
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Bytes bytes(data, size);
    const std::uint8_t last = size > 0 ? data[size - 1] : 0;  // the first bytes choose as ever
    if (last == 0xfe) {
        race(bytes);
        return 0;
    }
    if (last == 0xfd) {
        sizes(bytes);
        return 0;
    }
    if (last == 0xfc) {
        wild_views(bytes);
        return 0;
    }
    switch (bytes.whole(0, 7)) {
        case 4: same<float, float>(bytes); break;
        case 5: same<double, double>(bytes); break;
        case 6: same<float, double>(bytes); break;
        case 7: same<double, float>(bytes); break;
        case 0: one<float, float>(bytes); break;
        case 1: one<double, double>(bytes); break;
        case 2: one<float, double>(bytes); break;
        default: one<double, float>(bytes); break;
    }
    return 0;
}
