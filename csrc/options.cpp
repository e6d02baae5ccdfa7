// Names of the interpolants, and which options can be used.
#include <array>
#include <cmath>

#include "cblot/blot.hpp"
#include "check.hpp"

namespace cblot {

namespace {

struct Name {
    std::string_view name;
    Kernel kernel;
};

constexpr std::array<Name, 12> kNames{{{"nearest", Kernel::nearest},
                                       {"linear", Kernel::linear},
                                       {"poly3", Kernel::poly3},
                                       {"poly5", Kernel::poly5},
                                       {"spline3", Kernel::spline3},
                                       {"sinc", Kernel::sinc},
                                       {"lanczos3", Kernel::lanczos3},
                                       {"lanczos5", Kernel::lanczos5},
                                       {"bilinear", Kernel::linear},
                                       {"lsinc", Kernel::sinc},
                                       {"lan3", Kernel::lanczos3},
                                       {"lan5", Kernel::lanczos5}}};

void check_number(bool valid, const char* name, const char* expected, double given) {
    if (!valid) {
        fail(std::string(name) + " must be " + expected + ", got " + std::to_string(given));
    }
}

}  // namespace

Kernel kernel_from_name(std::string_view name) {
    for (const Name& known : kNames) {
        if (known.name == name) {
            return known.kernel;
        }
    }
    std::string message = "unknown interpolant '" + std::string(name) + "'; the valid ones are ";
    for (std::size_t i = 0; i < kNames.size(); ++i) {
        message += (i == 0 ? "" : ", ") + std::string(kNames[i].name);
    }
    fail(message);
}

std::vector<std::string> kernel_names() {
    std::vector<std::string> names;
    for (const Name& known : kNames) {
        names.emplace_back(known.name);
    }
    return names;
}

void validate(const Options& options) {
    check_number(std::isfinite(options.sinscl) && options.sinscl > 0.0, "sinscl",
                 "positive and finite", options.sinscl);
    check_number(std::isfinite(options.pix_ratio) && options.pix_ratio > 0.0, "pix_ratio",
                 "positive and finite", options.pix_ratio);
    check_number(std::isfinite(options.exptime), "exptime", "a finite number", options.exptime);
    const bool has_classic = options.kernel <= Kernel::poly5;
    if (options.classic != Classic::off && !has_classic) {
        fail("classic arithmetic is defined for nearest, linear, poly3 and poly5 only, got " +
             std::string(kNames[std::size_t(options.kernel)].name));
    }
}

}  // namespace cblot
