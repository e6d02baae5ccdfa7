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
#include "unwind.hpp"

namespace {

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

cblot::View2D<double> doubles_of(const cblot_image* image, const char* name) {
    require(image != nullptr, std::string(name) + " must not be null");
    require(image->type == CBLOT_DOUBLE, std::string(name) + " must be of type CBLOT_DOUBLE");
    return view_of<double>(*image);
}

cblot::View2D<const double> const_doubles_of(const cblot_image& image, const char* name) {
    const auto view = doubles_of(&image, name);
    return {view.data, view.ny, view.nx, view.stride_y, view.stride_x};
}

std::optional<cblot::DistortionTable> table_of(const cblot_table& table) {
    if (table.values == nullptr) {
        return std::nullopt;
    }
    return cblot::DistortionTable{{table.values, table.ny, table.nx, table.nx, 1},
                                  table.crpix[0],
                                  table.crpix[1],
                                  table.crval[0],
                                  table.crval[1],
                                  table.cdelt[0],
                                  table.cdelt[1]};
}

std::vector<double> square(const double* values, int order, const char* name) {
    require(order >= 0 && order <= 20,
            std::string(name) + " must be from 0 to 20, got " + std::to_string(order));
    return {values, values + (order + 1) * (order + 1)};
}

cblot::TanProjection projection_of(const cblot_tan& tan) {
    return {tan.crpix[0], tan.crpix[1], tan.cd[0][0], tan.cd[0][1],
            tan.cd[1][0], tan.cd[1][1], tan.crval[0], tan.crval[1]};
}

cblot::Mapping mapping_of(const cblot_mapping* given) {
    require(given != nullptr, "mapping must not be null");
    switch (given->kind) {
        case CBLOT_NODES:
            return cblot::NodeMapping{const_doubles_of(given->x, "node x"),
                                      const_doubles_of(given->y, "node y"), given->step};
        case CBLOT_PIXMAP:
            return cblot::PixmapMapping{const_doubles_of(given->x, "pixmap x"),
                                        const_doubles_of(given->y, "pixmap y")};
        case CBLOT_CALLBACK: {
            require(given->positions != nullptr, "a callback mapping must have a function");
            const auto positions = given->positions;
            void* const context = given->context;
            return cblot::CallbackMapping{
                [positions, context](cblot::Index begin, cblot::Index end, double* x, double* y) {
                    if (positions(context, begin, end, x, y) != 0) {
                        throw Stopped();
                    }
                }};
        }
        case CBLOT_EXACT: {
            cblot::ExactMapping exact;
            exact.detector_x = table_of(given->detector_x);
            exact.detector_y = table_of(given->detector_y);
            exact.table_x = table_of(given->table_x);
            exact.table_y = table_of(given->table_y);
            const cblot_sip& sip = given->sip;
            if (sip.a != nullptr || sip.b != nullptr) {
                require(sip.a != nullptr && sip.b != nullptr, "SIP needs both polynomials");
                exact.sip = cblot::SipPolynomials{sip.a_order,
                                                  sip.b_order,
                                                  square(sip.a, sip.a_order, "a_order"),
                                                  square(sip.b, sip.b_order, "b_order"),
                                                  sip.crpix[0],
                                                  sip.crpix[1]};
            }
            exact.exposure = projection_of(given->exposure);
            exact.source = projection_of(given->source);
            return exact;
        }
        default: break;
    }
    throw cblot::Error("the kind of mapping must be from 0 to 3, got " +
                       std::to_string(given->kind));
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

// The size of the first release's options.
constexpr std::size_t kLeastSize = offsetof(cblot_options, poll_context) + sizeof(void*);

/// Options with what they point to.
class Options {
  public:
    explicit Options(const cblot_options* given) : given_(read(given)), executor_(given_.executor) {
        options_.kernel = cblot::Kernel(given_.kernel);
        options_.sinscl = given_.sinscl;
        options_.exptime = given_.exptime;
        options_.pix_ratio = given_.pix_ratio;
        options_.fill = given_.fill;
        options_.classic = cblot::Classic(given_.classic);
        options_.isa = cblot::Isa(given_.isa);
        options_.threads = given_.threads;
        options_.reserved = given_.reserved;
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
        cblot_options own;
        cblot_default_options(&own);
        std::memcpy(&own, given, cblot::known_bytes(given, given->size, kLeastSize, sizeof(own)));
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

}  // namespace

extern "C" {

void cblot_default_options_of_size(cblot_options* options, size_t size) {
    if (options == nullptr) {
        return;
    }
    const cblot::Options defaults;
    cblot_options own{};
    own.size = std::uint32_t(size);
    own.kernel = std::int32_t(defaults.kernel);
    own.sinscl = defaults.sinscl;
    own.exptime = defaults.exptime;
    own.pix_ratio = defaults.pix_ratio;
    own.fill = defaults.fill;
    own.threads = defaults.threads;
    std::memset(static_cast<void*>(options), 0, size);
    std::memcpy(options, &own, std::min(size, sizeof(own)));
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

int cblot_kernel_from_name(const char* name) {
    try {
        return name == nullptr ? -1 : int(cblot::kernel_from_name(name));
    } catch (...) {
        return -1;
    }
}

const char* cblot_version(void) { return cblot::version(); }

}  // extern "C"
