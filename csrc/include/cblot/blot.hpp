// The public contract of the core: what to blot, through which mapping, with which kernel.
//
// Coordinate systems, used by these names everywhere:
//   output pixel          (i, j): 0-based integers on the blotted (exposure) grid, i along x, the
//                         fast axis.
//   output position, FITS (i + 1, j + 1): 1-based, what a WCS takes.
//   source position       (x, y): 0-based, double, pixel centres at integers, on the clean image.
// A source position is inside when 0 <= x < nx and 0 <= y < ny. Everything else, NaN and infinities
// included, is outside: the output pixel becomes the fill value and is not counted as covered.
#pragma once

#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "cblot/mapping.hpp"
#include "cblot/view.hpp"

namespace cblot {

/// The interpolants. `interp.hpp` holds their formulas.
enum class Kernel { nearest, linear, poly3, poly5, spline3, sinc, lanczos3, lanczos5 };

/// Kernel of a name or an alias; throws Error, naming the valid ones.
Kernel kernel_from_name(std::string_view name);

/// All names that kernel_from_name takes, canonical names before their aliases.
std::vector<std::string> kernel_names();

/// Whose float32 arithmetic to reproduce bit for bit (nearest, linear, poly3 and poly5 only).
enum class Classic { off, drizzlepac, drizzle };

/// Instruction sets. `best` is the widest that this machine has.
enum class Isa { best, baseline, avx2, avx512 };

/// Whether this build and this machine have an instruction set.
bool available(Isa isa);

/// What `best` stands for; throws Error for a set that is not available.
Isa resolve(Isa isa);

std::string_view isa_name(Isa isa);

/// Throws Error, naming the valid ones.
Isa isa_from_name(std::string_view name);

/// An argument the core can't work with; the message gives what was given and what was expected.
class Error : public std::invalid_argument {
  public:
    using std::invalid_argument::invalid_argument;
};

struct Options {
    Kernel kernel = Kernel::poly5;
    /// Size of the sinc kernel in source pixels: stretches the kernel, > 0.
    double sinscl = 1.0;
    /// Output = interpolated value * exptime / pix_ratio^2.
    double exptime = 1.0;
    double pix_ratio = 1.0;
    /// Value of output pixels whose source position is outside; not scaled.
    double fill = 0.0;
    Classic classic = Classic::off;
    /// All give the same bits.
    Isa isa = Isa::best;
    /// Threads to work with, the calling one included; any number gives the same bits. Few are used
    /// for a small output, and only the calling one asks a callback mapping.
    int threads = 1;
    /// Called between tiles, in the calling thread; it may throw to stop the call.
    std::function<void()> poll;
};

/// Throws Error, naming the first option that can't be used. `blot` does this itself.
void validate(const Options& options);

/// Resamples source onto every pixel of out through mapping.
///
/// Returns the number of covered output pixels. Throws Error for arguments that do not fit each
/// other, before anything is read or written. If a callback throws, the exception is passed on and
/// out is partly written. The four combinations of float and double are defined.
template <class Source, class Out>
Index blot(View2D<const Source> source, const Mapping& mapping, View2D<Out> out,
           const Options& options);

/// Writes the source positions of all pixels of an output of the shape of x and y, plus origin: 0
/// for 0-based ones, 1 for FITS. Uses the options isa, threads and poll.
void positions(const Mapping& mapping, double origin, View2D<double> x, View2D<double> y,
               const Options& options);

/// Writes the node grid of NodeMapping. Uses the options isa and threads.
void nodes(const ExactMapping& mapping, Index step, View2D<double> x, View2D<double> y,
           const Options& options);

/// Source positions, 0-based, of any output positions, FITS: x and y are replaced.
void positions_at(const ExactMapping& mapping, Index count, double* x, double* y,
                  const Options& options);

extern template Index blot(View2D<const float>, const Mapping&, View2D<float>, const Options&);
extern template Index blot(View2D<const float>, const Mapping&, View2D<double>, const Options&);
extern template Index blot(View2D<const double>, const Mapping&, View2D<float>, const Options&);
extern template Index blot(View2D<const double>, const Mapping&, View2D<double>, const Options&);

}  // namespace cblot
