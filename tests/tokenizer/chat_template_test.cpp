#include "engine/base/error.h"
#include "engine/tokenizer/chat_template.h"
#include "tests/tokenizer/reference.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <sstream>

namespace blockcert::tokenizer {
namespace {

std::vector<ChatMessage> hello()
{
    return {{"user", "Hello"}};
}

std::string render(std::string_view source)
{
    return renderTemplate(source, hello(), {}, true, "").text;
}

template <class Wanted>
void expectThrow(std::string_view source, const std::string& part)
{
    try {
        const std::string text = render(source);
        ADD_FAILURE() << source << " was rendered as " << text.substr(0, 200);
    } catch (const Wanted& error) {
        EXPECT_THAT(error.what(), testing::HasSubstr(part)) << source;
    } catch (const Error& error) {
        ADD_FAILURE() << source << " fails otherwise: " << error.what();
    }
}

TEST(ChatTemplate, RendersTemplatesAndSnippetsAsTheReferenceDoes)
{
    std::istringstream lines(readFile(dataFolder() / "chat_templates.jsonl"));
    int count = 0;
    for (std::string line; std::getline(lines, line); ++count) {
        const Json row = parseStrictJson(line, "chat_templates.jsonl");
        std::vector<ChatMessage> messages;
        for (const Json& message : row["messages"])
            messages.push_back({message["role"].get<std::string>(), message["content"].get<std::string>()});
        std::string text;
        bool refused = false;
        try {
            text = renderTemplate(row["template"].get<std::string>(), messages,
                                  {{"bos_token", "<s>"}, {"eos_token", "</s>"}}, row["generation"].get<bool>(),
                                  row.value("date", ""))
                       .text;
        } catch (const Error& error) {
            refused = true;
            text = error.what();
        }
        EXPECT_EQ(refused, row.contains("error")) << row["name"] << ": " << row["template"] << "\n" << text;
        if (!refused && row.contains("rendered")) {
            EXPECT_EQ(text, row["rendered"].get<std::string>()) << row["name"] << ": " << row["template"];
        }
    }
    EXPECT_GT(count, 250);
}

TEST(ChatTemplate, SaysWhetherItAskedForTheDateAndWhichTemplateItWas)
{
    const RenderedChat dated = renderTemplate("{{ strftime_now('%d %b %Y') }}", hello(), {}, true, "1 Mar 2026");
    EXPECT_EQ(dated.text, "01 Mar 2026");
    EXPECT_TRUE(dated.usedDate);
    EXPECT_EQ(render("{{ strftime_now('%Y-%m-%d') }}, {{ strftime_now('%A %H:%M') }}"), "2024-07-26, Friday 00:00");
    const RenderedChat plain = renderTemplate("abc", hello(), {}, true, "1 Mar 2026");
    EXPECT_FALSE(plain.usedDate);
    EXPECT_EQ(plain.templateSha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(ChatTemplate, NamesWhatIsNotImplemented)
{
    expectThrow<UnsupportedError>("{% include 'x' %}", "include");
    expectThrow<UnsupportedError>("{% call m() %}{% endcall %}", "call");
    expectThrow<UnsupportedError>("\n\n{% for x in [1] recursive %}{% endfor %}", "line 3");
    expectThrow<UnsupportedError>("{{ 1|filesizeformat }}", "filesizeformat");
    expectThrow<UnsupportedError>("{{ 1 is escaped }}", "escaped");
    expectThrow<UnsupportedError>("{{ 'a'.zfill(3) }}", "zfill");
    expectThrow<UnsupportedError>("{{ messages|tojson(default=1) }}", "default");
    expectThrow<UnsupportedError>("{{ 'É'|lower }}", "outside ASCII");
    expectThrow<UnsupportedError>("{{ 9223372036854775807 + 1 }}", "64 bits");
    expectThrow<UnsupportedError>("{{ '%s' % 'a' }}", "%");
}

TEST(ChatTemplate, RefusesFieldsOfADateThatItDoesNotKnowAndDatesThatAreNone)
{
    expectThrow<UnsupportedError>("{{ strftime_now('%d %Q') }}", "\"%Q\" is not implemented");
    expectThrow<UnsupportedError>("{{ strftime_now('%-B') }}", "\"%-B\"");
    expectThrow<UnsupportedError>("{{ strftime_now('%:z') }}", "\"%:\"");
    expectThrow<UnsupportedError>("{{ strftime_now('100%') }}", "\"%\"");
    expectThrow<UnsupportedError>("{{ strftime_now('%-') }}", "\"%-\"");
    expectThrow<FormatError>("{{ strftime_now(5) }}", "format");
    expectThrow<ResourceError>("{{ strftime_now('%A' * 500000) }}", "grows");
    for (const char* date : {"x", "26 Jul", "31 Jun 2024", "29 Feb 2023", "26 jul 2024", "26 July 2024", "2024-07-26",
                             "0 Jul 2024", "26 Jul 24", "26 Jul 0999", "26  Jul 2024", "26 Jul 2024 ", "-1 Jul 2024"})
        EXPECT_THROW(static_cast<void>(renderTemplate("{{ strftime_now('%d') }}", hello(), {}, true, date)),
                     FormatError)
            << date;
}

TEST(ChatTemplate, TellsTheUserWhatTheTemplateRefuses)
{
    expectThrow<UsageError>("{{ raise_exception('Roles must alternate') }}", "Roles must alternate");
    expectThrow<UsageError>("{{ raise_exception('\xC3\xA9' * 100000) }}", "\xC3\xA9\xC3\xA9\xE2\x80\xA6");
    expectThrow<FormatError>("a\nb\n{{ missing.x }}", "line 3");
    expectThrow<FormatError>("{% if true %}", "endif");
}

TEST(ChatTemplate, StopsWhatWouldTakeTooLong)
{
    expectThrow<ResourceError>("{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
                               "steps");
    expectThrow<ResourceError>("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "deeper");
    expectThrow<ResourceError>("{{ range(100001) }}", "range");
    // A text that doubles: 2^40 characters if nobody counts.
    expectThrow<ResourceError>("{% set ns = namespace(x='aaaaaaaaaaaaaaaa') %}"
                               "{% for i in range(40) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}",
                               "grows");
    expectThrow<ResourceError>("{{ 'abc' * 1000000 }}", "grows");
    expectThrow<ResourceError>("{{ [1] * 99999999999 }}", "repeats");
    expectThrow<ResourceError>("{% for i in range(2000) %}{{ 'x' * 1000 }}{% endfor %}", "prints");
    expectThrow<ResourceError>("{{ ('a' * 1000).replace('a', 'b' * 10000) }}", "grows");
    // Lists that share their parts: a few steps stand for 2^60 elements.
    expectThrow<ResourceError>("{% set ns = namespace(x=[1, 2]) %}"
                               "{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x }}",
                               "");
    expectThrow<ResourceError>("{% set ns = namespace(x=[]) %}"
                               "{% for i in range(9999) %}{% set ns.x = [ns.x] %}{% endfor %}",
                               "deeper");
    expectThrow<ResourceError>("{% for i in range(99999) %}{{ ('a' * 99999) == ('a' * 99999) and '' }}{% endfor %}",
                               "steps");
    expectThrow<ResourceError>(
        "{% set l = ['a' * 9999] * 99 %}{% for i in range(99999) %}{{ 'b' in l and '' }}{% endfor %}", "steps");
}

// Where the needle nearly fits everywhere, a search that starts anew at each place takes minutes.
TEST(ChatTemplate, SearchesInLinearTime)
{
    const std::string much = "{% set much = 'a' * 500000 %}{% set nearly = 'a' * 250000 ~ 'b' %}"
                             "{% set nearby = 'b' ~ 'a' * 250000 %}";
    EXPECT_EQ(render(much + "{{ nearly in much }} {{ much.find(nearly) }} {{ much.rfind(nearby) }} "
                            "{{ much.count(nearly) }} {{ much.replace(nearly, '') | length }} "
                            "{{ much.split(nearly) | length }} {{ much.rsplit(nearby) | length }} "
                            "{{ much.strip('b' * 500000 ~ 'a') | length }}"),
              "False -1 -1 0 500000 1 1 0");
    EXPECT_EQ(render("{{ 'abcabc'.find('c') }} {{ 'abcabc'.rfind('ab') }} {{ 'abc'.rfind('') }} {{ 'abc'.find('') }} "
                     "{{ 'a,b,c'.rsplit(',', 1) }} {{ 'a--b--c'.rsplit('--') }} {{ 'aaa'.rsplit('aa') }} "
                     "{{ 'aaa'.count('aa') }} {{ 'aaaa'.replace('aa', 'b', 1) }} {{ '' in '' }} {{ 'x' in '' }}"),
              "2 3 3 0 ['a,b', 'c'] ['a', 'b', 'c'] ['a', ''] 1 baa True False"); // as Python has it
}

TEST(ChatTemplate, RefusesSourceThatWouldExhaustTheStack)
{
    const auto repeat = [](const std::string& part, int times) {
        std::string result;
        for (int i = 0; i < times; ++i)
            result += part;
        return result;
    };
    const int many = 20'000;
    for (const std::string& source :
         {"{{ " + repeat("(", many) + "1" + repeat(")", many) + " }}",
          "{{ " + repeat("[", many) + repeat("]", many) + " }}",
          "{{ " + repeat("{'a':", many) + "1" + repeat("}", many) + " }}", "{{ " + repeat("not ", many) + "1 }}",
          "{{ " + repeat("-", many) + "1 }}", "{{ 1" + repeat("+1", many) + " }}",
          "{{ 'a'" + repeat("~'a'", many) + " }}", "{{ x" + repeat(".x", many) + " }}",
          "{{ x" + repeat("[0]", many) + " }}", "{{ x" + repeat("|trim", many) + " }}",
          "{{ x" + repeat("()", many) + " }}", "{{ 1" + repeat(" if 1 else 1", many) + " }}",
          "{{ 1" + repeat(" if 1", many) + " }}", "{{ x" + repeat(" is defined", many) + " }}",
          "{{ 1" + repeat(" or 1", many) + " }}", "{{ 1" + repeat("**1", many) + " }}",
          repeat("{% if 1 %}", many) + repeat("{% endif %}", many),
          repeat("{% for a in b %}", many) + repeat("{% endfor %}", many)})
        EXPECT_THROW(static_cast<void>(render(source)), Error) << source.substr(0, 40);
    EXPECT_NO_THROW(static_cast<void>(render("{{ 1" + repeat(" == 1", many) + " }}"))); // one flat node
    EXPECT_THROW(static_cast<void>(render(std::string((1U << 20U) + 1, ' '))), ResourceError);
}

TEST(ChatTemplate, SurvivesEveryTruncationOfRealTemplates)
{
    std::istringstream lines(readFile(dataFolder() / "chat_templates.jsonl"));
    std::string previous;
    for (std::string line; std::getline(lines, line);) {
        const std::string source = parseStrictJson(line, "chat_templates.jsonl")["template"].get<std::string>();
        if (source == previous)
            continue;
        previous = source;
        for (std::size_t length = 0; length<source.size(); length += source.size()> 500 ? 7 : 1) {
            try {
                static_cast<void>(renderTemplate(source.substr(0, length), hello(), {}, true, ""));
            } catch (const Error&) { // one typed error, nothing else
            }
        }
    }
}

TEST(ChatTemplate, RefusesWhatIsNotUtf8)
{
    expectThrow<FormatError>("a\xFF", "UTF-8");
    const std::vector<ChatMessage> bad = {{"user", "\xC3"}};
    EXPECT_THROW(static_cast<void>(renderTemplate("x", bad, {}, true, "")), FormatError);
}

}
}
