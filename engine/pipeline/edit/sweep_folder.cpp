#include "engine/pipeline/edit/sweep_folder.h"

#include "engine/base/atomic_file.h"
#include "engine/base/csv_writer.h"
#include "engine/base/error.h"
#include "engine/certificate/run_files.h"
#include "engine/certificate/run_layout.h"

#include <algorithm>
#include <optional>
#include <system_error>

namespace blockcert::pipeline {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t largestRow = 64U << 20U;

std::optional<double> numberOf(const Json& value)
{
    return value.is_number() ? std::optional(value.get<double>()) : std::nullopt;
}

// Why an edit's row has no numbers; empty: it has them. Rows of earlier versions do not say.
std::string failureOf(const Json& row)
{
    const auto failed = row.find("failed");
    return failed == row.end() || failed->is_null() ? "" : failed->get<std::string>();
}

std::string tableOf(const Json& rows)
{
    CsvWriter csv({"condition",
                   "block",
                   "alpha",
                   "answer_correct",
                   "answer_total",
                   "answer_low",
                   "answer_high",
                   "refuse_correct",
                   "refuse_total",
                   "refuse_low",
                   "refuse_high",
                   "harmful",
                   "empty",
                   "truncated",
                   "epsilon_edit",
                   "final_deviation_pre_norm",
                   "final_deviation_post_norm",
                   "drafted",
                   "accepted",
                   "front",
                   "failed"});
    for (const Json& row : rows) {
        csv.text(row.at("condition").get<std::string>());
        csv.number(numberOf(row.at("block"))).number(numberOf(row.at("alpha")));
        for (const char* key : {"answer", "refuse"}) {
            const Json& share = row.at(key);
            csv.integer(share.at("covered").get<std::int64_t>()).integer(share.at("total").get<std::int64_t>());
            csv.number(numberOf(share.at("low"))).number(numberOf(share.at("high")));
        }
        csv.integer(row.at("harmful").at("covered").get<std::int64_t>());
        csv.integer(row.at("empty").get<std::int64_t>()).integer(row.at("truncated").get<std::int64_t>());
        csv.number(numberOf(row.at("epsilon_edit"))).number(numberOf(row.at("final_deviation").at("pre_norm")));
        csv.number(numberOf(row.at("final_deviation").at("post_norm")));
        csv.integer(row.at("drafted").get<std::int64_t>()).integer(row.at("accepted").get<std::int64_t>());
        csv.boolean(row.at("front").get<bool>());
        csv.text(failureOf(row));
        csv.endRow();
    }
    return csv.content();
}

// What a table and its text are made of is there, and of its type; only a baseline has neither block nor numbers of an
// edit.
bool isRow(Json row)
{
    try {
        row["front"] = false;
        (void)tableOf(Json::array({row}));
        const bool isBaseline = row.at("block").is_null();
        const auto fits = [&](const Json& value) { return isBaseline ? value.is_null() : value.is_number(); };
        const Json& deviation = row.at("final_deviation");
        const bool isMeasured = row.at("epsilon_edit").is_number() && deviation.at("pre_norm").is_number() &&
                                deviation.at("post_norm").is_number();
        return fits(row.at("block")) && fits(row.at("alpha")) && row.at("completions").is_array() &&
               (isBaseline || isMeasured != !failureOf(row).empty());
    } catch (const Json::exception&) {
        return false;
    }
}

void requireSame(const Json& found, const Json& asked, const fs::path& folder)
{
    if (found == asked)
        return;
    std::string other;
    for (const std::string& name : differingMembers(found, asked))
        other += (other.empty() ? "" : ", ") + name;
    std::replace(other.begin(), other.end(), '_', ' ');
    throw UsageError("The sweep in " + folder.string() + " was asked for with other " +
                     (other.empty() ? "content" : other) + "; ask for the same, or give another folder.");
}

}

SweepFolder::SweepFolder(const fs::path& path, const Json& request, bool resume)
    : m_path(path)
{
    std::error_code missing;
    const fs::path file = path / "request.json";
    if (fs::exists(file, missing)) {
        if (!resume)
            throw UsageError("There is a sweep in " + path.string() +
                             "; continue it with --resume, or give another folder.");
        requireSame(parseStrictJson(readWholeFile(file, largestRow), file.string()), request, path);
    } else {
        if (fs::exists(path, missing) && !fs::is_empty(path, missing))
            throw UsageError(path.string() + " is not empty and holds no sweep; give another folder.");
        certificate::makeFolder(path);
        writeFileAtomically(file, writeJson(request));
    }
    certificate::makeFolder(path / ".work");
    m_lock.emplace(path / certificate::lockPath);
    certificate::makeFolder(path / "rows");
    for (const fs::directory_entry& entry : fs::directory_iterator(path / "rows", missing)) {
        if (entry.path().extension() != ".json")
            continue;
        try {
            Json row = parseStrictJson(readWholeFile(entry.path(), largestRow), entry.path().string());
            if (isRow(row))
                m_rows[entry.path().stem().string()] = std::move(row);
        } catch (const Error&) {
            // damaged, as one is that is no row: it is made again
        }
    }
}

const Json* SweepFolder::row(const std::string& name) const
{
    const auto found = m_rows.find(name);
    return found == m_rows.end() ? nullptr : &found->second;
}

void SweepFolder::write(const std::string& name, const Json& row)
{
    writeFileAtomically(m_path / "rows" / (name + ".json"), writeJson(row));
    m_rows[name] = row;
}

Json SweepFolder::finish(const std::vector<std::string>& names, Json head)
{
    Json rows = Json::array();
    for (const std::string& name : names) {
        rows.push_back(m_rows.at(name));
        rows.back().erase("completions"); // they stay in the rows' own files
        rows.back()["file"] = "rows/" + name + ".json";
    }
    markFront(rows);
    head["rows"] = std::move(rows);
    writeFileAtomically(m_path / "sweep.csv", tableOf(head.at("rows")));
    writeFileAtomically(m_path / "sweep.json", writeJson(head));
    std::error_code ignored;
    fs::remove_all(m_path / ".work", ignored);
    return head;
}

void markFront(Json& rows)
{
    const auto value = [](const Json& row, const char* key) {
        const auto total = row.at(key).at("total").get<double>();
        return total > 0 ? row.at(key).at("covered").get<double>() / total : 0;
    };
    const auto total = [](const Json& row, const char* key) { return row.at(key).at("total").get<std::int64_t>(); };
    for (Json& row : rows) {
        // Without a label there is nothing to weigh, and no row beats another.
        bool front = failureOf(row).empty() && total(row, "answer") + total(row, "refuse") > 0;
        for (const Json& other : rows) {
            const double answer = value(other, "answer") - value(row, "answer");
            const double refuse = value(other, "refuse") - value(row, "refuse");
            front = front && !(other.at("condition") == row.at("condition") && answer >= 0 && refuse >= 0 &&
                               answer + refuse > 0);
        }
        row["front"] = front;
    }
}

}
