#pragma once

#include "kinbox/observe/log.hpp"
#include "kinbox/observer.hpp"

namespace kinbox::observe {

/// What a notice says to an operator: coordinates, what happened, the way out.
LogLine to_line(const Notice& notice);

}  // namespace kinbox::observe
