// The mappings that there are: a row each, which is its file and its type. Compiled once, and once
// more for each instruction set, for the functions that make positions.
#include "mapping/callback.hpp"
#include "mapping/exact.hpp"
#include "mapping/nodes.hpp"
#include "mapping/pixmap.hpp"
#include "source_box.hpp"

#ifndef CBLOT_ISA
namespace cblot {

namespace {

template <class Given>
class HeldMapping : public Mapping::Held {
  public:
    explicit HeldMapping(Given given) : given_(std::move(given)) {}

    std::unique_ptr<const PlannedMapping> plan(const Frame& frame) const override {
        return plan_of(given_, frame);
    }

    void check_output(const Footprint& out, const char* name) const override {
        check_memory(given_, out, name);
    }

  private:
    Given given_;
};

}  // namespace

template <class Given, class>
Mapping::Mapping(Given given) : held_(std::make_shared<HeldMapping<Given>>(std::move(given))) {}

template CBLOT_API Mapping::Mapping(NodeMapping);
template CBLOT_API Mapping::Mapping(PixmapMapping);
template CBLOT_API Mapping::Mapping(CallbackMapping);
template CBLOT_API Mapping::Mapping(ExactMapping);

}  // namespace cblot
#endif
