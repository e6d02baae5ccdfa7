// Two planes of one call, of which one goes into a sink that sees the rows around its tile.
#pragma once

#include "dispatch.hpp"
#include "source_box.hpp"

/// The first plane goes through the first kernel, and of each of its pixels the greatest of it and
/// its neighbours is written; the second goes through the second kernel, and is written as it is.
/// Kernels are poly3, nearest and spline3.
cblot::KernelRow<float, float, 2> halo_row(cblot::Kernel first, cblot::Kernel second);

cblot::SourceBoxFn halo_source_box();
