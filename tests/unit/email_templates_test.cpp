// What templates make of a payload, and what they refuse to make.
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "handlers/email_confirmation/templates.hpp"
#include "kinbox/email/letter.hpp"
#include "kinbox/email/templates.hpp"
#include "support/temporary_directory.hpp"

namespace kinbox::email {
namespace {

using kinbox::testing::TemporaryDirectory;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

Templates only_text(const std::string& text) {
  return Templates(
      std::vector<TemplateFile>{{"mail.subject.txt", "Subject\n"}, {"mail.text.txt", text}});
}

std::string rendered(const std::string& text, const std::string& json) {
  return only_text(text).render("mail", json).text;
}

struct Refusal {
  std::string code;
  std::string text;
};

Refusal refusal(const std::string& text, const std::string& json) {
  try {
    rendered(text, json);
  } catch (const LetterError& error) {
    return {error.code(), error.what()};
  }
  return {"rendered", ""};
}

std::string configuration_error(const std::function<void()>& load) {
  try {
    load();
  } catch (const ConfigurationError& error) {
    return error.what();
  }
  return "loaded";
}

std::string load_error(const std::string& text) {
  return configuration_error([&] { only_text(text); });
}

TEST(Templates, FieldsStandWhereTheTagsAre) {
  EXPECT_EQ(rendered("{{orderId}}: {{ buyer.name }}, {{buyer.address.city}}\n",
                     R"({"orderId":"o-1","buyer":{"name":"Zo\u00eb","address":{"city":"Ghent"}}})"),
            "o-1: Zo\xC3\xAB, Ghent\n");
}

TEST(Templates, NumbersStayAsTheyWereWritten) {
  EXPECT_EQ(rendered("{{a}} {{b}} {{c}} {{d}}",
                     R"({"a":129.90,"b":1e3,"c":12345678901234567890.10,"d":-0})"),
            "129.90 1e3 12345678901234567890.10 -0");
}

TEST(Templates, SectionsRepeatAndDepend) {
  const std::string items =
      "Items:\n{{#items}}\n- {{count}} x {{sku}} for {{buyer}}\n{{/items}}\n"
      "{{^items}}\nnone\n{{/items}}\n";
  EXPECT_EQ(
      rendered(items, R"({"buyer":"b","items":[{"sku":"s-1","count":2},{"sku":"s-2","count":1}]})"),
      "Items:\n- 2 x s-1 for b\n- 1 x s-2 for b\n");
  EXPECT_EQ(rendered(items, R"({"items":[]})"), "Items:\nnone\n");
  EXPECT_EQ(rendered("{{#tags}}{{.}} {{/tags}}", R"({"tags":["a",2]})"), "a 2 ");
  EXPECT_EQ(rendered("{{#a}}yes{{/a}}{{^a}}no{{/a}}", R"({"a":true})"), "yes");
  EXPECT_EQ(rendered("{{#a}}yes{{/a}}{{^a}}no{{/a}}", R"({"a":false})"), "no");
  EXPECT_EQ(rendered("{{#a}}yes{{/a}}{{^a}}no{{/a}}", R"({"a":null})"), "no");
  EXPECT_EQ(rendered("{{#a}}say {{.}}{{/a}}", R"({"a":"hello"})"), "say hello");
  EXPECT_EQ(rendered("{{#a}}{{b}}{{/a}}", R"({"a":{"b":"in"},"b":"out"})"), "in");
}

TEST(Templates, ATagOnALineOfItsOwnLeavesNoLine) {
  const std::string text = "1\n{{#a}}\n\n2\n\n{{/a}}\n\n{{! a\n  comment }}\n3\n";
  EXPECT_EQ(rendered(text, R"({"a":true})"), "1\n\n2\n\n\n3\n");
  EXPECT_EQ(rendered(text, R"({"a":false})"), "1\n\n3\n");
  EXPECT_EQ(rendered("a\n  {{#b}}  \r\nc\r\n  {{/b}}  \r\nd", R"({"b":false})"), "a\nd");
  EXPECT_EQ(rendered("{{#b}}\nc\n{{/b}}", R"({"b":false})"), "");
  EXPECT_EQ(rendered("x{{#b}}c{{/b}}\ny {{! comment }}\n", R"({"b":false})"), "x\ny \n");
}

TEST(Templates, OnlyTheHtmlPartIsEscaped) {
  const std::vector<TemplateFile> files = {{"mail.subject.txt", "{{a}}"},
                                           {"mail.text.txt", "{{a}}"},
                                           {"mail.html", "<b title='{{a}}'>{{{a}}}{{&a}}</b>"}};
  const auto content = Templates(files).render("mail", R"({"a":"<&\"'>"})");
  EXPECT_EQ(content.subject, "<&\"'>");
  EXPECT_EQ(content.text, "<&\"'>");
  EXPECT_EQ(content.html, "<b title='&lt;&amp;&quot;&#39;&gt;'><&\"'><&\"'></b>");
}

TEST(Templates, WhatAPayloadSaysIsNoTemplate) {
  EXPECT_EQ(rendered("{{a}}", R"({"a":"{{b}}","b":"secret"})"), "{{b}}");
}

TEST(Templates, AMissingFieldIsAnErrorAndNotABlank) {
  for (const char* text : {"{{a}}", "{{{a}}}", "{{&a}}", "{{#a}}{{/a}}", "{{^a}}{{/a}}"}) {
    const auto refused = refusal(text, R"({"b":"secret"})");
    EXPECT_EQ(refused.code, "template_field_missing") << text;
    EXPECT_EQ(refused.text, "e-mail template mail.text.txt: the payload has no field \"a\"");
  }
  EXPECT_EQ(refusal("{{a.b}}", R"({"a":{}})").text,
            "e-mail template mail.text.txt: the payload has no field \"a.b\"");
  EXPECT_EQ(refusal("{{a.b}}", R"({"a":"text"})").code, "template_field_missing");
  EXPECT_EQ(refusal("{{a.}}", R"({"a":"text"})").code, "template_field_missing");
  EXPECT_EQ(refusal("{{a.b.c}}", R"({"a":{}})").code, "template_field_missing");
  EXPECT_EQ(refusal("{{#items}}{{sku}}{{/items}}", R"({"items":[{"sku":"s"},{}]})").code,
            "template_field_missing");
}

TEST(Templates, NullIsMissing) {
  EXPECT_EQ(refusal("{{a}}", R"({"a":null})").code, "template_field_missing");
  EXPECT_EQ(refusal("{{a}}", R"({"a":null})").text,
            "e-mail template mail.text.txt: the payload has null in \"a\"");
}

TEST(Templates, OnlyStringsAndNumbersAreValues) {
  for (const char* value : {"[1]", "[]", "{}", "{\"b\":1}", "true", "false"}) {
    const auto refused = refusal("{{a}}", std::string(R"({"a":)") + value + '}');
    EXPECT_EQ(refused.code, "template_field_kind") << value;
    EXPECT_THAT(refused.text, HasSubstr("\"a\" is a"));
  }
  EXPECT_EQ(refusal("{{#a}}{{.}}{{/a}}", R"({"a":[{}]})").code, "template_field_kind");
}

TEST(Templates, OnlyTheFieldsThatAreNamedMatter) {
  EXPECT_EQ(rendered("{{a}}", R"({"a":"1","b":null,"c":[{"d":[]}]})"), "1");
  EXPECT_EQ(rendered("{{^a}}{{b}}{{/a}}", R"({"a":true})"), "");
}

TEST(Templates, ThePayloadMustBeAnObject) {
  const auto nested = std::string(65, '[') + std::string(65, ']');
  for (const auto& json : {std::string(), std::string("{"), std::string("[]"), std::string("1"),
                           std::string(R"({"a":1,"a":2})"), std::string(R"({"b":{"a":1,"a":2}})"),
                           R"({"a":)" + nested + '}'})
    EXPECT_EQ(refusal("{{a}}", json).code, "payload_unusable") << json;
}

TEST(Templates, AnUnknownTypeIsNamed) {
  const auto templates = only_text("text");
  EXPECT_TRUE(templates.has("mail"));
  EXPECT_FALSE(templates.has("other"));
  try {
    templates.render("other", "{}");
    FAIL();
  } catch (const LetterError& error) {
    EXPECT_EQ(error.code(), "unknown_template");
    EXPECT_THAT(error.what(), AllOf(HasSubstr("\"other\": there are mail;"),
                                    HasSubstr("add other.subject.txt and other.text.txt")));
  }
}

TEST(Templates, BrokenTemplatesNameTheFileAndTheLine) {
  EXPECT_EQ(load_error("a\nb {{c"), "e-mail template mail.text.txt:2: Unclosed tag");
  EXPECT_EQ(load_error("a\n\n{{#b}}\nc"),
            "e-mail template mail.text.txt:3: Unclosed section \"b\"");
  EXPECT_EQ(load_error("a\n{{/b}}"), "e-mail template mail.text.txt:2: Unopened section \"b\"");
  EXPECT_THAT(load_error("{{#a}}{{#b}}{{/a}}{{/b}}"), HasSubstr("txt:1: Unclosed section"));
  EXPECT_EQ(load_error("a\n{{ }}"), "e-mail template mail.text.txt:2: a tag without a name");
  EXPECT_EQ(load_error("{{}}"), "e-mail template mail.text.txt:1: a tag without a name");
  EXPECT_EQ(load_error("{{{ }}}"), "e-mail template mail.text.txt:1: a tag without a name");
  EXPECT_EQ(load_error("{{#}}{{/}}"), "e-mail template mail.text.txt:1: a tag without a name");
  EXPECT_THAT(load_error("{{>footer}}"), HasSubstr("txt:1: partials"));
  EXPECT_THAT(load_error("\n{{=<% %>=}}"), HasSubstr("txt:2: delimiters stay"));
  EXPECT_THAT(load_error("{{=a}}"), HasSubstr("txt:1: Invalid set delimiter tag"));
  EXPECT_THAT(load_error("{{a}}\n{{#a}}{{/a}}"),
              HasSubstr("txt:2: {{a}} is a section and a value; inside the section write {{.}}"));
  EXPECT_EQ(load_error("\xFF"), "e-mail template mail.text.txt: is not UTF-8");
  EXPECT_EQ(load_error("{{! a\ncomment }}{{a}}"), "loaded");
}

TEST(Templates, ATypeHasASubjectAndAText) {
  const auto error = [](const std::vector<TemplateFile>& files) {
    return configuration_error([&] { Templates templates(files); });
  };
  EXPECT_THAT(error({{"a.text.txt", ""}}), HasSubstr("type \"a\" has no a.subject.txt"));
  EXPECT_THAT(error({{"a.subject.txt", ""}}), HasSubstr("type \"a\" has no a.text.txt"));
  EXPECT_THAT(error({{"a.html", ""}}), HasSubstr("type \"a\" has no a.subject.txt"));
  EXPECT_EQ(error({{"a.subject.txt", "one\ntwo\n"}, {"a.text.txt", ""}}),
            "e-mail template a.subject.txt:2: a subject is one line");
}

TEST(Templates, ASubjectsLineEndIsNotPartOfIt) {
  for (const char* subject : {"Subject", "Subject\n", "Subject\r\n"}) {
    const Templates templates(
        std::vector<TemplateFile>{{"a.subject.txt", subject}, {"a.text.txt", ""}});
    EXPECT_EQ(templates.render("a", "{}").subject, "Subject");
  }
}

class TemplateFolder : public ::testing::Test {
 protected:
  void write(const std::string& name, const std::string& text) {
    std::ofstream(folder_.path() / name) << text;
  }

  std::string error() {
    return configuration_error([&] { Templates templates(folder_.path()); });
  }

  TemporaryDirectory folder_;
};

TEST_F(TemplateFolder, IsRead) {
  write("order.v2.subject.txt", "Subject\n");
  write("order.v2.text.txt", "{{a}}");
  write("order.v2.html", "<b>{{a}}</b>");
  write("README.txt", "{{not a template");
  write(".html", "{{neither");
  const Templates templates(folder_.path());
  EXPECT_TRUE(templates.has("order.v2"));
  const auto content = templates.render("order.v2", R"({"a":1})");
  EXPECT_EQ(content.text, "1");
  EXPECT_EQ(content.html, "<b>1</b>");
}

TEST_F(TemplateFolder, WithoutHtmlThereIsNone) {
  write("order.subject.txt", "Subject\n");
  write("order.text.txt", "");
  EXPECT_EQ(Templates(folder_.path()).render("order", "{}").html, std::nullopt);
}

TEST_F(TemplateFolder, WhatIsWrongIsNamed) {
  EXPECT_THAT(error(), AllOf(HasSubstr(folder_.path().string()), HasSubstr("holds none")));
  write("order.subject.txt", "Subject\n");
  write("order.text.txt", "one\n{{two");
  EXPECT_THAT(error(), HasSubstr((folder_.path() / "order.text.txt").string() + ":2: Unclosed"));
  std::filesystem::remove(folder_.path() / "order.text.txt");
  std::filesystem::create_directory(folder_.path() / "order.text.txt");
  EXPECT_THAT(error(), HasSubstr("order.text.txt: cannot be read"));
  EXPECT_THAT(configuration_error([&] { Templates templates(folder_.path() / "none"); }),
              AllOf(HasSubstr("none"), HasSubstr("No such file")));
  EXPECT_THAT(
      configuration_error([&] { Templates templates(folder_.path() / "order.subject.txt"); }),
      HasSubstr("Not a directory"));
}

TEST(ShippedTemplates, MakeMails) {
  const Templates templates(handlers::email_confirmation_templates());
  const auto confirmation =
      templates.render("order_confirmation", R"({"orderId":"o<1>","totalAmount":129.90})");
  EXPECT_EQ(confirmation.subject, "Your order o<1>");
  EXPECT_THAT(confirmation.text, AllOf(HasSubstr("order o<1>."), HasSubstr("Total: 129.90\n")));
  EXPECT_THAT(*confirmation.html, AllOf(HasSubstr("o&lt;1&gt;"), Not(HasSubstr("o<1>"))));
  const auto shipped = templates.render("order_shipped", R"({"orderId":"o-1"})");
  EXPECT_EQ(shipped.subject, "Your order o-1 is on its way");
}

TEST(ShippedTemplates, AreTheFilesOfTheFolder) {
  const Templates folder(
      std::filesystem::path(KINBOX_SOURCE_DIR "/handlers/email_confirmation/templates"));
  const Templates embedded(handlers::email_confirmation_templates());
  const std::string payload = R"({"orderId":"o-1","totalAmount":1.10})";
  for (const char* type : {"order_confirmation", "order_shipped"}) {
    EXPECT_EQ(folder.render(type, payload).text, embedded.render(type, payload).text);
    EXPECT_EQ(folder.render(type, payload).html, embedded.render(type, payload).html);
  }
}

}  // namespace
}  // namespace kinbox::email
