#include <kinbox/cli/main.hpp>

#include "credit_account.hpp"

int main(int argc, char** argv) { return kinbox::cli::main(argc, argv, {bank::credit_account()}); }
