#pragma once

#include "kinbox/postgres/database.hpp"
#include "postgres/handles.hpp"

namespace kinbox::postgres {

/// Throws ConfigurationError when `options` cannot work. Quotes nothing that could be a secret.
void validate(const Options& options);

/// Connects to the first host that lets us in. Throws InfrastructureError whose text says what to
/// check.
ConnectionHandle connect(const Options& options);

}  // namespace kinbox::postgres
