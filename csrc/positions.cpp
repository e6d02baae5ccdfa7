// The mappings, compiled once for each instruction set.
#include "dispatch.hpp"
#include "exact.hpp"
#include "mapping.hpp"

namespace cblot::CBLOT_ISA {

PositionTable position_table() {
    return {&node_positions,  &classic_node_positions, &pixmap_positions,
            &exact_positions, &exact_positions_at,     &exact_nodes,
            &source_box,      &classic_source_box};
}

}  // namespace cblot::CBLOT_ISA
