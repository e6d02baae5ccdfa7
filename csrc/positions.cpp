// The mappings; built without contraction of a*b + c, so that every instruction set gives the same
// bits.
#include "dispatch.hpp"
#include "exact.hpp"
#include "mapping.hpp"

namespace cblot::CBLOT_ISA {

PositionTable position_table() {
    return {&node_positions,  &classic_node_positions, &pixmap_positions,
            &exact_positions, &exact_positions_at,     &source_box};
}

}  // namespace cblot::CBLOT_ISA
