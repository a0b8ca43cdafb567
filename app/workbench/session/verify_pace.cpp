#include "app/workbench/session/verify_pace.h"

#include <algorithm>
#include <utility>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;

namespace {

// Ratios of the demo model's level 4 on two cores, for runs and machines of which nothing is known.
constexpr double usualBytesASecond = 5e8;
constexpr StageSeconds usual{0, 0.4, 4, 35, 14};
constexpr double unknownBytes = 2e8;
constexpr double shareOfLosses = 0.3; // of what level 4 adds

}

StageSeconds stageSecondsOf(const RunFacts* run, const VerifySpeeds& speeds, int level, bool isOneBlock)
{
    StageSeconds expected = usual;
    if (run && run->blocks > 0) {
        const double part = isOneBlock ? 1.0 / run->blocks : 1;
        const LevelSeconds whole = secondsOf(*run, speeds);
        const auto known = [&whole](int at, double otherwise) {
            const double seconds = whole[static_cast<std::size_t>(at)];
            return widgets::isMissing(seconds) ? otherwise : seconds;
        };
        expected.bytes = static_cast<double>(run->bytes) * part;
        expected.hash = known(1, static_cast<double>(run->bytes) / usualBytesASecond) * part;
        expected.replay = known(std::min(level, 3), usual.replay) * part;
        // What level 4 is known to take holds the replay of all blocks as well.
        const double model =
            std::max(known(4, usual.replay + usual.model + usual.losses) - known(3, usual.replay), expected.replay);
        expected.model = model * (1 - shareOfLosses);
        expected.losses = model * shareOfLosses;
    }
    if (level < 2)
        expected.replay = 0;
    if (level < 4)
        expected.model = expected.losses = 0;
    return expected;
}

VerifyPace::VerifyPace(const StageSeconds& expected)
    : m_expected(expected)
{
    for (const auto& [name, seconds] : {std::pair(u"replay"_s, expected.replay), std::pair(u"model"_s, expected.model),
                                        std::pair(u"losses"_s, expected.losses)})
        if (seconds > 0)
            m_stages.push_back({name, seconds});
}

void VerifyPace::take(const JobProgress& progress)
{
    m_elapsed = std::max(m_elapsed, progress.elapsedSeconds);
    if (progress.total <= 0)
        return;
    if (progress.stage == "hash"_L1)
        takeHash(progress);
    else
        takeStage(progress);
    // A file that is larger than all that was expected, such as the model's, makes hashing longer.
    const double bytes = std::max(m_expected.bytes, m_hashed + m_file);
    const double hashing = m_expected.hash * (m_expected.bytes > 0 ? bytes / m_expected.bytes : 1);
    double all = hashing;
    // Of how many bytes there are in all nothing may be known: then their share only comes near the whole.
    const double hashed = m_hashed + m_inFile;
    double done = hashing * (m_expected.bytes > 0 ? std::min(1.0, hashed / bytes) : hashed / (hashed + unknownBytes));
    for (const Stage& stage : m_stages) {
        all += stage.seconds;
        done += stage.seconds * stage.fraction;
    }
    constexpr double most = 0.99; // the verdict ends it
    m_fraction = std::max(m_fraction, std::min(most, done / all));
}

// Each file begins at nothing.
void VerifyPace::takeHash(const JobProgress& progress)
{
    const auto done = static_cast<double>(progress.done);
    const auto total = static_cast<double>(progress.total);
    if (done < m_inFile || total != m_file) {
        m_hashed += m_file;
        m_file = total;
    }
    m_inFile = std::min(done, total);
}

// What comes before a stage that goes on is over.
void VerifyPace::takeStage(const JobProgress& progress)
{
    const double fraction =
        std::clamp(static_cast<double>(progress.done) / static_cast<double>(progress.total), 0.0, 1.0);
    const auto last = std::find_if(m_stages.rbegin(), m_stages.rend(),
                                   [&progress](const Stage& stage) { return stage.name == progress.stage; });
    auto stage = last == m_stages.rend() ? m_stages.end() : std::prev(last.base());
    const bool isAgain = stage != m_stages.end() && fraction < stage->fraction;
    if (stage == m_stages.end() || isAgain) { // a second stitched model, or a stage that depends on what was found
        const double seconds = secondsOfUnplanned(progress.stage);
        const auto open =
            std::find_if(m_stages.begin(), m_stages.end(), [](const Stage& one) { return one.fraction <= 0; });
        stage = m_stages.insert(isAgain ? std::next(stage) : open, {progress.stage, seconds, 0});
    }
    stage->fraction = fraction;
    for (auto before = m_stages.begin(); before != stage; ++before)
        before->fraction = 1;
}

double VerifyPace::secondsOfUnplanned(const QString& name) const
{
    if (name.contains("replay"_L1))
        return m_expected.replay;
    return name.contains("losses"_L1) || name == "completions"_L1 ? m_expected.losses : m_expected.model;
}

std::optional<double> VerifyPace::remainingSeconds() const
{
    constexpr double fewest = 0.04;
    if (m_fraction < fewest || m_elapsed <= 0)
        return std::nullopt;
    return m_elapsed * (1 - m_fraction) / m_fraction;
}

}
