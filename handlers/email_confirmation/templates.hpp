#pragma once

#include <vector>

#include "kinbox/email/templates.hpp"

namespace kinbox::handlers {

/// The templates that come with the handler, for its e-mail types: the files of `templates/`.
std::vector<email::TemplateFile> email_confirmation_templates();

}  // namespace kinbox::handlers
