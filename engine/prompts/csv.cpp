#include "engine/prompts/csv.h"

#include "engine/base/error.h"

#include <utility>

namespace blockcert::prompts {

namespace {

class CsvReader {
public:
    CsvReader(std::string_view content, std::string_view source)
        : m_content(content)
        , m_source(source)
    {
    }

    std::vector<CsvRecord> run()
    {
        std::vector<CsvRecord> records;
        while (m_position < m_content.size()) {
            CsvRecord record;
            record.line = m_line;
            bool quoted = false;
            do {
                record.fields.push_back(field(quoted));
            } while (take(','));
            if (!atEnd() && !takeLineEnd())
                fail("text behind a closing quote");
            if (record.fields.size() > 1 || !record.fields.front().empty() || quoted)
                records.push_back(std::move(record));
        }
        return records;
    }

private:
    [[nodiscard]] bool atEnd() const { return m_position >= m_content.size(); }

    [[noreturn]] void fail(const std::string& what) const
    {
        throw FormatError(std::string(m_source) + ", line " + std::to_string(m_line) + ": " + what + ".");
    }

    bool take(char c)
    {
        if (atEnd() || m_content[m_position] != c)
            return false;
        ++m_position;
        return true;
    }

    bool takeLineEnd()
    {
        if (m_content.substr(m_position).starts_with("\r\n"))
            ++m_position;
        if (!take('\n'))
            return false;
        ++m_line;
        return true;
    }

    std::string field(bool& quoted)
    {
        if (take('"')) {
            quoted = true;
            return quotedField();
        }
        const std::size_t begin = m_position;
        while (!atEnd() && m_content[m_position] != ',' && m_content[m_position] != '\n' &&
               !m_content.substr(m_position).starts_with("\r\n")) {
            if (m_content[m_position] == '"')
                fail("a quote inside a field that does not begin with one");
            ++m_position;
        }
        return std::string(m_content.substr(begin, m_position - begin));
    }

    std::string quotedField()
    {
        std::string text;
        const std::size_t opened = m_line;
        while (!atEnd()) {
            const char c = m_content[m_position++];
            if (c == '"' && !take('"'))
                return text;
            m_line += c == '\n' ? 1 : 0;
            text += c;
        }
        m_line = opened;
        fail("a quoted field that does not end");
    }

    std::string_view m_content;
    std::string_view m_source;
    std::size_t m_position = 0;
    std::size_t m_line = 1;
};

}

std::vector<CsvRecord> readCsv(std::string_view content, std::string_view source)
{
    return CsvReader(content, source).run();
}

}
