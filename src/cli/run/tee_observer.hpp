#pragma once

#include "kinbox/observer.hpp"

namespace kinbox::cli {

/// Tells two observers, `first` first. Both must outlive it.
class TeeObserver : public Observer {
 public:
  TeeObserver(Observer& first, Observer& second) : first_(first), second_(second) {}

  void on_step(Step step) override {
    first_.on_step(step);
    second_.on_step(step);
  }
  void on_notice(const Notice& notice) override {
    first_.on_notice(notice);
    second_.on_notice(notice);
  }

 private:
  Observer& first_;
  Observer& second_;
};

}  // namespace kinbox::cli
