#pragma once

#include <string>
#include <string_view>

namespace kinbox {

/// `text` with `to` in every place of `from`. What is put in is not looked at again.
inline std::string replaced(std::string_view text, std::string_view from, std::string_view to) {
  std::string changed(text);
  for (auto at = changed.find(from); at != std::string::npos;
       at = changed.find(from, at + to.size()))
    changed.replace(at, from.size(), to);
  return changed;
}

}  // namespace kinbox
