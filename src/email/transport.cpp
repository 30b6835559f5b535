#include "kinbox/email/transport.hpp"

namespace kinbox::email {

Transport::~Transport() = default;

}  // namespace kinbox::email
