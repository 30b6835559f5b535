#pragma once

#include <string>

namespace kinbox {

/// 128 random bits as hex: a name for an incarnation, never used twice, also not after a restore
/// from backup.
std::string random_name();

}  // namespace kinbox
