// From output pixels to source positions: what a caller hands over for it. The coordinate systems
// are those of blot.hpp.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <vector>

#include "cblot/export.h"
#include "cblot/view.hpp"

namespace cblot {

/// Nodes of a regular grid over the whole output frame, each mapped exactly: element (l, k) is the
/// source position, FITS (1-based), of output position, FITS, (k * step, l * step). A grid for an
/// output of ny by nx pixels has node_count(step, ny) rows and node_count(step, nx) columns.
///
/// Cells in which positions are not the mean of the nodes around them, at a branch cut or where a
/// node has none, can be given pixel by pixel. Where `cells` has data it has one row and one column
/// less than the nodes: -1 stands for a cell of nodes, and p >= 0 for patch p. A patch is
/// patch_size(step, ny) rows of patch_size(step, nx) source positions, FITS: element (n, m) that of
/// output position, FITS, (k * step + m, l * step + n) for cell (l, k). The rows of all patches
/// follow each other in patch_x and patch_y.
struct NodeMapping {
    View2D<const double> x;
    View2D<const double> y;
    Index step = 10;
    View2D<const std::int32_t> cells = {};
    View2D<const double> patch_x = {}, patch_y = {};
};

/// Rows, or columns, of the nodes of an output of n pixels along that axis.
constexpr Index node_count(Index step, Index n) { return n / step + 2; }

/// Height, or width, of a patch of an output of n pixels along that axis.
constexpr Index patch_size(Index step, Index n) { return step < n + 1 ? step : n + 1; }

/// A source position for each output pixel, in the shape of the output.
struct PixmapMapping {
    View2D<const double> x;
    View2D<const double> y;
};

/// Asks for the source positions of the output pixels of rows [row_begin, row_end), all columns,
/// row by row: (row_end - row_begin) * nx values into each of x and y.
struct CallbackMapping {
    std::function<void(Index row_begin, Index row_end, double* x, double* y)> positions;
};

/// A table of corrections in pixels: bilinear between its elements, held beyond its ends. The
/// element under position p of an axis is (p - crval) / cdelt + crpix, 1-based.
struct DistortionTable {
    View2D<const float> values;
    double crpix_x = 0.0, crpix_y = 0.0;
    double crval_x = 0.0, crval_y = 0.0;
    double cdelt_x = 1.0, cdelt_y = 1.0;
};

/// The greatest order of a polynomial.
inline constexpr int kMaxSipOrder = 20;

/// SIP polynomials: the correction along x of (u, v) = position - crpix is the sum of
/// a[p * (a_order + 1) + q] u^p v^q over p + q <= a_order; along y that of b.
struct SipPolynomials {
    int a_order = 0, b_order = 0;
    std::vector<double> a, b;
    double crpix_x = 0.0, crpix_y = 0.0;
};

/// Gnomonic projection (TAN) with LONPOLE 180: intermediate coordinates cd * (position - crpix) in
/// degrees, tangent at (lon, lat) in degrees.
struct TanProjection {
    double crpix_x = 0.0, crpix_y = 0.0;
    double cd11 = 1.0, cd12 = 0.0, cd21 = 0.0, cd22 = 1.0;
    double lon = 0.0, lat = 0.0;
};

/// Every pixel mapped exactly, in the order of the FITS distortion papers as astropy has it: the
/// detector tables correct the position; at the corrected one the polynomials and the distortion
/// tables do, and what they give is added up; then the projection of the exposure to the sky and
/// that of the source from it. A position behind the source's tangent plane is NaN.
struct ExactMapping {
    std::optional<DistortionTable> detector_x, detector_y;
    std::optional<SipPolynomials> sip;
    std::optional<DistortionTable> table_x, table_y;
    TanProjection exposure, source;
};

/// A row for each mapping. What the library knows of one is in its file of csrc/mapping.
#define CBLOT_MAPPINGS(row) \
    row(NodeMapping) row(PixmapMapping) row(CallbackMapping) row(ExactMapping)

template <class Given>
inline constexpr bool is_mapping = false;
#define CBLOT_IS_MAPPING(Given) \
    template <>                 \
    inline constexpr bool is_mapping<Given> = true;
CBLOT_MAPPINGS(CBLOT_IS_MAPPING)
#undef CBLOT_IS_MAPPING

/// Any one of them, which it holds, while what the views in that borrow stays the caller's. Does
/// not change; copies share what they hold.
class CBLOT_API Mapping {
  public:
    /// A NodeMapping of no nodes, which no call takes.
    Mapping() : Mapping(NodeMapping()) {}

    template <class Given, class = std::enable_if_t<is_mapping<Given>>>
    Mapping(Given given);

    // No moves, which would leave a mapping that holds nothing.
    Mapping(const Mapping&) = default;
    Mapping& operator=(const Mapping&) = default;
    ~Mapping() = default;

    /// What the library sees of it.
    class Held;
    const Held& held() const { return *held_; }

  private:
    std::shared_ptr<const Held> held_;
};

}  // namespace cblot
