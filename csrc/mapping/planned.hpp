// What the library has of each kind of mapping.
//
// A kind is a file of this folder, which is found there, and a row in cblot/mapping.hpp, after its
// struct. The file has two halves, of which one is compiled once and one for each instruction set:
//   plan_of(given, frame)                  checks what a caller gave and makes it a PlannedMapping
//   check_memory(given, out, name)         refuses an output in the memory that is borrowed; after
//                                          plan_of, which has checked its views
//   functions<...>()                       the functions that make a block of positions
#pragma once

#include <memory>
#include <utility>

#include "cblot/mapping.hpp"
#include "functions.hpp"
#include "positions.hpp"

#ifndef CBLOT_ISA
#include "check.hpp"
#include "overlap.hpp"

namespace cblot {

/// An output, all of it, and in which way its positions are to be made.
struct Frame {
    Index ny, nx;
    Isa isa;
    bool classic;  // to the last bit as the peers do
};

/// Positions of the rows of a tile.
struct TilePositions {
    /// What a mapping keeps for the life of a tile.
    struct Rows {
        virtual ~Rows() = default;
    };

    Positions positions;
    std::unique_ptr<Rows> rows;
};

/// The mapping of a call as the tiles see it: owns what the positions' plans point to.
class PlannedMapping {
  public:
    PlannedMapping() = default;
    PlannedMapping(const PlannedMapping&) = delete;
    PlannedMapping& operator=(const PlannedMapping&) = delete;
    virtual ~PlannedMapping() = default;

    /// Whether only the calling thread may ask for positions.
    virtual bool single_thread() const { return false; }

    /// Whether positions are read from the caller's memory, where they may change meanwhile.
    virtual bool borrowed() const { return false; }

    /// How many positions there are in a row of the output, if those of whole rows are made
    /// however narrow a tile is; else 0.
    virtual Index whole_row() const { return 0; }

    /// Makes those of rows [row_begin, row_end) ready.
    virtual void open([[maybe_unused]] Index row_begin, [[maybe_unused]] Index row_end,
                      TilePositions& tile) const {
        tile.positions = positions_;
    }

  protected:
    Positions positions_;
};

/// A mapping that a caller has given.
class Mapping::Held {
  public:
    Held() = default;
    Held(const Held&) = delete;
    Held& operator=(const Held&) = delete;
    virtual ~Held() = default;

    /// Throws Error if it does not fit the frame, or can't be used.
    virtual std::unique_ptr<const PlannedMapping> plan(const Frame& frame) const = 0;

    /// Refuses an output that overlaps what is read while it is written. After `plan`.
    virtual void check_output(const Footprint& out, const char* name) const = 0;
};

}  // namespace cblot
#endif
