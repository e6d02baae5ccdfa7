// The C interface: structs in and out, exceptions to statuses.
#include <algorithm>
#include <cstddef>
#include <cstring>
#include <exception>
#include <new>
#include <string>

#include "cblot/blot.h"
#include "cblot/blot.hpp"
#include "check.hpp"
#include "sized.hpp"
#include "unwind.hpp"

namespace {

// What C and C++ write down each for itself are the same numbers and the same layout.
static_assert(CBLOT_CLASSIC_OFF == int(cblot::Classic::off));
static_assert(CBLOT_CLASSIC_DRIZZLEPAC == int(cblot::Classic::drizzlepac));
static_assert(CBLOT_CLASSIC_DRIZZLE == int(cblot::Classic::drizzle));
static_assert(CBLOT_ISA_BEST == int(cblot::Isa::best));
static_assert(CBLOT_ISA_BASELINE == int(cblot::Isa::baseline));
static_assert(CBLOT_ISA_AVX2 == int(cblot::Isa::avx2));
static_assert(CBLOT_ISA_AVX512 == int(cblot::Isa::avx512));
static_assert(sizeof(cblot_options) == sizeof(cblot::Options));

// Bytes of the mapping of the first release.
constexpr std::size_t kFirstMapping = offsetof(cblot_mapping, source) + sizeof(cblot_tan);

/// A caller's function asked to stop.
class Stopped : public std::exception {
  public:
    const char* what() const noexcept override { return "a function of the caller's stopped it"; }
};

void require(bool valid, const std::string& message) {
    if (!valid) {
        throw cblot::Error(message);
    }
}

template <class T>
cblot::View2D<T> view_of(const cblot_image& image) {
    return {static_cast<T*>(image.data), image.ny, image.nx, image.stride_y, image.stride_x};
}

template <class T>
cblot::Window<T> window_of(const cblot_image& image, const cblot_place* place) {
    const auto view = view_of<T>(image);
    return place == nullptr ? cblot::Window<T>{view, 0, 0, view.ny, view.nx}
                            : cblot::Window<T>{view, place->y0, place->x0, place->ny, place->nx};
}

constexpr const char* kTypes[] = {"CBLOT_FLOAT", "CBLOT_DOUBLE", "CBLOT_INT32"};

/// A view of an image that must be of one type.
template <class T>
cblot::View2D<T> view_of(const cblot_image* image, cblot_type type, const char* name) {
    require(image != nullptr, std::string(name) + " must not be null");
    require(image->type == type, std::string(name) + " must be of type " + kTypes[type]);
    return view_of<T>(*image);
}

cblot::View2D<double> doubles_of(const cblot_image* image, const char* name) {
    return view_of<double>(image, CBLOT_DOUBLE, name);
}

cblot::View2D<const double> const_doubles_of(const cblot_image& image, const char* name) {
    return view_of<const double>(&image, CBLOT_DOUBLE, name);
}

std::optional<cblot::DistortionTable> table_of(const cblot_table& table, const char* name) {
    if (table.values.data == nullptr) {
        return std::nullopt;
    }
    return cblot::DistortionTable{view_of<const float>(&table.values, CBLOT_FLOAT, name),
                                  table.crpix[0],
                                  table.crpix[1],
                                  table.crval[0],
                                  table.crval[1],
                                  table.cdelt[0],
                                  table.cdelt[1]};
}

/// Coefficients; none of an order that is refused when they are used.
std::vector<double> square(const double* values, int order) {
    if (!cblot::is_sip_order(order)) {
        return {};
    }
    return {values, values + (order + 1) * (order + 1)};
}

cblot::TanProjection projection_of(const cblot_tan& tan) {
    return {tan.crpix[0], tan.crpix[1], tan.cd[0][0], tan.cd[0][1],
            tan.cd[1][0], tan.cd[1][1], tan.crval[0], tan.crval[1]};
}

cblot_tan tan_of(const cblot::TanProjection& tan) {
    return {{tan.crpix_x, tan.crpix_y},
            {{tan.cd11, tan.cd12}, {tan.cd21, tan.cd22}},
            {tan.lon, tan.lat}};
}

cblot_mapping default_mapping() {
    const cblot::DistortionTable table;
    cblot_mapping own{};
    own.size = sizeof(own);
    own.step = cblot::NodeMapping().step;
    for (cblot_table* to : {&own.detector_x, &own.detector_y, &own.table_x, &own.table_y}) {
        to->cdelt[0] = table.cdelt_x;
        to->cdelt[1] = table.cdelt_y;
    }
    own.exposure = own.source = tan_of({});
    return own;
}

cblot_mapping known(const cblot_mapping* given) {
    require(given != nullptr, "mapping must not be null");
    cblot_mapping own = default_mapping();
    cblot::take_sized(own, *given, kFirstMapping, "mapping", "a member of the mapping");
    return own;
}

cblot::NodeMapping nodes_of(const cblot_mapping& given) {
    cblot::NodeMapping nodes{const_doubles_of(given.x, "node x"),
                             const_doubles_of(given.y, "node y"), given.step};
    if (given.cells.data != nullptr) {
        nodes.cells = view_of<const std::int32_t>(&given.cells, CBLOT_INT32, "cells");
        nodes.patch_x = const_doubles_of(given.patch_x, "patch x");
        nodes.patch_y = const_doubles_of(given.patch_y, "patch y");
    }
    return nodes;
}

cblot::CallbackMapping callback_of(const cblot_mapping& given) {
    if (given.positions == nullptr) {
        return {};  // refused as C++'s is
    }
    return {[positions = given.positions, context = given.context](
                cblot::Index begin, cblot::Index end, double* x, double* y) {
        if (positions(context, begin, end, x, y) != 0) {
            throw Stopped();
        }
    }};
}

cblot::ExactMapping exact_of(const cblot_mapping& given) {
    cblot::ExactMapping exact;
    exact.detector_x = table_of(given.detector_x, "detector_x");
    exact.detector_y = table_of(given.detector_y, "detector_y");
    exact.table_x = table_of(given.table_x, "table_x");
    exact.table_y = table_of(given.table_y, "table_y");
    const cblot_sip& sip = given.sip;
    if (sip.a != nullptr || sip.b != nullptr) {
        require(sip.a != nullptr && sip.b != nullptr, "SIP needs both polynomials");
        exact.sip = cblot::SipPolynomials{
            sip.a_order,  sip.b_order, square(sip.a, sip.a_order), square(sip.b, sip.b_order),
            sip.crpix[0], sip.crpix[1]};
    }
    exact.exposure = projection_of(given.exposure);
    exact.source = projection_of(given.source);
    return exact;
}

cblot::Mapping mapping_of(const cblot_mapping* mapping) {
    const cblot_mapping given = known(mapping);
    switch (given.kind) {
        case CBLOT_NODES: return nodes_of(given);
        case CBLOT_PIXMAP:
            return cblot::PixmapMapping{const_doubles_of(given.x, "pixmap x"),
                                        const_doubles_of(given.y, "pixmap y")};
        case CBLOT_CALLBACK: return callback_of(given);
        case CBLOT_EXACT: return exact_of(given);
        default: break;
    }
    throw cblot::Error("the kind of mapping must be from 0 to 3, got " +
                       std::to_string(given.kind));
}

/// For the calls that only an exact mapping answers.
cblot::ExactMapping exact_of(const cblot_mapping* mapping) {
    const cblot_mapping given = known(mapping);
    require(given.kind == CBLOT_EXACT,
            "the mapping must be of kind CBLOT_EXACT, got " + std::to_string(given.kind));
    return exact_of(given);
}

/// A C caller's threads as the C++ interface has them.
class Executor : public cblot::Executor {
  public:
    explicit Executor(const cblot_executor* given) : given_(given) {}

    int concurrency() const override { return given_->concurrency; }

    void run(int count, void (*task)(void*, int), void* context) override {
        given_->run(given_->context, count, task, context);
    }

  private:
    const cblot_executor* given_;
};

cblot_options default_options() {
    const cblot::Options defaults;
    cblot_options own{};
    own.size = sizeof(own);
#define CBLOT_OPTION(type, c_type, name, value, keyword) own.name = c_type(defaults.name);
#include "cblot/options.def"
    return own;
}

/// Options with what they point to.
class Options {
  public:
    explicit Options(const cblot_options* given) : given_(read(given)), executor_(given_.executor) {
#define CBLOT_OPTION(type, c_type, name, value, keyword) \
    options_.name = decltype(options_.name)(given_.name);
#include "cblot/options.def"
        if (given_.executor != nullptr) {
            require(given_.executor->run != nullptr, "an executor must have a function run");
            options_.executor = &executor_;
        }
        if (given_.poll != nullptr) {
            options_.poll = poll;
            options_.poll_context = &given_;
        }
    }

    Options(const Options&) = delete;
    Options& operator=(const Options&) = delete;

    const cblot::Options& get() const { return options_; }

  private:
    static cblot_options read(const cblot_options* given) {
        require(given != nullptr, "options must not be null");
        cblot_options own = default_options();
        cblot::take_sized(own, *given, cblot::kFirstOptions, "options", "an option");
        return own;
    }

    static void poll(void* context) {
        const auto* given = static_cast<const cblot_options*>(context);
        if (given->poll(given->poll_context) != 0) {
            throw Stopped();
        }
    }

    cblot_options given_;
    Executor executor_;
    cblot::Options options_;
};

template <class Source, class Out>
cblot::Index blot_typed(const cblot_image& source, const cblot_place* source_place,
                        const cblot_mapping* mapping, const cblot_image& out,
                        const cblot_place* out_place, const cblot_options* options) {
    const Options own(options);
    return cblot::blot_window<Source, Out>(window_of<const Source>(source, source_place),
                                           mapping_of(mapping), window_of<Out>(out, out_place),
                                           own.get());
}

void check_image(const cblot_image* image, const char* name) {
    require(image != nullptr, std::string(name) + " must not be null");
    require(image->type == CBLOT_FLOAT || image->type == CBLOT_DOUBLE,
            std::string(name) + " must be of type CBLOT_FLOAT or CBLOT_DOUBLE, got " +
                std::to_string(image->type));
}

void tell(const char* what, char* message, std::size_t size) noexcept {
    if (message != nullptr && size > 0) {
        const std::size_t length = std::min(std::strlen(what), size - 1);
        std::memcpy(message, what, length);
        message[length] = '\0';
    }
}

/// Status of a call.
template <class Call>
int status_of(const Call& call, char* message, std::size_t message_size) {
    try {
        tell("", message, message_size);
        call();
        return CBLOT_OK;
    } catch (const cblot::Error& error) {
        tell(error.what(), message, message_size);
        return CBLOT_BAD_ARGUMENT;
    } catch (const std::bad_alloc&) {
        tell("out of memory", message, message_size);
        return CBLOT_NO_MEMORY;
    } catch (const Stopped& stopped) {
        tell(stopped.what(), message, message_size);
        return CBLOT_STOPPED;
    } catch (const std::exception& error) {
        tell(error.what(), message, message_size);
    }
    CBLOT_PASS_ON_FORCED_UNWINDING catch (...) {
        tell("an exception of unknown type", message, message_size);
    }
    return CBLOT_FAILED;
}

/// What a call answers, or -1.
template <class Call>
int number_of(const Call& call) {
    try {
        return int(call());
    } catch (...) {
        return -1;
    }
}

}  // namespace

extern "C" {

void cblot_default_options_of_size(cblot_options* options, size_t size) {
    cblot::give_sized(default_options(), options, size);
}

void cblot_default_mapping_of_size(cblot_mapping* mapping, size_t size) {
    cblot::give_sized(default_mapping(), mapping, size);
}

int cblot_blot(const cblot_image* source, const cblot_mapping* mapping, cblot_image* out,
               const cblot_options* options, ptrdiff_t* covered, char* message,
               size_t message_size) {
    return cblot_blot_window(source, nullptr, mapping, out, nullptr, options, covered, message,
                             message_size);
}

int cblot_blot_window(const cblot_image* source, const cblot_place* source_place,
                      const cblot_mapping* mapping, cblot_image* out, const cblot_place* out_place,
                      const cblot_options* options, ptrdiff_t* covered, char* message,
                      size_t message_size) {
    return status_of(
        [&] {
            check_image(source, "source");
            check_image(out, "out");
            const bool single = source->type == CBLOT_FLOAT, to_single = out->type == CBLOT_FLOAT;
            const auto call =
                single ? (to_single ? blot_typed<float, float> : blot_typed<float, double>)
                       : (to_single ? blot_typed<double, float> : blot_typed<double, double>);
            const cblot::Index count =
                call(*source, source_place, mapping, *out, out_place, options);
            if (covered != nullptr) {
                *covered = count;
            }
        },
        message, message_size);
}

int cblot_source_box(const cblot_mapping* mapping, ptrdiff_t ny, ptrdiff_t nx,
                     const cblot_box* region, ptrdiff_t source_ny, ptrdiff_t source_nx,
                     const cblot_options* options, cblot_box* box, char* message,
                     size_t message_size) {
    return status_of(
        [&] {
            require(region != nullptr && box != nullptr, "region and box must not be null");
            const Options own(options);
            const cblot::Box found = cblot::source_box(
                mapping_of(mapping), ny, nx, {region->y0, region->y1, region->x0, region->x1},
                source_ny, source_nx, own.get());
            *box = {found.y0, found.y1, found.x0, found.x1};
        },
        message, message_size);
}

int cblot_positions(const cblot_mapping* mapping, double origin, cblot_image* x, cblot_image* y,
                    const cblot_options* options, char* message, size_t message_size) {
    return status_of(
        [&] {
            const Options own(options);
            cblot::positions(mapping_of(mapping), origin, doubles_of(x, "x"), doubles_of(y, "y"),
                             own.get());
        },
        message, message_size);
}

ptrdiff_t cblot_node_count(ptrdiff_t step, ptrdiff_t n) {
    return step < 1 ? 0 : cblot::node_count(step, n);
}

ptrdiff_t cblot_patch_size(ptrdiff_t step, ptrdiff_t n) {
    return step < 1 ? 0 : cblot::patch_size(step, n);
}

int cblot_nodes(const cblot_mapping* mapping, ptrdiff_t step, cblot_image* x, cblot_image* y,
                const cblot_options* options, char* message, size_t message_size) {
    return status_of(
        [&] {
            const Options own(options);
            cblot::nodes(exact_of(mapping), step, doubles_of(x, "x"), doubles_of(y, "y"),
                         own.get());
        },
        message, message_size);
}

int cblot_positions_at(const cblot_mapping* mapping, ptrdiff_t count, double* x, double* y,
                       const cblot_options* options, char* message, size_t message_size) {
    return status_of(
        [&] {
            const Options own(options);
            cblot::positions_at(exact_of(mapping), count, x, y, own.get());
        },
        message, message_size);
}

int cblot_validate(const cblot_options* options, char* message, size_t message_size) {
    return status_of([&] { cblot::validate(Options(options).get()); }, message, message_size);
}

int cblot_kernel_from_name(const char* name) {
    return name == nullptr ? -1 : number_of([&] { return cblot::kernel_from_name(name); });
}

const char* cblot_kernel_name(int k) { return cblot::kernel_name(k); }

int cblot_isa_available(int isa) { return cblot::available(cblot::Isa(isa)) ? 1 : 0; }

int cblot_isa_resolve(int isa) {
    return number_of([&] { return cblot::resolve(cblot::Isa(isa)); });
}

const char* cblot_isa_name(int isa) {
    try {
        return cblot::isa_name(cblot::Isa(isa)).data();
    } catch (...) {
        return nullptr;
    }
}

int cblot_isa_from_name(const char* name) {
    return name == nullptr ? -1 : number_of([&] { return cblot::isa_from_name(name); });
}

const char* cblot_version(void) { return cblot::version(); }

}  // extern "C"
