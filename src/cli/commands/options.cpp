#include <CLI/CLI.hpp>

#include "cli/commands/commands.hpp"
#include "cli/config/units.hpp"
#include "kinbox/errors.hpp"

namespace kinbox::cli {

void add_config_option(CLI::App& command, Invocation& invocation) {
  command
      .add_option("-c,--config", invocation.config_file,
                  "Configuration file (default: $KINBOX_CONFIG, else kinbox.yaml)")
      ->type_name("FILE");
}

void add_output_option(CLI::App& command, Invocation& invocation) {
  const std::map<std::string, OutputFormat> formats{{"table", OutputFormat::kTable},
                                                    {"wide", OutputFormat::kWide},
                                                    {"json", OutputFormat::kJson},
                                                    {"jsonl", OutputFormat::kJsonLines},
                                                    {"csv", OutputFormat::kCsv}};
  command
      .add_option("-o,--output", invocation.output,
                  "Form of the answer: table, wide, json, jsonl or csv")
      ->transform(CLI::CheckedTransformer(formats).description(""))
      ->type_name("FORMAT");
}

void add_duration_option(CLI::App& command, const std::string& name,
                         std::chrono::milliseconds& target, const std::string& description) {
  command
      .add_option_function<std::string>(
          name,
          [&target, name](const std::string& text) {
            try {
              target = parse_duration(text);
            } catch (const ConfigurationError& e) {
              throw CLI::ValidationError(name, e.what());
            }
          },
          description + " (default: " + to_text(target) + ")")
      ->type_name("TIME");
}

}  // namespace kinbox::cli
