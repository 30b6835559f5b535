#include "handlers/handlers.hpp"
#include "kinbox/cli/main.hpp"

int main(int argc, char** argv) {
  return kinbox::cli::main(argc, argv, kinbox::shipped_handlers());
}
