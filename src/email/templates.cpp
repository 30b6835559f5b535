#include "kinbox/email/templates.hpp"

#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "email/payload_fields.hpp"
#include "email/template_source.hpp"
#include "kinbox/email/letter.hpp"

namespace kinbox::email {
namespace {

constexpr std::string_view kSubject = ".subject.txt";
constexpr std::string_view kText = ".text.txt";
constexpr std::string_view kHtml = ".html";

enum class Escape { kNothing, kForHtml };

/// For text between tags, and inside quoted attributes. "&apos;" is not known everywhere.
std::string html_escaped(const std::string& text) {
  std::string result;
  for (const char c : text) switch (c) {
      case '&':
        result += "&amp;";
        break;
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      case '"':
        result += "&quot;";
        break;
      case '\'':
        result += "&#39;";
        break;
      default:
        result += c;
    }
  return result;
}

class Template {
 public:
  Template(std::string file, const std::string& text)
      : file_(std::move(file)), source_(read_template(file_, text)) {}

  std::string render(const MustacheData& payload, Escape escape) const {
    // Parsed each time: the library's object changes while it renders.
    kainjow::mustache::mustache mustache(source_.text);
    mustache.set_custom_escape(
        escape == Escape::kForHtml ? html_escaped : [](const std::string& text) { return text; });
    StrictFields fields(file_, source_, payload);
    return mustache.render(fields);
  }

 private:
  std::string file_;
  TemplateSource source_;
};

std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  // Streaming nothing would count as a failure.
  if (file && file.peek() != std::ifstream::traits_type::eof()) text << file.rdbuf();
  if (!file.is_open() || file.bad() || !text)
    throw ConfigurationError("e-mail template " + path.string() + ": cannot be read");
  return text.str();
}

/// The type, if `name` is that of a template of this `kind`.
std::optional<std::string> type_of(std::string_view name, std::string_view kind) {
  if (name.size() <= kind.size() || !name.ends_with(kind)) return std::nullopt;
  return std::string(name.substr(0, name.size() - kind.size()));
}

/// A subject's file is a line, whose end is not part of it.
std::string subject_line(const std::string& file, std::string text) {
  if (text.ends_with('\n')) text.pop_back();
  if (text.ends_with('\r')) text.pop_back();
  if (text.find('\n') != text.npos)
    throw ConfigurationError("e-mail template " + file + ":2: a subject is one line");
  return text;
}

bool is_template(std::string_view name) {
  return type_of(name, kSubject) || type_of(name, kText) || type_of(name, kHtml);
}

std::vector<TemplateFile> files_of(const std::filesystem::path& folder) {
  std::error_code error;
  const auto refuse = [&] {
    throw ConfigurationError("e-mail templates: folder " + folder.string() + ": " +
                             error.message());
  };
  std::filesystem::directory_iterator entries(folder, error);
  if (error) refuse();
  std::vector<TemplateFile> files;
  for (const auto end = std::filesystem::directory_iterator(); entries != end;) {
    const auto& path = entries->path();
    if (is_template(path.filename().string())) files.push_back({path.string(), read_file(path)});
    entries.increment(error);
    if (error) refuse();
  }
  if (files.empty())
    throw ConfigurationError("e-mail templates: folder " + folder.string() +
                             " holds none; they are called TYPE.subject.txt, TYPE.text.txt and "
                             "TYPE.html, as in order_confirmation.subject.txt");
  return files;
}

}  // namespace

class Templates::Impl {
 public:
  explicit Impl(const std::vector<TemplateFile>& files) {
    for (const auto& file : files) add(file);
    for (const auto& type : types_) require_complete(type);
  }

  bool has(std::string_view type) const { return types_.contains(type); }

  Content render(const std::string& type, std::string_view json) const {
    const auto subject = subjects_.find(type);
    if (subject == subjects_.end()) refuse_type(type);
    const auto payload = payload_fields(json);
    Content content{.subject = subject->second.render(payload, Escape::kNothing),
                    .text = texts_.at(type).render(payload, Escape::kNothing)};
    if (const auto html = htmls_.find(type); html != htmls_.end())
      content.html = html->second.render(payload, Escape::kForHtml);
    return content;
  }

 private:
  void add(const TemplateFile& file) {
    const auto name = std::filesystem::path(file.name).filename().string();
    if (const auto type = type_of(name, kSubject))
      add_to(subjects_, *type, file.name, subject_line(file.name, file.text));
    else if (const auto text_type = type_of(name, kText))
      add_to(texts_, *text_type, file.name, file.text);
    else if (const auto html_type = type_of(name, kHtml))
      add_to(htmls_, *html_type, file.name, file.text);
  }

  void add_to(std::map<std::string, Template>& templates, const std::string& type,
              const std::string& file, const std::string& text) {
    types_.insert(type);
    templates.insert_or_assign(type, Template(file, text));
  }

  void require_complete(const std::string& type) const {
    const auto require = [&](const auto& templates, std::string_view kind) {
      if (!templates.contains(type))
        throw ConfigurationError("e-mail templates: type \"" + type + "\" has no " + type +
                                 std::string(kind) + "; every type has a subject and a text");
    };
    require(subjects_, kSubject);
    require(texts_, kText);
  }

  [[noreturn]] void refuse_type(const std::string& type) const {
    std::string known;
    for (const auto& one : types_) known += (known.empty() ? "" : ", ") + one;
    throw LetterError("no e-mail template for type \"" + type + "\": there are " + known +
                          "; add " + type + std::string(kSubject) + " and " + type +
                          std::string(kText),
                      "unknown_template");
  }

  std::set<std::string, std::less<>> types_;
  std::map<std::string, Template> subjects_;
  std::map<std::string, Template> texts_;
  std::map<std::string, Template> htmls_;
};

Templates::Templates(const std::filesystem::path& folder) : Templates(files_of(folder)) {}
Templates::Templates(const std::vector<TemplateFile>& files)
    : impl_(std::make_unique<Impl>(files)) {}
Templates::Templates(Templates&&) noexcept = default;
Templates& Templates::operator=(Templates&&) noexcept = default;
Templates::~Templates() = default;

bool Templates::has(std::string_view type) const { return impl_->has(type); }

Content Templates::render(std::string_view type, std::string_view json) const {
  return impl_->render(std::string(type), json);
}

}  // namespace kinbox::email
