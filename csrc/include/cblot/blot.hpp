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

#include "cblot/export.h"
#include "cblot/mapping.hpp"
#include "cblot/options.hpp"
#include "cblot/version.hpp"
#include "cblot/view.hpp"

namespace cblot {

/// Resamples source onto every pixel of out through mapping.
///
/// Returns the number of covered output pixels. Throws Error for arguments that do not fit each
/// other, before anything is read or written; those are also an out that lies in the memory of the
/// source or of the mapping's nodes or positions (in between, pixel by pixel, it may), or that has
/// several pixels in one place. If a callback throws, the exception is passed on and
/// out is partly written. The four combinations of float and double are defined. Calls share
/// nothing but what they are given: any number may run at once.
template <class Source, class Out>
Index blot(View2D<const Source> source, const Mapping& mapping, View2D<Out> out,
           const Options& options);

/// The same where only rectangles of the source and of the output are in memory, to the same bits:
/// makes just the pixels of out. Mapping and Options are those of the whole images.
///
/// Throws Error, and out is partly written, if a pixel needs samples that the source's window
/// lacks.
template <class Source, class Out>
Index blot_window(const Window<const Source>& source, const Mapping& mapping,
                  const Window<Out>& out, const Options& options);

/// The box of source pixels on which the pixels of a region depend, the kernel's reach included, of
/// an output of ny by nx pixels; empty if the source covers none of them. A callback is asked for
/// all of the region's rows.
CBLOT_API Box source_box(const Mapping& mapping, Index ny, Index nx, const Box& region,
                         Index source_ny, Index source_nx, const Options& options);

/// Writes the source positions of all pixels of an output of the shape of x and y, plus origin: 0
/// for 0-based ones, 1 for FITS. Uses the options isa, threads, executor and poll.
CBLOT_API void positions(const Mapping& mapping, double origin, View2D<double> x, View2D<double> y,
                         const Options& options);

/// Writes the node grid of NodeMapping. Uses the options isa, threads, executor and poll.
CBLOT_API void nodes(const ExactMapping& mapping, Index step, View2D<double> x, View2D<double> y,
                     const Options& options);

/// Source positions, 0-based, of any output positions, FITS: x and y are replaced.
CBLOT_API void positions_at(const ExactMapping& mapping, Index count, double* x, double* y,
                            const Options& options);

#define CBLOT_EXTERN(Source, Out)                                                            \
    extern template CBLOT_API Index blot(View2D<const Source>, const Mapping&, View2D<Out>,  \
                                         const Options&);                                    \
    extern template CBLOT_API Index blot_window(const Window<const Source>&, const Mapping&, \
                                                const Window<Out>&, const Options&);
CBLOT_EXTERN(float, float)
CBLOT_EXTERN(float, double)
CBLOT_EXTERN(double, float)
CBLOT_EXTERN(double, double)
#undef CBLOT_EXTERN

}  // namespace cblot
